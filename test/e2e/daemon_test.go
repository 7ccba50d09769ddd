package e2e

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"plumb.dev/plumb/internal/client"
	"plumb.dev/plumb/internal/server"
)

// web has connections of its own: those of http.DefaultClient break when some test server ends.
var web = &http.Client{Transport: &http.Transport{}, Timeout: time.Minute}

// daemon is a `plumb run` that runs, or ran.
type daemon struct {
	t       testing.TB
	data    string
	log     string // the file of its log, which goes on from one daemon of a data folder to the next
	cmd     *exec.Cmd
	address string
	ended   chan struct{} // closed when the process is gone
	client  *client.Client
}

// stopGrace is what a daemon gets to end by itself: the ten seconds that it gives what it is at, and more where the machine is busy.
const stopGrace = 60 * time.Second

// launch starts the program with `run` and what else it is given. It may not listen yet, or never.
func launch(t testing.TB, data string, args ...string) *daemon {
	t.Helper()
	binary, err := program()
	if err != nil {
		t.Fatal(err)
	}
	d := &daemon{t: t, data: data, log: data + ".log", ended: make(chan struct{})}
	log, err := os.OpenFile(d.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	d.cmd = exec.Command(binary, append([]string{"run", "--data", data, "--listen", "127.0.0.1:0"}, args...)...)
	d.cmd.Stdout, d.cmd.Stderr = log, log
	d.cmd.Env = environment()
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = d.cmd.Wait() // how it ended is in its state
		close(d.ended)
	}()
	return d
}

// environment is all that the program finds around it. The race detector holds up the end of a process for a second, unless told not to.
func environment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "TMPDIR=" + os.TempDir(), "GORACE=atexit_sleep_ms=0"}
}

// startDaemon starts a daemon and waits until it answers.
func startDaemon(t testing.TB, data string, args ...string) *daemon {
	t.Helper()
	stale := filepath.Join(data, server.AddressFile) // of one that was killed
	if err := os.Remove(stale); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	d := launch(t, data, args...)
	until(t, func() string {
		if !d.running() {
			t.Fatalf("the daemon ended: %s\n%s", d.cmd.ProcessState, d.tail())
		}
		address, err := os.ReadFile(stale)
		if err != nil {
			return "the daemon does not listen: " + err.Error()
		}
		token, err := os.ReadFile(filepath.Join(data, server.TokenFile))
		if err != nil {
			return err.Error()
		}
		d.address = strings.TrimSpace(string(address))
		d.client, err = client.New(client.Options{Server: d.address, Token: strings.TrimSpace(string(token))})
		if err != nil {
			return err.Error()
		}
		if _, err := d.client.Root(t.Context()); err != nil {
			return err.Error()
		}
		return ""
	})
	return d
}

func (d *daemon) running() bool {
	select {
	case <-d.ended:
		return false
	default:
		return true
	}
}

// kill ends the daemon as a crash does.
func (d *daemon) kill() {
	_ = d.cmd.Process.Kill() // it may have ended by itself
	<-d.ended
}

// stop asks the daemon to end, which it does well and soon, and returns how long it took.
func (d *daemon) stop() time.Duration {
	d.t.Helper()
	asked := time.Now()
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		d.t.Fatalf("the daemon ended before it was asked to: %s\n%s", d.cmd.ProcessState, d.tail())
	}
	grace := time.NewTimer(stopGrace)
	defer grace.Stop()
	select {
	case <-d.ended:
	case <-grace.C:
		d.kill()
		d.t.Fatalf("the daemon did not end within %s\n%s", stopGrace, d.tail())
	}
	if code := d.cmd.ProcessState.ExitCode(); code != 0 {
		d.t.Errorf("the daemon ended with exit code %d\n%s", code, d.tail())
	}
	return time.Since(asked)
}

// sound fails the test for what a daemon may never do, however it ended.
func (d *daemon) sound() {
	d.t.Helper()
	text, err := os.ReadFile(d.log)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, never := range []string{"DATA RACE", "panic:", "panicked", "goroutine 1 ["} {
		if i := bytes.Index(text, []byte(never)); i >= 0 {
			d.t.Errorf("the daemon's log has %q:\n%s", never, text[i:min(len(text), i+4000)])
		}
	}
}

// tail is the end of the daemon's log.
func (d *daemon) tail() string {
	const lines = 40
	text, err := os.ReadFile(d.log)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(text)), "\n")
	return "its log ends with:\n" + strings.Join(all[max(0, len(all)-lines):], "\n")
}

// answer is what a command of the program printed, and its exit code.
type answer struct {
	out, err string
	code     int
}

// command runs a command of the program against the daemon.
func (d *daemon) command(args ...string) answer {
	d.t.Helper()
	binary, err := program()
	if err != nil {
		d.t.Fatal(err)
	}
	var out, problems bytes.Buffer
	cmd := exec.CommandContext(d.t.Context(), binary, args...)
	cmd.Stdout, cmd.Stderr = &out, &problems
	cmd.Env = append(environment(), "PLUMB_DATA="+d.data, "USER=ana")
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		d.t.Fatal(err)
	}
	return answer{out.String(), problems.String(), cmd.ProcessState.ExitCode()}
}

// hook tells the daemon of a push, as a Git server does.
func (d *daemon) hook(url string) {
	d.t.Helper()
	secret, err := os.ReadFile(filepath.Join(d.data, server.HookSecretFile))
	if err != nil {
		d.t.Fatal(err)
	}
	body := fmt.Sprintf(`{"url": %q}`, url)
	mac := hmac.New(sha256.New, bytes.TrimSpace(secret))
	mac.Write([]byte(body))
	request, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, "http://"+d.address+"/hooks/git", strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	request.Header.Set("X-Plumb-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	response, err := web.Do(request)
	if err != nil {
		d.t.Fatal(err)
	}
	defer response.Body.Close()
	if text, _ := io.ReadAll(response.Body); response.StatusCode/100 != 2 {
		d.t.Fatalf("the webhook was answered %s: %s", response.Status, text)
	}
}
