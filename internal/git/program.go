package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Options say how the git program is used. Only Data is required.
type Options struct {
	// Data is the folder that everything is kept in.
	Data string
	// Transfers bounds how many fetches run at one time. Those of repositories
	// that failed at the last look get a half of that at most, so that sound
	// ones don't wait for them. Default 8.
	Transfers int
	// Timeout ends a whole transfer; Stall ends one that makes no progress, and
	// in twice that time a server must have said what it has. Defaults 15m and 30s.
	Timeout, Stall time.Duration
	// AllowLocal says whether a repository on this machine may be read; nil
	// allows none.
	AllowLocal func(path string) bool
	// Environ is where PATH, and the settings of proxies and CAs, are taken
	// from; nothing else is. Default os.Environ().
	Environ []string
}

// ErrProgram says that the git or ssh program can't be used.
var ErrProgram = errors.New("program missing or too old")

// oldest is the version of git that brought cat-file --batch-command.
var oldest = [2]int{2, 36}

// Program is the git program of this machine, closed off from its users'
// settings. It is safe for concurrent use.
type Program struct {
	options   Options
	git       string
	transfers chan struct{} // each holds one place
	doubtful  chan struct{} // and those that failed last time one of these as well
	now       func() time.Time
}

// New finds the git program and makes the data folder.
func New(ctx context.Context, o Options) (*Program, error) {
	if o.Transfers <= 0 {
		o.Transfers = 8
	}
	if o.Timeout <= 0 {
		o.Timeout = 15 * time.Minute
	}
	if o.Stall <= 0 {
		o.Stall = 30 * time.Second
	}
	if o.Environ == nil {
		o.Environ = os.Environ()
	}
	path, err := exec.LookPath("git")
	if err != nil {
		return nil, fmt.Errorf("%w: git is not in the PATH: install git %d.%d or newer", ErrProgram, oldest[0], oldest[1])
	}
	if o.Data, err = filepath.Abs(o.Data); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	p := &Program{
		options: o, git: path, now: time.Now,
		transfers: make(chan struct{}, o.Transfers), doubtful: make(chan struct{}, (o.Transfers+1)/2),
	}
	for _, folder := range []string{p.home(), p.mirrors()} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return nil, fmt.Errorf("make the data folder: %w", err)
		}
	}
	return p, p.checkVersion(ctx)
}

func (p *Program) home() string         { return filepath.Join(p.options.Data, "home") }
func (p *Program) certificates() string { return filepath.Join(p.options.Data, "certificates") }
func (p *Program) mirrors() string      { return filepath.Join(p.options.Data, "mirrors") }

var versionForm = regexp.MustCompile(`git version (\d+)\.(\d+)`)

func (p *Program) checkVersion(ctx context.Context) error {
	var out bytes.Buffer
	if err := p.run(ctx, command{args: []string{"version"}, stdout: &out}); err != nil {
		return fmt.Errorf("%w: %s version: %w", ErrProgram, p.git, err)
	}
	m := versionForm.FindStringSubmatch(out.String())
	if m == nil {
		return fmt.Errorf("%w: %s version says %q", ErrProgram, p.git, out.String())
	}
	major, _ := strconv.Atoi(m[1])
	minor, _ := strconv.Atoi(m[2])
	if slices.Compare([]int{major, minor}, oldest[:]) < 0 {
		return fmt.Errorf("%w: %s is git %d.%d: install git %d.%d or newer", ErrProgram, p.git, major, minor, oldest[0], oldest[1])
	}
	return nil
}

// command is one run of the program.
type command struct {
	args     []string
	after    []string // what comes after the repository's URL
	dir      string   // the repository; empty for none
	protocol string   // the one transport that is allowed; empty for none
	config   []setting
	env      []string
	stdin    string
	stdout   io.Writer
	said     *string  // becomes what it says, redacted
	secrets  []string // what must not be in an error
}

// setting is one value of git's configuration.
type setting struct{ key, value string }

// failure is a command that ended badly, and what it said.
type failure struct {
	args   []string
	stderr string // redacted
	err    error
}

func (f *failure) Error() string {
	return fmt.Sprintf("git %s: %s", f.args[0], firstNonEmpty(lastLine(f.stderr), f.err.Error()))
}

func (f *failure) Unwrap() error { return f.err }

// run carries a command out. When ctx ends, the program and all it started get
// a moment to clean up after themselves, and are killed then.
func (p *Program) run(ctx context.Context, c command) error {
	stderr := &bounded{max: maxStderr}
	cmd := p.prepare(ctx, c)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(c.stdin), c.stdout, stderr
	var kill *time.Timer
	cmd.Cancel = func() error {
		group := -cmd.Process.Pid
		kill = time.AfterFunc(patience, func() { _ = syscall.Kill(group, syscall.SIGKILL) })
		return syscall.Kill(group, syscall.SIGTERM)
	}
	cmd.WaitDelay = 2 * patience
	err := cmd.Run()
	if kill != nil { // whoever of the group is left has had its moment
		kill.Stop()
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	words := redact(stderr.String(), c.secrets)
	if c.said != nil {
		*c.said = words
	}
	if err != nil {
		return &failure{args: c.args, stderr: words, err: err}
	}
	return nil
}

const (
	// patience is how long an ended program may take to remove its lock files.
	patience = 2 * time.Second
	// maxStderr bounds what is kept of what a program, or a server, says.
	maxStderr = 32 << 10
)

func (p *Program) prepare(ctx context.Context, c command) *exec.Cmd {
	cmd := exec.CommandContext(ctx, p.git, c.args...) // checked URLs, ids and our own words
	cmd.Dir = p.home()
	cmd.Env = p.environment(c)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// environment is all that the program gets to know.
func (p *Program) environment(c command) []string {
	env := []string{
		"HOME=" + p.home(),
		"XDG_CONFIG_HOME=" + filepath.Join(p.home(), "xdg"),
		"LC_ALL=C",
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_ATTR_NOSYSTEM=1",
		"GIT_TERMINAL_PROMPT=0",
		"GIT_ASKPASS=",
		"SSH_ASKPASS=",
		"SSH_ASKPASS_REQUIRE=never",
		"GIT_ALLOW_PROTOCOL=" + firstNonEmpty(c.protocol, "none"),
		"GIT_OPTIONAL_LOCKS=0",
		"GIT_COMMITTER_NAME=plumb", // the reflog's
		"GIT_COMMITTER_EMAIL=plumb@localhost",
	}
	if c.dir != "" {
		env = append(env, "GIT_DIR="+c.dir)
	}
	env = append(env, p.passedOn()...)
	env = append(env, c.env...)
	config := slices.Concat(p.config(), c.config)
	env = append(env, "GIT_CONFIG_COUNT="+strconv.Itoa(len(config)))
	for i, s := range config {
		env = append(env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", i, s.key), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, s.value))
	}
	return env
}

// passedOn are the settings of this machine that a transfer can't do without.
func (p *Program) passedOn() []string {
	var env []string
	for _, v := range p.options.Environ {
		name, _, _ := strings.Cut(v, "=")
		switch strings.ToUpper(name) {
		case "PATH", "TMPDIR", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY":
			env = append(env, v)
		}
	}
	return env
}

// config holds for every command.
func (p *Program) config() []setting {
	stall := max(1, int(p.options.Stall/time.Second))
	config := []setting{
		{"protocol.allow", "never"},
		{"core.hooksPath", "/dev/null"},
		{"core.fsmonitor", "false"},
		{"core.askPass", ""},
		{"credential.helper", ""},
		{"credential.interactive", "false"},
		// A mirror is a cache that mends itself, so it isn't worth a wait for the disk.
		{"core.fsync", "none"},
		// Larger files pass through without being held in memory.
		{"core.bigFileThreshold", "16m"},
		// What a branch was forced away from is kept for as long as the reflog knows it.
		{"core.logAllRefUpdates", "always"},
		{"fetch.recurseSubmodules", "false"},
		{"fetch.showForcedUpdates", "false"},
		{"gc.auto", "0"},
		{"maintenance.auto", "false"},
		{"transfer.credentialsInUrl", "die"},
		// A redirect could lead credentials to another host; see redirected.
		{"http.followRedirects", "false"},
		{"http.sslVerify", "true"},
		{"http.lowSpeedLimit", "100"},
		{"http.lowSpeedTime", strconv.Itoa(stall)},
		{"http.userAgent", "plumb"},
	}
	if ca := p.systemCA(); ca != "" {
		config = append(config, setting{"http.sslCAInfo", ca})
	}
	return config
}

// systemCA is the file that this machine's settings name for trusted CAs.
func (p *Program) systemCA() string {
	for _, name := range []string{"GIT_SSL_CAINFO", "SSL_CERT_FILE"} {
		for _, v := range p.options.Environ {
			if value, ok := strings.CutPrefix(v, name+"="); ok && value != "" {
				return value
			}
		}
	}
	return ""
}

// bounded keeps the start and the end of what is written to it.
type bounded struct {
	max        int
	head, tail []byte
	dropped    bool
}

func (b *bounded) Write(p []byte) (int, error) {
	n := len(p)
	if room := b.max/2 - len(b.head); room > 0 {
		take := min(room, len(p))
		b.head = append(b.head, p[:take]...)
		p = p[take:]
	}
	b.tail = append(b.tail, p...)
	if over := len(b.tail) - b.max/2; over > 0 {
		b.tail = append(b.tail[:0], b.tail[over:]...)
		b.dropped = true
	}
	return n, nil
}

func (b *bounded) String() string {
	if b.dropped {
		return string(b.head) + "\n…\n" + string(b.tail)
	}
	return string(b.head) + string(b.tail)
}

// redact removes credentials from what a program said.
func redact(s string, secrets []string) string {
	for _, secret := range secrets {
		s = strings.ReplaceAll(s, secret, "***")
	}
	return Redacted(s)
}

// lastLine is the last line that says something.
func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

func firstNonEmpty(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
