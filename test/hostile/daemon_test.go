package hostile_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"plumb.dev/plumb/internal/client"
	"plumb.dev/plumb/internal/server"
)

// web has connections of its own: those of http.DefaultClient break when some test server ends.
var web = &http.Client{Transport: &http.Transport{}, Timeout: time.Minute}

// daemon is `plumb run` as a process.
type daemon struct {
	t    *testing.T
	data string // its data folder, as this process sees it
	cmd  *exec.Cmd
	log  *book
	stop func() // as an operator does; the end is waited for and judged

	address, token string
	*client.Client
}

// how says how to run it. The zero value, with a root, is the usual way.
type how struct {
	root       string
	kubeconfig string
	data       string // left out: a new one
	args       []string
	prepare    func(*exec.Cmd) // just before it starts
	seenFrom   string          // put before data, where the process lives in another mount namespace; %d is its id
}

// patience is how long anything may take that should take a moment: this
// machine may be busy with other tests.
const patience = 90 * time.Second

// run starts a daemon, and ends it when the test ends.
func run(t *testing.T, h how) *daemon {
	t.Helper()
	d := begin(t, h)
	up := d.log.wait(t, "the daemon to listen", func(l line) bool { return l.Msg == "plumb runs" })
	if h.seenFrom != "" {
		d.data = fmt.Sprintf(h.seenFrom, d.cmd.Process.Pid) + d.data
	}
	token, err := os.ReadFile(filepath.Join(d.data, "token"))
	if err != nil {
		t.Fatal(err)
	}
	d.address, d.token = up.text("listen"), strings.TrimSpace(string(token))
	d.Client, err = client.New(client.Options{Server: d.address, Token: d.token})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// begin starts the process and waits for nothing.
func begin(t *testing.T, h how) *daemon {
	t.Helper()
	if h.data == "" {
		h.data = filepath.Join(t.TempDir(), "data")
	}
	args := append([]string{"run", "--root", h.root, "--kubeconfig", h.kubeconfig, "--data", h.data,
		"--listen", "127.0.0.1:0", "--log-format", "json", "--log-level", "debug"}, h.args...)
	cmd := plumb(t, args...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if h.prepare != nil {
		h.prepare(cmd)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	d := &daemon{t: t, data: h.data, cmd: cmd, log: &book{news: make(chan struct{})}}
	read := make(chan struct{})
	go func() { defer close(read); d.log.read(stderr) }()
	d.stop = sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-read
		d.judge(cmd.Wait())
	})
	t.Cleanup(d.stop)
	return d
}

// judge holds a daemon that was asked to end to having ended well.
func (d *daemon) judge(err error) {
	text := d.log.text()
	for _, never := range []string{"DATA RACE", "panicked", "can't be answered because", "goroutine 1 ["} {
		if strings.Contains(text, never) {
			d.t.Errorf("the daemon's log tells of a mistake in Plumb itself (%s):\n%s", never, text)
			return
		}
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		d.t.Errorf("the daemon ended with %v:\n%s", err, d.log.tail())
	} else if d.t.Failed() {
		d.t.Logf("the daemon's last words:\n%s", d.log.tail())
	}
}

// kill ends it as a crash does.
func (d *daemon) kill() {
	d.t.Helper()
	if err := d.cmd.Process.Kill(); err != nil {
		d.t.Fatal(err)
	}
	_, _ = d.cmd.Process.Wait()
	d.stop = func() {}
}

// plumb is a command of the program, with nobody's settings.
func plumb(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "TMPDIR=" + os.TempDir(), "GORACE=halt_on_error=0 exitcode=66"}
	endWithTests(cmd)
	return cmd
}

// said is what a command printed, and its exit code.
type said struct {
	out, err string
	code     int
}

// says runs a command that asks the daemon, as people do.
func (d *daemon) says(args ...string) said {
	d.t.Helper()
	cmd := plumb(d.t, args...)
	cmd.Env = append(cmd.Env, "PLUMB_DATA="+d.data)
	return carryOut(d.t, cmd)
}

func carryOut(t *testing.T, cmd *exec.Cmd) said {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(patience, func() {
		t.Errorf("%s doesn't end by itself", cmd)
		_ = cmd.Process.Kill()
	})
	defer late.Stop()
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return said{out: out.String(), err: errs.String(), code: cmd.ProcessState.ExitCode()}
}

// book is a daemon's log.
type book struct {
	mu    sync.Mutex
	lines []line
	ended bool
	news  chan struct{} // closed when there is a new line, or no more to come
}

// line is one line of it; Msg is empty where it is no JSON.
type line struct {
	Level, Msg string
	raw        string
}

// text is one value of a line.
func (l line) text(key string) string {
	var values map[string]any
	_ = json.Unmarshal([]byte(l.raw), &values)
	s, _ := values[key].(string)
	return s
}

func (b *book) read(r io.Reader) {
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, 16<<20)
	for scanner.Scan() {
		l := line{raw: scanner.Text()}
		_ = json.Unmarshal(scanner.Bytes(), &l)
		b.add(func() { b.lines = append(b.lines, l) })
	}
	if err := scanner.Err(); err != nil { // the test sees that the log ended
		l := line{raw: err.Error()}
		b.add(func() { b.lines = append(b.lines, l) })
	}
	b.add(func() { b.ended = true })
}

func (b *book) add(do func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	do()
	close(b.news)
	b.news = make(chan struct{})
}

// wait waits for a line.
func (b *book) wait(t *testing.T, what string, is func(line) bool) line {
	t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	seen := 0
	for {
		b.mu.Lock()
		lines, ended, news := b.lines, b.ended, b.news
		b.mu.Unlock()
		for ; seen < len(lines); seen++ {
			if is(lines[seen]) {
				return lines[seen]
			}
		}
		if ended {
			t.Fatalf("waited for %s, and the daemon ended:\n%s", what, b.text())
		}
		select {
		case <-news:
		case <-late.C:
			t.Fatalf("waited in vain for %s:\n%s", what, b.tail())
		}
	}
}

func (b *book) text() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var text strings.Builder
	for _, l := range b.lines {
		text.WriteString(l.raw + "\n")
	}
	return text.String()
}

func (b *book) tail() string {
	const enough = 6000
	text := b.text()
	return text[max(0, len(text)-enough):]
}

// until asks another process again and again, since it tells of nothing by
// itself, until there is no complaint any more.
func until(t *testing.T, what string, complaint func() string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		why := complaint()
		if why == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s:\n%s", what, why)
		}
		<-ticker.C
	}
}

// readiness is the answer of /readyz to who has the token.
func (d *daemon) readiness(t *testing.T) server.Readiness {
	t.Helper()
	var answer server.Readiness
	response := d.ask(t, http.MethodGet, "/readyz", d.token)
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

// ask makes one request, with the token or without.
func (d *daemon) ask(t *testing.T, method, path, token string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+d.address+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := web.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	return response
}
