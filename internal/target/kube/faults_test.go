package kube

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"plumb.dev/plumb/internal/controlplane"
	"plumb.dev/plumb/internal/controlplane/controlplanetest"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/target"
)

// line is the connection to a real API server, with faults on the way.
type line struct {
	next http.RoundTripper

	mu      sync.Mutex
	answer  func(r *http.Request) *http.Response // instead of the server's; nil for the server's
	watches []io.Closer
	count   map[string]int
}

// newBenchOn is a bench over a line of its own to the shared control plane.
func newBenchOn(t *testing.T) (*bench, *line) {
	t.Helper()
	l := &line{count: map[string]int{}}
	config := controlplanetest.Config(t)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { l.next = next; return l })
	return newBenchWith(t, config), l
}

func newBenchWith(t *testing.T, config *rest.Config) *bench {
	t.Helper()
	c, err := New(config, Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return newBenchOver(t, c, controlplanetest.Namespace(t))
}

// RoundTrip implements http.RoundTripper.
func (l *line) RoundTrip(r *http.Request) (*http.Response, error) {
	verb := verbOf(r)
	l.mu.Lock()
	l.count[verb]++
	answer := l.answer
	l.mu.Unlock()
	if answer != nil {
		if resp := answer(r); resp != nil {
			return resp, nil
		}
	}
	resp, err := l.next.RoundTrip(r)
	if err == nil && verb == "WATCH" {
		l.mu.Lock()
		l.watches = append(l.watches, resp.Body)
		l.mu.Unlock()
	}
	return resp, err
}

// say sets what is answered from now on, and counts anew.
func (l *line) say(answer func(r *http.Request) *http.Response) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answer, l.count = answer, map[string]int{}
}

// cut ends all watches.
func (l *line) cut(t *testing.T) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range l.watches {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
	l.watches = nil
}

func (l *line) counted(verb string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count[verb]
}

// statusAnswer is a refusal, as the API server writes it.
func statusAnswer(r *http.Request, code int, reason string, header http.Header) *http.Response {
	body := `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"` + reason + `","message":"as the test wants it"}`
	if header == nil {
		header = http.Header{}
	}
	header.Set("Content-Type", "application/json")
	return &http.Response{
		StatusCode: code, Status: http.StatusText(code), Proto: "HTTP/2.0", ProtoMajor: 2, Header: header, Request: r,
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}

// The server remembers no more what a watch missed. The kind is listed once
// more, and what happened in between is known.
func TestAnExpiredWatchListsAgain(t *testing.T) {
	t.Parallel()
	b, l := newBenchOn(t)
	desired := b.mustResolve(configMap, secret)
	b.watch(desired)
	applied := b.apply(desired...)
	b.until("every kind was looked at", func() bool { _, complete := b.Labels(); return complete })

	var refused sync.Map // each kind's first watch
	l.say(func(r *http.Request) *http.Response {
		if _, again := refused.LoadOrStore(r.URL.Path, true); verbOf(r) == "WATCH" && r.URL.Query().Get("resourceVersion") != "" && !again {
			return statusAnswer(r, http.StatusGone, "Expired", nil)
		}
		return nil
	})
	l.cut(t)
	b.deleteBy(t, desired[1])
	b.patchBy(t, desired[0], "ada", "merge", `{"data":{"color":"green"}}`)
	if got := b.stand(desired[0], applied); got != plan.Moved {
		t.Errorf("what was edited meanwhile stands %d", got)
	}
	if got := b.stand(desired[1], applied); got != plan.Gone {
		t.Errorf("what was deleted meanwhile stands %d", got)
	}
	if got := b.stand(desired[0], b.apply(desired[0])); got != plan.InLine {
		t.Errorf("after the correction it stands %d", got)
	}
}

// A server that has enough to do says when to come again. That is obeyed, fewer
// requests are sent at once, and in the end all is applied.
func TestAThrottledApplyComesAgainWhenItIsTold(t *testing.T) {
	t.Parallel()
	b, l := newBenchOn(t)
	desired := b.mustResolve(configMap, secret)
	var first time.Time
	var mu sync.Mutex
	l.say(func(r *http.Request) *http.Response {
		mu.Lock()
		defer mu.Unlock()
		if r.Method != http.MethodPatch || !first.IsZero() && time.Since(first) >= time.Second {
			return nil
		}
		if first.IsZero() {
			first = time.Now()
		}
		return statusAnswer(r, http.StatusTooManyRequests, "TooManyRequests", http.Header{"Retry-After": {"1"}})
	})
	before := b.limit.Places()
	b.apply(desired...)
	if n := l.counted(http.MethodPatch); n < 3 || n > 4 {
		t.Errorf("two objects took %d requests, want that each came again once", n)
	}
	if got := b.limit.Places(); got > before/2+1 {
		t.Errorf("after that %d requests may be under way, want half of %d", got, before)
	}
}

// A server that throttles the watches is not stormed, and they come back.
func TestThrottledWatchesComeBack(t *testing.T) {
	t.Parallel()
	b, l := newBenchOn(t)
	desired := b.mustResolve(configMap)
	b.watch(desired)
	applied := b.apply(desired...)
	b.until("every kind was looked at", func() bool { _, complete := b.Labels(); return complete })
	l.say(func(r *http.Request) *http.Response {
		return statusAnswer(r, http.StatusTooManyRequests, "TooManyRequests", nil)
	})
	l.cut(t)
	b.until("the trouble is told", func() bool {
		known, err := b.Watch([]schema.GroupKind{desired[0].Key.GroupKind()})
		return !known && err != nil
	})
	if n := l.counted("WATCH") + l.counted("GET"); n > 20 {
		t.Errorf("two watches that are throttled make %d requests", n)
	}
	l.say(nil)
	b.patchBy(t, desired[0], "ada", "merge", `{"data":{"color":"green"}}`)
	if got := b.stand(desired[0], applied); got != plan.Moved {
		t.Errorf("when they are back it stands %d", got)
	}
}

// traffic counts requests by verb and outcome.
type traffic struct {
	mu    sync.Mutex
	count map[string]int
}

func (r *traffic) observe(verb string, _ int, _ time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count[verb]++
}

// since is what was counted, which begins anew.
func (r *traffic) since() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	was := r.count
	r.count = map[string]int{}
	return was
}

// The API server crashes and comes back. Nothing is forgotten meanwhile, what
// happened in between is found, and nobody storms the server with lists.
func TestARestartOfTheAPIServer(t *testing.T) {
	t.Parallel()
	plane := controlplanetest.Own(t, controlplane.Options{})
	seen := &traffic{count: map[string]int{}}
	c, err := New(plane.Config(t), Options{Log: slog.New(slog.DiscardHandler), Observe: seen.observe})
	if err != nil {
		t.Fatal(err)
	}
	b := newBenchOver(t, c, plane.Namespace(t))
	desired := b.mustResolve(configMap, secret, still("web"))
	b.watch(desired)
	applied := b.apply(desired...)
	b.until("every kind was looked at", func() bool { _, complete := b.Labels(); return complete })
	kinds := []schema.GroupKind{desired[0].Key.GroupKind(), desired[1].Key.GroupKind(), desired[2].Key.GroupKind()}

	plane.Kill(t, controlplane.APIServer)
	b.until("the loss is told", func() bool { _, err := b.Watch(kinds); return errors.Is(err, target.ErrUnreachable) })
	for _, d := range desired {
		if live, _ := b.Live(d.Key); plan.Judge(b.label(), d, live, applied[d.Key]) != plan.InLine {
			t.Errorf("while the server is away %s is %+v", d.Key, live)
		}
	}
	if o := b.Apply(t.Context(), b.actor(), []plan.Change{{Action: plan.Update, Key: desired[0].Key, Desired: desired[0]}})[0]; !errors.Is(o.Err, target.ErrUnreachable) {
		t.Errorf("an apply while the server is away ends with %v", o.Err)
	}
	if f := b.Check(t.Context(), b.actor(), desired)[0]; !errors.Is(f.Err, target.ErrUnreachable) || f.Differs {
		t.Errorf("a check while the server is away finds %+v", f)
	}

	seen.since()
	plane.Start(t, controlplane.APIServer)
	b.deleteBy(t, desired[1]) // at once, while the watches are still to come back
	b.patchBy(t, desired[2], "ada", "merge", `{"spec":{"replicas":5}}`)
	b.watch(desired)
	for i, want := range []plan.Standing{plan.InLine, plan.Gone, plan.Moved} {
		d := desired[i]
		b.until("it is known how things are now", func() bool {
			live, _ := b.Live(d.Key)
			return plan.Judge(b.label(), d, live, applied[d.Key]) == want
		})
	}
	if got := seen.since(); got["GET"] > 8 || got["WATCH"] > 40 {
		t.Errorf("after the restart there were %v requests for 4 watches", got)
	}
}
