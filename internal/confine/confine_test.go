package confine

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

const argument = "confined"

// TestMain is the confined process as well: it does what it is told to.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == argument {
		confined()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// confined enters, tells what is open, and then does as each line says.
func confined() {
	in, out, ok := Pipes()
	if !ok {
		os.Exit(64)
	}
	limits := Limits{Memory: 256 << 20, Stack: 32 << 20}
	report := Enter(limits)
	fmt.Fprintf(out, "%v %q\n", report.Open, report.Wrong)
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		if lines.Text() == "watch" {
			defer limits.Watch()()
			continue
		}
		fmt.Fprintf(out, "%s\n", strings.ReplaceAll(attempt(lines.Text()), "\n", " "))
	}
	if lines.Err() != nil {
		os.Exit(1)
	}
}

var kept [][]byte // what was allocated

// attempt tries something, and says what came of it.
func attempt(what string) string {
	var got any
	var err error
	verb, rest, _ := strings.Cut(what, " ")
	switch verb {
	case "read":
		got, err = os.ReadFile(rest)
	case "write":
		err = os.WriteFile(rest, []byte("x"), 0o600)
	case "dial":
		got, err = net.DialTimeout("tcp", rest, time.Second)
	case "listen":
		got, err = net.Listen("tcp", rest)
	case "lookup":
		got, err = net.LookupHost(rest)
	case "run":
		err = exec.Command(rest).Run()
	case "signal":
		var p *os.Process
		if p, err = os.FindProcess(os.Getppid()); err == nil {
			err = p.Kill()
		}
	case "environment":
		got = os.Environ()
	case "allocate":
		for {
			b := make([]byte, 1<<20)
			for i := 0; i < len(b); i += 4096 {
				b[i] = 1
			}
			kept = append(kept, b)
		}
	case "allocate-at-once":
		n := 4 << 30
		kept = append(kept, make([]byte, n))
	case "recurse":
		got = recurse(0)
	case "exit":
		os.Exit(5)
	case "panic":
		panic("a secret")
	case "spin":
		for i := 0; ; i++ {
			runtime.KeepAlive(i)
		}
	}
	if err != nil {
		return "error: " + err.Error()
	}
	return fmt.Sprint(got)
}

func recurse(n int) int {
	if n < 0 {
		return 0
	}
	return recurse(n+1) + recurse(n-1)
}

// subject is a confined process, and what it answers.
type subject struct {
	*Process
	answers *bufio.Reader
}

func start(t *testing.T) subject {
	t.Helper()
	s, err := NewStarter(argument)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	p, err := s.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Finish() })
	c := subject{p, bufio.NewReader(p.Out)}
	want := "[] []"
	if runtime.GOOS != "linux" {
		want = "[files network programs processes] []"
	}
	if got := c.answer(t); got != want {
		t.Fatalf("it can reach %s, want %s", got, want)
	}
	return c
}

func (c subject) answer(t *testing.T) string {
	t.Helper()
	line, err := c.answers.ReadString('\n')
	if err != nil {
		t.Fatalf("no answer: %v; it ended: %+v", err, c.Finish())
	}
	return strings.TrimSpace(line)
}

func (c subject) ask(t *testing.T, what string) string {
	t.Helper()
	if _, err := io.WriteString(c.In, what+"\n"); err != nil {
		t.Fatal(err)
	}
	return c.answer(t)
}

func TestNothingIsReached(t *testing.T) {
	t.Setenv("PLUMB_CANARY", "canary")
	file := filepath.Join(t.TempDir(), "new")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	c := start(t)
	if got := c.ask(t, "environment"); got != "[]" {
		t.Errorf("it has the environment %s", got)
	}
	if runtime.GOOS != "linux" {
		t.Skip("the rest is for Linux")
	}
	for _, what := range []string{
		"read /etc/passwd", "read /proc/self/environ", "read /proc/1/environ", "read " + os.Args[0], "write " + file,
		"dial " + listener.Addr().String(), "listen 127.0.0.1:0", "lookup localhost", "run /bin/true", "signal",
	} {
		if got := c.ask(t, what); !strings.Contains(got, "not permitted") && !strings.Contains(got, "permission denied") && !strings.HasPrefix(got, "error: lookup ") {
			t.Errorf("%s: got %s", what, got)
		}
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("it wrote a file")
	}
}

func TestEnds(t *testing.T) {
	for name, test := range map[string]struct {
		ask    []string
		memory bool
		stack  bool
		text   string
	}{
		"bit by bit":  {ask: []string{"watch", "allocate"}, memory: true, text: "out of memory"},
		"unwatched":   {ask: []string{"allocate"}, memory: true, text: "out of memory"},
		"at once":     {ask: []string{"allocate-at-once"}, memory: true, text: "out of memory"},
		"recursion":   {ask: []string{"recurse"}, stack: true, text: "fatal error: stack overflow"},
		"by itself":   {ask: []string{"exit"}, text: "exit code 5"},
		"with secret": {ask: []string{"panic"}, text: "panic"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !kernelCounts && name != "bit by bit" && test.memory {
				t.Skip("the kernel sets no limit of memory here")
			}
			c := start(t)
			if _, err := io.WriteString(c.In, strings.Join(test.ask, "\n")+"\n"); err != nil {
				t.Fatal(err)
			}
			end := c.Mourn()
			if end.Memory != test.memory || end.Stack != test.stack || end.String() != test.text {
				t.Errorf("got %+v: %s", end, end)
			}
		})
	}
}

func TestKilled(t *testing.T) {
	t.Parallel()
	c := start(t)
	if _, err := io.WriteString(c.In, "spin\n"); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "linux" && c.Memory() < 1<<20 {
		t.Errorf("it takes %d bytes", c.Memory())
	}
	if end := c.Finish(); end.Signal != "signal: killed" || end.Memory || end.Stack {
		t.Errorf("got %+v", end)
	}
	if _, err := io.WriteString(c.In, "x"); err == nil {
		t.Error("a process that ended can be written to")
	}
}

// Processes end with who started them, also when they don't read.
func TestEndsWithItsStarter(t *testing.T) {
	t.Parallel()
	s, err := NewStarter(argument)
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Start()
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "linux" {
		if _, err := io.WriteString(p.In, "spin\n"); err != nil {
			t.Fatal(err)
		}
	} else {
		_ = p.In.Close()
	}
	s.Close()
	s.Close()
	p.Mourn()
}

func TestObituary(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		"":                        "",
		"password: x\n":           "",
		"fatal error: all\npanic": "fatal error: all",
		"runtime: cannot allocate heap metadata\n":         "fatal error: out of memory",
		"panic: password":                                  "panic",
		"x" + strings.Repeat("y", 1000):                    "",
		"fatal error: " + strings.Repeat("y", 1000) + "\n": "fatal error: " + strings.Repeat("y", 187),
	} {
		var o obituary
		for _, b := range []byte(said) {
			_, _ = o.Write([]byte{b})
		}
		if o.end(); o.fatal != want {
			t.Errorf("%q: got %q", said, o.fatal)
		}
	}
}
