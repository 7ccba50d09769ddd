package gittest

import (
	"encoding/pem"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Server serves repositories over HTTP. Its fields are set before a request is made.
type Server struct {
	// URL is the address of the folder that is served; a repository's name is
	// added to it.
	URL string
	// CA is the server's certificate as PEM, when it speaks HTTPS.
	CA []byte

	server *httptest.Server
	mu     sync.Mutex
	wrap   func(http.Handler) http.Handler
	seen   []*http.Request
}

// ServeHTTP serves the repository over HTTP.
func (r *Repo) ServeHTTP() *Server { return serve(r.t, r.Root, httptest.NewServer) }

// ServeHTTPS serves the repository over HTTPS, with a certificate that nobody
// trusts unless told to.
func (r *Repo) ServeHTTPS() *Server { return serve(r.t, r.Root, httptest.NewTLSServer) }

func serve(t testing.TB, root string, start func(http.Handler) *httptest.Server) *Server {
	t.Helper()
	git, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	backend := &cgi.Handler{
		Path:   git,
		Args:   []string{"http-backend"},
		Dir:    root,
		Stderr: io.Discard,
		Env:    append(environ(), "GIT_PROJECT_ROOT="+root, "GIT_HTTP_EXPORT_ALL=1"),
	}
	s := &Server{wrap: func(next http.Handler) http.Handler { return next }}
	s.server = start(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		s.mu.Lock()
		s.seen = append(s.seen, req.Clone(req.Context()))
		handler := s.wrap(protocol(backend))
		s.mu.Unlock()
		handler.ServeHTTP(w, req)
	}))
	t.Cleanup(func() {
		s.server.CloseClientConnections()
		s.server.Close()
	})
	s.URL = s.server.URL
	if c := s.server.Certificate(); c != nil {
		s.CA = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
	}
	return s
}

// protocol hands the header that asks for Git's second protocol to the backend,
// which reads it from its environment.
func protocol(backend *cgi.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		h := *backend
		h.Env = append(append([]string{}, backend.Env...), "GIT_PROTOCOL="+req.Header.Get("Git-Protocol"))
		h.ServeHTTP(w, req)
	})
}

// Repo is the address of a repository.
func (s *Server) Repo(r *Repo) string { return s.URL + "/" + filepath.Base(r.Dir) }

// Wrap puts something in front of what is served, from the next request on.
func (s *Server) Wrap(wrap func(http.Handler) http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wrap = wrap
}

// Seen are the requests that came so far.
func (s *Server) Seen() []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*http.Request{}, s.seen...)
}

// Close ends the server, as if its machine went away.
func (s *Server) Close() {
	s.server.CloseClientConnections()
	s.server.Close()
}

// RequireBasic lets in who knows the user and password.
func RequireBasic(user, password string) func(http.Handler) http.Handler {
	return require(func(req *http.Request) bool {
		u, p, ok := req.BasicAuth()
		return ok && u == user && p == password
	})
}

// RequireBearer lets in who has the token.
func RequireBearer(token string) func(http.Handler) http.Handler {
	return require(func(req *http.Request) bool { return req.Header.Get("Authorization") == "Bearer "+token })
}

func require(ok func(*http.Request) bool) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if !ok(req) {
				w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
				http.Error(w, "who are you?", http.StatusUnauthorized)
				return
			}
			next.ServeHTTP(w, req)
		})
	}
}

// RedirectTo sends whoever asks for the path from to another address.
func RedirectTo(from, to string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if rest, ok := strings.CutPrefix(req.URL.Path, from); ok {
				http.Redirect(w, req, to+rest+"?"+req.URL.RawQuery, http.StatusMovedPermanently)
				return
			}
			next.ServeHTTP(w, req)
		})
	}
}

// Answer answers every request with a status.
func Answer(status int) func(http.Handler) http.Handler {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, http.StatusText(status), status) })
	}
}

// Stall takes every request and never answers, until the client gives up.
func Stall(http.Handler) http.Handler {
	return http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) { <-req.Context().Done() })
}
