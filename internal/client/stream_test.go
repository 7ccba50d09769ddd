package client_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"plumb.dev/plumb/internal/client"
	"plumb.dev/plumb/internal/event"
)

func TestStreams(t *testing.T) {
	t.Parallel()
	errEnough := errors.New("enough")
	for name, test := range map[string]struct {
		code        int
		media, body string
		want        string // the messages
		says        string
	}{
		"lines and beats":  {200, "application/x-ndjson", "\n{\"message\":\"one\"}\n\n{\"message\":\"two\"}\n", "one two", client.ErrEnded.Error()},
		"enough":           {200, "application/x-ndjson", "{\"message\":\"stop\"}\n{\"message\":\"two\"}\n", "stop", "enough"},
		"nonsense":         {200, "application/x-ndjson", "{\"message\":\"one\"}\nnonsense\n", "one", "another version"},
		"a line too long":  {200, "application/x-ndjson", strings.Repeat("x", 1<<20+1), "", "broke off"},
		"a problem":        {404, "application/problem+json", `{"detail":"no App a/b is declared"}`, "", "no App a/b is declared"},
		"a wrong token":    {401, "application/problem+json", `{"detail":"x"}`, "", "refuses this token"},
		"another page":     {200, "text/html", "<html>", "", "is not Plumb's daemon"},
		"not as a stream":  {200, "application/json", "{}", "", "is not a stream"},
		"what isn't there": {405, "application/problem+json", `{"detail":"use GET"}`, "", "use GET"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := connect(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.RequestURI() != "/api/v1/events/stream?app=a%2Fb" {
					t.Errorf("asked for %s", r.URL)
				}
				w.Header().Set("Content-Type", test.media)
				w.WriteHeader(test.code)
				io.WriteString(w, test.body)
			})
			var got []string
			err := c.FollowEvents(t.Context(), event.Query{App: "a/b"}, func(e event.Event) error {
				if got = append(got, e.Message); e.Message == "stop" {
					return errEnough
				}
				return nil
			})
			if strings.Join(got, " ") != test.want || err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, %v; want %s, %s", got, err, test.want, test.says)
			}
		})
	}
}

func TestStreamEndsWithItsContext(t *testing.T) {
	t.Parallel()
	c, _ := connect(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		io.WriteString(w, "{}\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	err := c.FollowLog(ctx, "a/b", 5, func(event.Line) error {
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
