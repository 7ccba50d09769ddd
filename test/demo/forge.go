package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/cgi"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// forge is a Git server such as teams have: over HTTP, for those with an account, and pushed to by those who may. It is served by this program,
// and ends with it.
type forge struct {
	address  string            // HOST:PORT
	password map[string]string // by user
	server   *http.Server
}

// The accounts of the forge.
const (
	person = "ada"          // who works in the fleet's clone
	reader = "plumb"        // what the daemon reads with; it may not push
	writer = "plumb-writer" // what it pushes with
)

// start serves the repositories in a folder.
func (f *forge) start(dir string) error {
	git, err := exec.LookPath("git")
	if err != nil {
		return fmt.Errorf("serve Git: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("serve Git: %w", err)
	}
	f.address = listener.Addr().String()
	f.password = map[string]string{person: rand.Text(), reader: rand.Text(), writer: rand.Text()}
	backend := cgi.Handler{
		Path: git, Args: []string{"http-backend"}, Dir: dir,
		Env: []string{"GIT_PROJECT_ROOT=" + dir, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1"},
	}
	f.server = &http.Server{Handler: f.guard(backend), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		_ = f.server.Serve(listener) // until it is closed; a failure shows in whoever asks it
	}()
	return nil
}

// guard lets in who has an account, and hands the backend who that is.
func (f *forge) guard(backend cgi.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		pushes := strings.HasSuffix(r.URL.Path, "/git-receive-pack") || r.URL.Query().Get("service") == "git-receive-pack"
		switch {
		case password == "" || f.password[user] != password:
			w.Header().Set("WWW-Authenticate", `Basic realm="forge"`)
			http.Error(w, "who are you?", http.StatusUnauthorized)
		case pushes && user == reader:
			http.Error(w, user+" may only read", http.StatusForbidden)
		default:
			as := backend
			as.Env = append(backend.Env[:len(backend.Env):len(backend.Env)], "REMOTE_USER="+user, "GIT_PROTOCOL="+r.Header.Get("Git-Protocol"))
			as.ServeHTTP(w, r)
		}
	})
}

func (f *forge) close() error {
	if f == nil || f.server == nil {
		return nil
	}
	return f.server.Close()
}

func (f *forge) url() string { return "http://" + f.address + "/fleet.git" }

// serveFleet starts the forge and pushes the fleet to it, as the one who works there.
func (s *stand) serveFleet(ctx context.Context, _ func(string)) (string, error) {
	served := filepath.Join(s.dir, "forge")
	if err := os.RemoveAll(served); err != nil {
		return "", fmt.Errorf("remove what is left of an earlier demo: %w", err)
	}
	if err := os.MkdirAll(served, 0o700); err != nil {
		return "", fmt.Errorf("make the forge's folder: %w", err)
	}
	if err := s.forge.start(served); err != nil {
		return "", err
	}
	known := filepath.Join(s.dir, "known") // Ada's passwords, as git keeps them
	login := fmt.Sprintf("http://%s:%s@%s\n", person, s.forge.password[person], s.forge.address)
	if err := errors.Join(os.WriteFile(known, []byte(login), 0o600), s.writeCredentials()); err != nil {
		return "", err
	}
	for _, args := range [][]string{
		{"init", "--quiet", "--bare", "--initial-branch=main", filepath.Join(served, "fleet.git")},
		{"config", "credential.helper", "store --file=" + quoted(known)},
		{"remote", "add", "origin", s.forge.url()},
		{"push", "--quiet", "--set-upstream", "origin", "main"},
	} {
		if _, err := s.git(ctx, args...); err != nil {
			return "", fmt.Errorf("serve the repository: %w", err)
		}
	}
	return "a Git server with accounts, at " + s.forge.url(), nil
}

// credentials is the file that the daemon finds its accounts in.
func (s *stand) credentials() string { return filepath.Join(s.dir, "credentials.yaml") }

func (s *stand) writeCredentials() error {
	f := s.forge
	text := fmt.Sprintf("- {url: http://%s, username: %s, password: %s}\n- {url: http://%s, writes: true, username: %s, password: %s}\n",
		f.address, reader, f.password[reader], f.address, writer, f.password[writer])
	return os.WriteFile(s.credentials(), []byte(text), 0o600)
}
