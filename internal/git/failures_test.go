package git_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"plumb.dev/plumb/internal/git"
	"plumb.dev/plumb/internal/git/gittest"
)

// canary is a secret that must be seen by the server alone.
const canary = "canary-5ecr3t"

// TestFailuresOverHTTP: each thing that can be wrong with a repository says what
// it is and what to do, and fetching works once it is put right.
func TestFailuresOverHTTP(t *testing.T) {
	t.Parallel()
	basic := git.Credentials{Username: "ada", Password: canary}
	html := func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "<html>\n<body>Welcome</body>\n</html>\n")
		})
	}
	echo := func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			_, password, _ := req.BasicAuth()
			http.Error(w, "not for you, "+req.Header.Get("Authorization")+", "+password, http.StatusForbidden)
		})
	}
	tests := map[string]struct {
		wrap  func(http.Handler) http.Handler
		creds git.Credentials
		want  error
		says  string
	}{
		"open to all":             {wrap: plainly},
		"credentials for nothing": {wrap: plainly, creds: basic},
		"no credentials":          {gittest.RequireBasic("ada", canary), git.Credentials{}, git.ErrNeedsCredentials, "add an entry for it to the credentials file"},
		"wrong password":          {gittest.RequireBasic("ada", "other"), basic, git.ErrWrongCredentials, "check its entry in the credentials file"},
		"right password":          {gittest.RequireBasic("ada", canary), basic, nil, ""},
		"right token":             {gittest.RequireBearer(canary), git.Credentials{BearerToken: canary}, nil, ""},
		"wrong token":             {gittest.RequireBearer("other"), git.Credentials{BearerToken: canary}, git.ErrWrongCredentials, ""},
		"token and password":      {plainly, git.Credentials{BearerToken: canary, Password: canary}, git.ErrWrongCredentials, "give one"},
		"line end in a token":     {plainly, git.Credentials{BearerToken: canary + "\r\nX: y"}, git.ErrWrongCredentials, "control character"},
		"forbidden":               {gittest.Answer(http.StatusForbidden), basic, git.ErrWrongCredentials, "what the account may read"},
		"echoed credentials":      {echo, basic, git.ErrWrongCredentials, ""},
		"not there":               {gittest.Answer(http.StatusNotFound), git.Credentials{}, git.ErrGone, "check the URL"},
		"a web page":              {html, git.Credentials{}, git.ErrGone, "check the URL"},
		"server error":            {gittest.Answer(http.StatusInternalServerError), git.Credentials{}, git.ErrServer, "500"},
		"too many requests":       {gittest.Answer(http.StatusTooManyRequests), git.Credentials{}, git.ErrServer, "429"},
		"bad gateway":             {gittest.Answer(http.StatusBadGateway), git.Credentials{}, git.ErrServer, "it is tried again"},
		"no answer":               {gittest.Stall, git.Credentials{}, git.ErrTimeout, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repo := gittest.NewRepo(t)
			repo.Commit(map[string]string{"x": "1"})
			server := repo.ServeHTTP()
			server.Wrap(test.wrap)
			data := t.TempDir()
			o := git.Options{Data: data}
			if test.want == git.ErrTimeout {
				o.Stall = time.Second
			}
			m := newMirror(t, newProgramWith(t, o), server.Repo(repo))
			_, err := m.Fetch(t.Context(), test.creds, []git.Ref{main})
			checkFailure(t, err, test.want, server.Repo(repo), test.says)
			server.Wrap(plainly)
			if o.Stall > 0 { // a sound answer may take longer on a busy machine
				m.Close()
				m = newMirror(t, newProgramWith(t, git.Options{Data: data}), server.Repo(repo))
			}
			fetch(t, m, git.Credentials{}, main)
			checkNoSecrets(t, data)
		})
	}
}

// checkFailure: the error is of its kind, says what, where and what to do, and
// holds nothing secret.
func checkFailure(t *testing.T, err, want error, where, says string) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
	if err == nil {
		return
	}
	t.Log(err)
	for _, part := range []string{where, want.Error(), says} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error does not say %q: %v", part, err)
		}
	}
	if strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), "Y2FuYXJ5") || strings.Contains(err.Error(), "YWRhOmNhbmFye") {
		t.Errorf("error holds credentials: %v", err)
	}
	var e *git.Error
	if !errors.As(err, &e) || strings.Contains(err.Error(), "\n") {
		t.Errorf("error is no *git.Error of one line: %v", err)
	}
}

// checkNoSecrets: nothing that was written down holds a credential.
func checkNoSecrets(t *testing.T, folder string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if strings.Contains(string(b), canary) || strings.Contains(string(b), "PRIVATE KEY") {
			t.Errorf("%s holds credentials", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestServerGoneAndBack(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t)
	repo.Commit(map[string]string{"x": "1"})
	server := repo.ServeHTTP()
	m := newMirror(t, newProgram(t), server.Repo(repo))
	server.Close()
	_, err := m.Fetch(t.Context(), git.Credentials{}, []git.Ref{main})
	checkFailure(t, err, git.ErrUnreachable, server.URL, "whether the server is up")
}

func TestHTTPSTrust(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t)
	repo.Commit(map[string]string{"x": "1"})
	server := repo.ServeHTTPS()
	m := newMirror(t, newProgram(t), server.Repo(repo))
	_, err := m.Fetch(t.Context(), git.Credentials{}, []git.Ref{main})
	checkFailure(t, err, git.ErrTLS, server.URL, "caFile")
	_, err = m.Fetch(t.Context(), git.Credentials{CA: []byte("no certificate")}, []git.Ref{main})
	checkFailure(t, err, git.ErrTLS, server.URL, "caFile")
	_, err = m.Fetch(t.Context(), git.Credentials{CA: otherCA(t)}, []git.Ref{main})
	checkFailure(t, err, git.ErrTLS, server.URL, "caFile")
	fetch(t, m, git.Credentials{CA: server.CA}, main)
}

// otherCA is a CA that has issued nothing.
func otherCA(t *testing.T) []byte {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// TestS10RedirectToAnotherHost: credentials go to the host they were given for,
// and nowhere else; the new address is told.
func TestS10RedirectToAnotherHost(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t)
	repo.Commit(map[string]string{"x": "1"})
	old, now := repo.ServeHTTP(), repo.ServeHTTP()
	old.Wrap(gittest.RedirectTo("/", now.URL+"/"))
	m := newMirror(t, newProgram(t), old.Repo(repo))
	_, err := m.Fetch(t.Context(), git.Credentials{Username: "ada", Password: canary}, []git.Ref{main})
	checkFailure(t, err, git.ErrMoved, old.URL, "it is now at "+now.Repo(repo))
	if n := len(now.Seen()); n != 0 {
		t.Errorf("the other host got %d requests", n)
	}
}

// TestRedirectOnTheSameHost: it is followed, with the credentials, which are for it.
func TestRedirectOnTheSameHost(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t)
	repo.Commit(map[string]string{"x": "1"})
	server := repo.ServeHTTP()
	server.Wrap(func(next http.Handler) http.Handler {
		return gittest.RedirectTo("/old/", "/")(gittest.RequireBasic("ada", canary)(next))
	})
	m := newMirror(t, newProgram(t), server.URL+"/old/repo.git")
	for range 2 {
		fetch(t, m, git.Credentials{Username: "ada", Password: canary}, main)
	}
	server.Wrap(gittest.RequireBasic("ada", canary))
	_, err := m.Fetch(t.Context(), git.Credentials{Username: "ada", Password: canary}, []git.Ref{main})
	if err != nil {
		t.Errorf("after the redirect is gone: %v", err)
	}
	server.Wrap(gittest.RedirectTo("/", "/x/"))
	_, err = m.Fetch(t.Context(), git.Credentials{}, []git.Ref{main})
	checkFailure(t, err, git.ErrMoved, server.URL, "it is now at "+server.URL+"/x/")
}

// TestS10CredentialsAreOutOfSight: while a transfer runs, no argument of any
// process holds a credential.
func TestS10CredentialsAreOutOfSight(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/cmdline"); err != nil {
		t.Skip("there is no /proc to look at")
	}
	repo := gittest.NewRepo(t)
	repo.Commit(map[string]string{"x": "1"})
	server := repo.ServeHTTP()
	looked := make(chan string, 16)
	server.Wrap(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			looked <- commandLines()
			next.ServeHTTP(w, req)
		})
	})
	m := newMirror(t, newProgram(t), server.Repo(repo))
	fetch(t, m, git.Credentials{Username: "ada", Password: canary}, main)
	lines := <-looked
	if !strings.Contains(lines, server.Repo(repo)) {
		t.Fatal("the transfer was not seen at work")
	}
	if strings.Contains(lines, canary) || strings.Contains(lines, "Authorization: Basic") {
		t.Error("an argument holds credentials")
	}
}

func commandLines() string {
	all := ""
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, f := range files {
		b, _ := os.ReadFile(f)
		all += strings.ReplaceAll(string(b), "\x00", " ") + "\n"
	}
	return all
}

// TestSystemCA: a CA that this machine's settings name is trusted, until a
// repository has one of its own.
func TestSystemCA(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t)
	repo.Commit(map[string]string{"x": "1"})
	server := repo.ServeHTTPS()
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, server.CA, 0o600); err != nil {
		t.Fatal(err)
	}
	p := newProgramWith(t, git.Options{Environ: []string{"PATH=" + os.Getenv("PATH"), "SSL_CERT_FILE=" + file}})
	m := newMirror(t, p, server.Repo(repo))
	fetch(t, m, git.Credentials{}, main)
	_, err := m.Fetch(t.Context(), git.Credentials{CA: otherCA(t)}, []git.Ref{main})
	checkFailure(t, err, git.ErrTLS, server.URL, "caFile")
}

// TestS07EndlessAnswer: a server that never comes to an end, slowly or fast,
// costs bounded time and memory.
func TestS07EndlessAnswer(t *testing.T) {
	t.Parallel()
	for name, pause := range map[string]time.Duration{"slow": 10 * time.Millisecond, "fast": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repo := gittest.NewRepo(t)
			repo.Commit(map[string]string{"x": "1"})
			server := repo.ServeHTTP()
			server.Wrap(endless(pause))
			data := t.TempDir()
			m := newMirror(t, newProgramWith(t, git.Options{Data: data, Stall: time.Second}), server.Repo(repo))
			_, err := m.Fetch(t.Context(), git.Credentials{}, []git.Ref{main})
			if err == nil {
				t.Fatal("it came to an end")
			}
			t.Log(err)
			m.Close()
			server.Wrap(plainly)
			fetch(t, newMirror(t, newProgramWith(t, git.Options{Data: data}), server.Repo(repo)), git.Credentials{}, main)
		})
	}
}

// TestSoundRepositoriesDoNotWaitForFailingOnes: however many repositories hang,
// another is fetched.
func TestSoundRepositoriesDoNotWaitForFailingOnes(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t)
	repo.Commit(map[string]string{"x": "1"})
	server := repo.ServeHTTP()
	server.Wrap(gittest.Answer(http.StatusInternalServerError))
	p := newProgramWith(t, git.Options{Transfers: 2})
	failing := make([]*git.Mirror, 4)
	for i := range failing {
		failing[i] = newMirror(t, p, server.Repo(repo)+strings.Repeat("/", i))
		if _, err := failing[i].Fetch(t.Context(), git.Credentials{}, []git.Ref{main}); err == nil {
			t.Fatal("a failing repository was fetched")
		}
	}
	arrived := make(chan struct{}, 1)
	server.Wrap(signalThen(arrived, gittest.Stall))
	ctx, cancel := context.WithCancel(t.Context())
	var hanging sync.WaitGroup
	for _, m := range failing {
		hanging.Go(func() { _, _ = m.Fetch(ctx, git.Credentials{}, []git.Ref{main}) })
	}
	<-arrived
	fetch(t, newMirror(t, p, repo.Dir), git.Credentials{}, main)
	cancel()
	hanging.Wait()
}

func TestFailuresOverSSH(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("ssh"); err != nil {
		t.Skip("the ssh program is not installed")
	}
	repo := gittest.NewRepo(t)
	repo.Commit(map[string]string{"x": "1"})
	server := repo.ServeSSH()
	url := server.Repo(repo)
	good := git.Credentials{PrivateKey: server.ClientKey, KnownHosts: server.KnownHosts}
	_, otherKey := gittest.NewSSHKey(t)
	otherHost := repo.ServeSSH()
	changed := []byte(strings.Replace(string(otherHost.KnownHosts), otherHost.Addr[len("127.0.0.1:"):], server.Addr[len("127.0.0.1:"):], 1))
	tests := map[string]struct {
		url  string
		edit func(*git.Credentials)
		want error
		says string
	}{
		"all right":        {url, func(*git.Credentials) {}, nil, ""},
		"no known hosts":   {url, func(c *git.Credentials) { c.KnownHosts = nil }, git.ErrHostKeyUnknown, "ssh-keyscan"},
		"another host key": {url, func(c *git.Credentials) { c.KnownHosts = changed }, git.ErrHostKeyChanged, "someone is in between"},
		"no key":           {url, func(c *git.Credentials) { c.PrivateKey = nil }, git.ErrNeedsCredentials, "credentials file"},
		"another key":      {url, func(c *git.Credentials) { c.PrivateKey = otherKey }, git.ErrWrongCredentials, "credentials file"},
		"a broken key":     {url, func(c *git.Credentials) { c.PrivateKey = []byte("x") }, git.ErrFailed, "can't be read"},
		"a locked key":     {url, func(c *git.Credentials) { c.PrivateKey = lockedKey(t) }, git.ErrFailed, "passphrase"},
		"no repository":    {strings.Replace(url, "repo.git", "gone.git", 1), func(*git.Credentials) {}, git.ErrGone, "check the URL"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			creds := good
			test.edit(&creds)
			data := filepath.Join(t.TempDir(), "with 'odd' characters %d")
			m := newMirror(t, newProgramWith(t, git.Options{Data: data}), test.url)
			_, err := m.Fetch(t.Context(), creds, []git.Ref{main})
			checkFailure(t, err, test.want, test.url, test.says)
			if name != "a broken key" && name != "a locked key" {
				fetchUnless(t, test.want == git.ErrGone, m, good)
			}
			checkNoSecrets(t, data)
		})
	}
}

func fetchUnless(t *testing.T, skip bool, m *git.Mirror, c git.Credentials) {
	t.Helper()
	if !skip {
		fetch(t, m, c, main)
	}
}

func lockedKey(t *testing.T) []byte {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte("passphrase"))
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(block)
}

// TestNoSSHProgram: where there is no ssh the error says so.
func TestNoSSHProgram(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t)
	p := newProgramWith(t, git.Options{Environ: []string{"PATH=" + t.TempDir()}})
	m := newMirror(t, p, repo.ServeSSH().Repo(repo))
	_, err := m.Fetch(t.Context(), git.Credentials{}, []git.Ref{main})
	checkFailure(t, err, git.ErrProgram, "ssh://", "install the OpenSSH client")
}

func TestFailuresOfLocalRepositories(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	foreign := gittest.NewRepo(t)
	foreign.Commit(map[string]string{"x": "1"})
	if os.Geteuid() == 0 {
		if err := os.Chown(foreign.Dir, 12345, 12345); err != nil {
			t.Fatal(err)
		}
	}
	tests := map[string]struct {
		dir  string
		want error
		says string
		root bool
	}{
		"no such folder":       {filepath.Join(folder, "gone"), git.ErrGone, "check the path", false},
		"not a repository":     {folder, git.ErrGone, "check the path", false},
		"another user's":       {foreign.Dir, git.ErrOwnership, "run Plumb as the user who owns it", true},
		"another user's (URL)": {"file://" + foreign.Dir, git.ErrOwnership, "run Plumb as the user who owns it", true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.root && os.Geteuid() != 0 {
				t.Skip("only root can give a folder away")
			}
			_, err := newMirror(t, newProgram(t), test.dir).Fetch(t.Context(), git.Credentials{}, []git.Ref{main})
			checkFailure(t, err, test.want, test.dir, test.says)
		})
	}
}

func TestLocalRepositoriesAreRefusedUnlessAllowed(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t)
	repo.Commit(map[string]string{"x": "1"})
	p, err := git.New(t.Context(), git.Options{Data: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{repo.Dir, "file://" + repo.Dir} {
		_, err = newMirror(t, p, url).Fetch(t.Context(), git.Credentials{}, []git.Ref{main})
		checkFailure(t, err, git.ErrURL, repo.Dir, "can't be used here")
	}
}

// TestTimeout: a transfer that goes on for ever ends.
func TestTimeout(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t)
	repo.Commit(map[string]string{"x": "1"})
	server := repo.ServeHTTP()
	server.Wrap(gittest.Stall)
	m := newMirror(t, newProgramWith(t, git.Options{Timeout: 5 * time.Second}), server.Repo(repo))
	_, err := m.Fetch(t.Context(), git.Credentials{}, []git.Ref{main})
	checkFailure(t, err, git.ErrTimeout, server.URL, "check the network")
}
