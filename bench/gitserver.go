package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/cgi"
	"os/exec"
	"time"
)

// gitServer serves a folder of repositories over HTTP on loopback, by git's own
// http-backend.
type gitServer struct {
	url    string
	server *http.Server
	ended  chan error
}

func serveGit(ctx context.Context, root string) (*gitServer, error) {
	git, err := exec.LookPath("git")
	if err != nil {
		return nil, err
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	backend := cgi.Handler{
		Path: git, Args: []string{"http-backend"}, Dir: root, Stderr: io.Discard,
		Env: append(gitEnvironment(), "GIT_PROJECT_ROOT="+root, "GIT_HTTP_EXPORT_ALL=1"),
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked := backend // the protocol's version reaches it by its environment
		asked.Env = append(append([]string{}, backend.Env...), "GIT_PROTOCOL="+r.Header.Get("Git-Protocol"))
		asked.ServeHTTP(w, r)
	})
	s := &gitServer{
		url:    "http://" + listener.Addr().String(),
		server: &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute},
		ended:  make(chan error, 1),
	}
	go func() { s.ended <- s.server.Serve(listener) }()
	return s, nil
}

func (s *gitServer) close() error {
	if err := s.server.Close(); err != nil {
		return err
	}
	if err := <-s.ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
