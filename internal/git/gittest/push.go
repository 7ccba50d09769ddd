package gittest

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
)

// AllowPush lets whoever reaches the repository over HTTP push to it.
func (r *Repo) AllowPush() {
	r.t.Helper()
	r.Git("config", "http.receivepack", "true")
}

// Hook makes a shell script one of the repository's hooks.
func (r *Repo) Hook(name, script string) {
	r.t.Helper()
	folder := filepath.Join(r.Dir, "hooks")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		r.t.Fatal(err)
	}
}

// Account is someone who may read, and perhaps push.
type Account struct {
	Password string
	MayPush  bool
}

// RequireAccounts lets in the named accounts, and lets those push who may. Who
// may not is told so as forges do.
func RequireAccounts(accounts map[string]Account) func(http.Handler) http.Handler {
	known := require(func(req *http.Request) bool {
		user, password, ok := req.BasicAuth()
		a, exists := accounts[user]
		return ok && exists && a.Password == password
	})
	return func(next http.Handler) http.Handler {
		return known(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			user, _, _ := req.BasicAuth()
			if IsPush(req) && !accounts[user].MayPush {
				w.Header().Set("Content-Type", "text/plain")
				http.Error(w, "Permission to push denied to "+user+".", http.StatusForbidden)
				return
			}
			next.ServeHTTP(w, req)
		}))
	}
}

// IsPush says whether a request is part of a push.
func IsPush(req *http.Request) bool {
	return strings.HasSuffix(req.URL.Path, "/git-receive-pack") || req.URL.Query().Get("service") == "git-receive-pack"
}

// When a race is lost.
const (
	// BeforePush is after whoever pushes has fetched, and before he asks what there is.
	BeforePush = http.MethodGet
	// DuringPush is after he was told what there is, and before he sends anything.
	DuringPush = http.MethodPost
)

// Race does something, such as pushing first, at a moment of each of the next
// pushes, so many times.
func Race(moment string, times int, do func()) func(http.Handler) http.Handler {
	var left atomic.Int64
	left.Store(int64(times))
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if IsPush(req) && req.Method == moment && left.Add(-1) >= 0 {
				do()
			}
			next.ServeHTTP(w, req)
		})
	}
}
