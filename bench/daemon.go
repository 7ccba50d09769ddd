package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"plumb.dev/plumb/bench/process"
	"plumb.dev/plumb/internal/server"
)

// setup is what a daemon is started with.
type setup struct {
	program, root, kubeconfig string
	data, log                 string // its data folder, and the file of its log
	flags                     []string
}

// daemon is a running `plumb run`.
type daemon struct {
	setup
	started time.Time
	cmd     *exec.Cmd
	ended   chan struct{} // closed when the process is gone
	end     error         // how; read after ended
	http    *http.Client
	address string
	token   string
	secret  []byte
}

// stopGrace is what a daemon gets to end by itself.
const stopGrace = 20 * time.Second

// startDaemon starts the program; it may not be ready yet.
func startDaemon(s setup) (*daemon, error) {
	log, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(s.program, append([]string{"run", "--root", s.root, "--kubeconfig", s.kubeconfig, "--data", s.data, "--listen", "127.0.0.1:0"}, s.flags...)...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(gitEnvironment(), "TMPDIR="+os.TempDir())
	d := &daemon{setup: s, started: time.Now(), cmd: cmd, ended: make(chan struct{}), http: &http.Client{Timeout: time.Minute}}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%w; build it with make build", err)
	}
	go func() {
		d.end = cmd.Wait()
		close(d.ended)
	}()
	return d, nil
}

// ready waits until the daemon listens, and reads what lets in.
func (d *daemon) ready(ctx context.Context) error {
	read := func(name string) (string, error) {
		content, err := os.ReadFile(filepath.Join(d.data, name))
		return strings.TrimSpace(string(content)), err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, errors.New("the daemon does not listen after a minute"))
	defer cancel()
	err := until(ctx, 5*time.Millisecond, func(context.Context) (bool, error) {
		if err := d.died(); err != nil {
			return false, err
		}
		address, err := read(server.AddressFile)
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		d.address = address
		return err == nil, err
	})
	if err != nil {
		return err
	}
	if d.token, err = read(server.TokenFile); err != nil {
		return err
	}
	secret, err := read(server.HookSecretFile)
	d.secret = []byte(secret)
	return err
}

// died says how a daemon ended that should not have, or nil.
func (d *daemon) died() error {
	select {
	case <-d.ended:
		return fmt.Errorf("the daemon ended: %v; its log ends with:\n%s", d.end, tail(d.log, 15))
	default:
		return nil
	}
}

// hook tells of a push, as a forge does.
func (d *daemon) hook(ctx context.Context) error {
	body, err := json.Marshal(map[string]string{"url": d.root, "ref": "refs/heads/main"})
	if err != nil {
		return err
	}
	mac := hmac.New(sha256.New, d.secret)
	mac.Write(body)
	header := http.Header{"Content-Type": {"application/json"}, "X-Plumb-Signature": {"sha256=" + hex.EncodeToString(mac.Sum(nil))}}
	answer, err := d.ask(ctx, http.MethodPost, "/hooks/git", body, header)
	if err != nil {
		return err
	}
	return answer.Close()
}

// figures reads what the daemon counted.
func (d *daemon) figures(ctx context.Context) (figures, error) {
	answer, err := d.ask(ctx, http.MethodGet, "/metrics", nil, http.Header{"Authorization": {"Bearer " + d.token}})
	if err != nil {
		return figures{}, err
	}
	defer answer.Close()
	return parseFigures(answer)
}

// ask makes a request and returns the body of a good answer.
func (d *daemon) ask(ctx context.Context, method, path string, body []byte, header http.Header) (io.ReadCloser, error) {
	if err := d.died(); err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://"+d.address+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header = header
	answer, err := d.http.Do(request)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode/100 != 2 {
		text, err := io.ReadAll(io.LimitReader(answer.Body, 1000))
		return nil, errors.Join(fmt.Errorf("%s %s: %s: %s", method, path, answer.Status, text), err, answer.Body.Close())
	}
	return answer.Body, nil
}

// inLineLimit is how long a fleet may take to be in line.
const inLineLimit = 10 * time.Minute

// inLine waits until the daemon says that all Apps are synced and healthy and
// none waits. It tells this only to who asks.
func (d *daemon) inLine(ctx context.Context, apps int) error {
	_, err := d.inLineAfter(ctx, apps, 100*time.Millisecond)
	return err
}

// inLineAfter is inLine, with how long it took since the daemon started, as
// closely as it is asked.
func (d *daemon) inLineAfter(ctx context.Context, apps int, every time.Duration) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, inLineLimit)
	defer cancel()
	var last figures
	err := until(ctx, every, func(ctx context.Context) (bool, error) {
		now, err := d.figures(ctx)
		if err != nil {
			return false, err
		}
		last = now
		return int(now.inLine) == apps && now.waiting == 0, nil
	})
	if err != nil {
		err = fmt.Errorf("%.0f of %d Apps are in line: %w; the daemon's log ends with:\n%s", last.inLine, apps, err, tail(d.log, 15))
	}
	return time.Since(d.started), err
}

// usage is what the daemon used since it started.
func (d *daemon) usage() (process.Usage, error) { return process.ReadUsage(d.cmd.Process.Pid) }

// stop asks the daemon to end and waits for it. One that doesn't is killed, and
// that is an error.
func (d *daemon) stop() error {
	if err := d.died(); err != nil {
		return err
	}
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	grace := time.NewTimer(stopGrace)
	defer grace.Stop()
	select {
	case <-d.ended:
		return d.end
	case <-grace.C:
		err := d.cmd.Process.Kill()
		<-d.ended
		return errors.Join(fmt.Errorf("the daemon did not end within %s of being asked to", stopGrace), err)
	}
}

// tail is the last lines of a file.
func tail(path string, lines int) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(content)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
