package cli

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"plumb.dev/plumb/internal/usage"
)

// TestWaitOutlivesTheDaemon waits for a commit that changes the daemon itself,
// which ends after its first answer and comes back.
func TestWaitOutlivesTheDaemon(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	daemon := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		state := "Pending"
		switch asked.Add(1) {
		case 1:
		case 2:
			panic(http.ErrAbortHandler) // it isn't there
		default:
			state = "Done"
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Connection", "close")
		io.WriteString(w, `{"items":[{"app":"a/b","state":"`+state+`","message":"applying","revision":"1d687d61"}]}`)
	}))
	t.Cleanup(daemon.Close)
	var out, errOut bytes.Buffer
	env := map[string]string{"PLUMB_SERVER": daemon.URL, "PLUMB_TOKEN": "a-token-of-this-test"}
	code := Run(context.Background(), []string{"wait", "a/b", "--commit", "1d687d61"}, Env{
		In: strings.NewReader(""), Out: &out, Err: &errOut, Getenv: func(name string) string { return env[name] },
	})
	if code != usage.ExitOK || !strings.Contains(out.String(), "Done") || !strings.Contains(errOut.String(), "a/b: Pending: applying") {
		t.Errorf("exit code %d, %s%s", code, &out, &errOut)
	}
	if n := asked.Load(); n != 3 {
		t.Errorf("it was asked %d times", n)
	}
}
