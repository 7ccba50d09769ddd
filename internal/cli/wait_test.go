package cli

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"plumb.dev/plumb/internal/usage"
)

// TestWaitOutlivesTheDaemon waits for a commit that changes the daemon itself,
// which ends after its first answer and comes back.
func TestWaitOutlivesTheDaemon(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	serve := func(l net.Listener, state string, answered func()) {
		s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Connection", "close")
			io.WriteString(w, `{"items":[{"app":"a/b","state":"`+state+`","message":"applying","revision":"1d687d61"}]}`)
			answered()
		})}
		go func() { _ = s.Serve(l) }()
		t.Cleanup(func() { s.Close() })
	}
	gone := make(chan struct{})
	serve(listener, "Pending", func() {
		_ = listener.Close()
		close(gone)
	})
	go func() {
		<-gone
		<-time.After(askAgain / 2) // it is missed meanwhile
		again, err := net.Listen("tcp", address)
		if err != nil {
			t.Errorf("listen again: %v", err)
			return
		}
		serve(again, "Done", func() {})
	}()
	var out, errOut bytes.Buffer
	env := map[string]string{"PLUMB_SERVER": address, "PLUMB_TOKEN": "a-token-of-this-test"}
	code := Run(context.Background(), []string{"wait", "a/b", "--commit", "1d687d61"}, Env{
		In: strings.NewReader(""), Out: &out, Err: &errOut, Getenv: func(name string) string { return env[name] },
	})
	if code != usage.ExitOK || !strings.Contains(out.String(), "Done") || !strings.Contains(errOut.String(), "a/b: Pending: applying") {
		t.Errorf("exit code %d, %s%s", code, &out, &errOut)
	}
}
