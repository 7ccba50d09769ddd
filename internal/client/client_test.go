package client_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"plumb.dev/plumb/internal/client"
	"plumb.dev/plumb/internal/event"
	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/release"
)

// connect is a client of a server that answers all requests so.
func connect(t *testing.T, answer http.HandlerFunc) (*client.Client, *httptest.Server) {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	c, err := client.New(client.Options{Server: server.URL, Token: "secret-token"})
	if err != nil {
		t.Fatal(err)
	}
	return c, server
}

func TestRequestsAreThoseOfTheAPI(t *testing.T) {
	t.Parallel()
	var got string
	c, _ := connect(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = strings.TrimSpace(r.Method + " " + r.URL.RequestURI() + " " + string(body))
		if r.Header.Get("Authorization") != "Bearer secret-token" {
			t.Errorf("%s has the token %q", got, r.Header.Get("Authorization"))
		}
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, "{}")
	})
	ctx := t.Context()
	for want, call := range map[string]func() error{
		"GET /api/v1/apps":              func() error { _, err := c.Apps(ctx, client.Filter{}); return err },
		"GET /api/v1/apps?namespace=a":  func() error { _, err := c.Apps(ctx, client.Filter{Namespace: "a"}); return err },
		"GET /api/v1/apps/a/b":          func() error { _, err := c.App(ctx, "a/b"); return err },
		"GET /api/v1/apps/a/b%2F..%2Fc": func() error { _, err := c.App(ctx, "a/b/../c"); return err },
		"GET /api/v1/apps/a/b/render":   func() error { _, err := c.Render(ctx, "a/b"); return err },
		`POST /api/v1/apps/a/b/sync {"by":"ana"}`: func() error {
			_, err := c.Sync(ctx, "a/b", "ana")
			return err
		},
		"GET /api/v1/releases?app=a%2Fb&before=9&commit=abcd&limit=5&outcome=Failed": func() error {
			_, err := c.Releases(ctx, history.Query{App: "a/b", Commit: "abcd", Outcome: release.Failed, Before: 9, Limit: 5})
			return err
		},
		"GET /api/v1/releases?author=ana&intended=true&object=Pod%2Fx&since=2026-11-20T12%3A00%3A00Z&trigger=manual": func() error {
			_, err := c.Releases(ctx, history.Query{
				Author: "ana", Object: "Pod/x", Trigger: release.TriggerManual, Intended: true, Since: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC),
			})
			return err
		},
		"GET /api/v1/releases/7": func() error { _, err := c.Release(ctx, 7); return err },
		"GET /api/v1/root":       func() error { _, err := c.Root(ctx); return err },

		"GET /api/v1/apps/a/b/plan": func() error { _, err := c.Plan(ctx, "a/b", client.PlanQuery{}); return err },
		"GET /api/v1/apps/a/b/plan?rev=feature%2Fx&undeclared=true": func() error {
			_, err := c.Plan(ctx, "a/b", client.PlanQuery{Revision: "feature/x", Undeclared: true})
			return err
		},
		"GET /api/v1/plans?rev=main":           func() error { _, err := c.Plans(ctx, "main"); return err },
		"GET /api/v1/compare?a=a%2Fx&b=b%2Fx":  func() error { _, err := c.Compare(ctx, "a/x", "b/x"); return err },
		"GET /api/v1/blame?kind=Pod&name=x":    func() error { _, err := c.Blame(ctx, object.Key{Kind: "Pod", Name: "x"}); return err },
		"GET /api/v1/pauses":                   func() error { _, err := c.Pauses(ctx); return err },
		"GET /api/v1/events?after=7&app=a%2Fb": func() error { _, err := c.Events(ctx, event.Query{App: "a/b", After: 7}); return err },
		"GET /api/v1/apps/a/b/logs?limit=5":    func() error { _, err := c.Log(ctx, "a/b", 5); return err },
		"GET /api/v1/wait?app=a%2Fb&app=a%2Fc&commit=1d687d6&timeout=60": func() error {
			_, err := c.Wait(ctx, []string{"a/b", "a/c"}, "1d687d6", time.Hour)
			return err
		},
		`POST /api/v1/apps/a/b/approve {"plan":"4f2a91","by":"ana"}`: func() error {
			_, err := c.Approve(ctx, "a/b", client.Opinion{Plan: "4f2a91", By: "ana"})
			return err
		},
		`POST /api/v1/pauses {"app":"a/b","by":"ana","reason":"tests","for":"1h30m0s"}`: func() error {
			_, err := c.Pause(ctx, client.Covered{App: "a/b"}, 90*time.Minute, "ana", "tests")
			return err
		},
		`POST /api/v1/resume {"object":{"kind":"Pod","name":"x"},"keep":true}`: func() error {
			_, err := c.Resume(ctx, client.Ending{Covered: client.Covered{Object: &object.Key{Kind: "Pod", Name: "x"}}, Keep: true})
			return err
		},
		`POST /api/v1/apps/a/b/rollback {"to":7}`: func() error { _, err := c.Rollback(ctx, "a/b", client.Rollback{To: 7}); return err },
	} {
		if err := call(); err != nil || got != want {
			t.Errorf("got %s, %v; want %s", got, err, want)
		}
	}
}

func TestNamesLeadNowhereElse(t *testing.T) {
	t.Parallel()
	c, _ := connect(t, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("asked for %s", r.URL) })
	for _, id := range []string{"", "a", "a/", "/b", "../b", "a/..", "./b"} {
		if _, err := c.App(t.Context(), id); err == nil {
			t.Errorf("%q was asked for", id)
		}
	}
}

func TestRefusalsAreSentences(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		code        int
		media, body string
		want        string
	}{
		"a problem":      {404, "application/problem+json", `{"detail":"no App a/b is declared"}`, "no App a/b is declared"},
		"with its place": {422, "application/problem+json", `{"detail":"validation failed","errors":[{"location":"query.limit","message":"too large"}]}`, "validation failed: query.limit: too large"},
		"a token":        {401, "application/problem+json", `{"detail":"x"}`, "refuses this token"},
		"another page":   {200, "text/html", `<html>`, "is not Plumb's daemon"},
		"a redirect":     {302, "text/plain", ``, "is not Plumb's daemon"},
		"nonsense":       {200, "application/json", `{"items":7}`, "another version"},
		"an empty one":   {500, "application/problem+json", ``, "500 Internal Server Error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := connect(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", test.media)
				w.Header().Set("Location", "http://evil.example/")
				w.WriteHeader(test.code)
				io.WriteString(w, test.body)
			})
			_, err := c.Apps(t.Context(), client.Filter{})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v; want it to say %q", err, test.want)
			}
			if client.NotFound(err) != (test.code == 404) {
				t.Errorf("not found: %v", client.NotFound(err))
			}
		})
	}
}

func TestNoDaemon(t *testing.T) {
	t.Parallel()
	c, server := connect(t, nil)
	server.Close()
	_, err := c.Apps(t.Context(), client.Filter{})
	if !errors.Is(err, client.ErrNotRunning) || !strings.Contains(err.Error(), "plumb run --root") || strings.Contains(err.Error(), "secret-token") {
		t.Errorf("got %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Apps(ended, client.Filter{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v; want context.Canceled", err)
	}
}

// TestS10_TokenStaysOnThisMachineOrInTLS holds where a token may go.
func TestS10_TokenStaysOnThisMachineOrInTLS(t *testing.T) {
	t.Parallel()
	for server, ok := range map[string]bool{
		"127.0.0.1:7586": true, "localhost:7586": true, "http://[::1]:7586": true, "https://plumb.example.com": true, "https://plumb.example.com/below/": true,
		"plumb.example.com:7586": false, "http://10.0.0.1": false, "http://localhost.evil.example": false,
		"": false, "ftp://127.0.0.1": false, "http://": false, "http://user:password@127.0.0.1": false, "127.0.0.1:7586?x=y": false, "http://127.0.0.1:x": false,
	} {
		if _, err := client.New(client.Options{Server: server}); (err == nil) != ok {
			t.Errorf("%q: %v; want ok %v", server, err, ok)
		}
	}
	if _, err := client.New(client.Options{Server: "http://10.0.0.1", PlainHTTP: true}); err != nil {
		t.Errorf("asked for, and refused: %v", err)
	}
}
