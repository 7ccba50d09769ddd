// Package hook takes what Git servers send when something was pushed, and asks
// for a look at the repositories it names. It understands GitHub, GitLab, Gitea
// and Forgejo, and a plain form for everything else, repositories of charts
// among it:
//
//	POST /hooks/git
//	X-Plumb-Signature: sha256=HEX   (HMAC of the body)
//
//	{"url": "https://git.example.com/fleet.git", "ref": "refs/heads/main"}
//
// A webhook is a hint and nothing more: it says where to look, and what is there
// is fetched from the repository itself. Its body is bounded, and is not looked
// into before its signature or token was found right, in constant time.
package hook

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"plumb.dev/plumb/internal/git"
)

const (
	// MaxBody bounds what a request may send.
	MaxBody = 1 << 20
	// bodyTime bounds how long it may take to.
	bodyTime = 10 * time.Second
)

// Handler answers webhooks. It is an http.Handler.
type Handler struct {
	// Secret is what senders sign with, or send as a token. While it is empty,
	// everything is refused.
	Secret []byte
	// Refresh looks at the repositories of a URL and says how many there are:
	// source.Source's.
	Refresh func(url string) int
	// Logger is told of the webhooks that were followed; nil means none.
	Logger *slog.Logger
	// Received is told how each request ended, for metrics: refreshed, unknown (no
	// such repository is followed), ignored, unreadable, refused or toolarge.
	Received func(outcome string)
}

// answer is what a sender is told. It is the same for whatever was refused.
type answer struct {
	// Refreshed is how many repositories are looked at.
	Refreshed int `json:"refreshed"`
	// Message says why there are none, where that isn't plain.
	Message string `json:"message,omitempty"`
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		h.answer(w, http.StatusMethodNotAllowed, "refused", answer{Message: "send webhooks with POST"})
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime)) // where the server can't, it has its own
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, MaxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		h.answer(w, http.StatusRequestEntityTooLarge, "toolarge", answer{Message: "the body is larger than 1 MiB"})
		return
	case err != nil:
		h.answer(w, http.StatusBadRequest, "unreadable", answer{Message: "the body could not be read"})
		return
	case !verified(h.Secret, req.Header, body):
		h.answer(w, http.StatusUnauthorized, "refused", answer{Message: "the signature or token is missing or wrong"})
		return
	}
	h.follow(w, req.Header, body)
}

// follow acts on a webhook whose sender is known.
func (h *Handler) follow(w http.ResponseWriter, header http.Header, body []byte) {
	p, err := parse(header, body)
	if err != nil {
		h.answer(w, http.StatusBadRequest, "unreadable", answer{Message: err.Error()})
		return
	}
	if p.ignored != "" {
		h.answer(w, http.StatusOK, "ignored", answer{Message: p.ignored})
		return
	}
	n := h.refresh(p.urls)
	if h.Logger != nil {
		h.Logger.Info("webhook received", "repository", p.urls[0], "ref", p.ref, "refreshed", n)
	}
	if n == 0 {
		h.answer(w, http.StatusOK, "unknown", answer{Message: "no such repository is followed"})
		return
	}
	h.answer(w, http.StatusOK, "refreshed", answer{Refreshed: n})
}

// refresh asks for a look at each repository. A webhook names one repository in
// several ways; the first that is known is enough.
func (h *Handler) refresh(urls []string) int {
	n := 0
	var done []string
	for _, u := range urls {
		if slices.ContainsFunc(done, func(other string) bool { return same(other, u) }) {
			continue
		}
		if found := h.Refresh(u); found > 0 {
			n += found
			done = append(done, u)
		}
	}
	return n
}

// same says whether two URLs name one repository of Git.
func same(a, b string) bool {
	x, errX := git.ParseURL(a)
	y, errY := git.ParseURL(b)
	return errX == nil && errY == nil && git.SameRepository(x, y)
}

func (h *Handler) answer(w http.ResponseWriter, status int, outcome string, a answer) {
	if h.Received != nil {
		h.Received(outcome)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(a) // who doesn't wait for the answer doesn't get it
}
