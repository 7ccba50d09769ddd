package server

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"plumb.dev/plumb/internal/event"
	"plumb.dev/plumb/internal/status"
)

// fakeNews tells what comes through its channel.
type fakeNews struct {
	events chan event.Event
	ended  chan struct{} // closed when Follow returns
}

func newNews() *fakeNews {
	return &fakeNews{events: make(chan event.Event), ended: make(chan struct{})}
}

func (f *fakeNews) ListEvents(_ context.Context, q event.Query) ([]event.Event, error) {
	return []event.Event{{ID: q.After + 1, App: q.App, Kind: q.Kind}}, nil
}

func (f *fakeNews) Follow(ctx context.Context, q event.Query, fn func(event.Event) error) error {
	defer close(f.ended)
	for {
		select {
		case e := <-f.events:
			e.App = q.App
			if err := fn(e); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// fakeLines has one line of one App.
type fakeLines struct{}

func (fakeLines) Lines(app string, _ int) []event.Line {
	if app != "gone/app" {
		return nil
	}
	return []event.Line{{ID: 1, Level: "INFO", Message: "applied"}}
}

func (f fakeLines) Follow(_ context.Context, app string, limit int, fn func(event.Line) error) error {
	for _, l := range f.Lines(app, limit) {
		if err := fn(l); err != nil {
			return err
		}
	}
	return errors.New("the log broke")
}

// served is a server that listens; stop ends it and waits.
func served(t *testing.T, c Config) (address string, stop func()) {
	t.Helper()
	listener := listen(t)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, listener, New(c), discard()) }()
	stop = func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
		ended <- nil
	}
	t.Cleanup(stop)
	return "http://" + listener.Addr().String(), stop
}

// open asks for a stream.
func open(t *testing.T, ctx context.Context, url string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+testToken)
	response, err := web.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return response
}

// oneConn is a listener with one connection, in memory.
type oneConn struct {
	conn   chan net.Conn
	closed chan struct{}
}

func newOneConn() (listener oneConn, near net.Conn) {
	near, far := net.Pipe()
	listener = oneConn{make(chan net.Conn, 1), make(chan struct{})}
	listener.conn <- far
	return listener, near
}

func (l oneConn) Accept() (net.Conn, error) {
	select {
	case c := <-l.conn:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l oneConn) Close() error   { close(l.closed); return nil }
func (l oneConn) Addr() net.Addr { return &net.TCPAddr{} }

// askFor sends a request through a connection, and reads the head of what answers.
func askFor(t *testing.T, conn net.Conn, buffer int, path string) *http.Response {
	t.Helper()
	_, _ = io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+testToken+"\r\n\r\n")
	response, err := http.ReadResponse(bufio.NewReaderSize(conn, buffer), nil)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("got %v, %v", response, err)
	}
	return response
}

func TestStreamGoesOnUntilTheDaemonStops(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		news := newNews()
		c := Config{Apps: someApps(), Events: news, Token: testToken}
		listener, near := newOneConn()
		ctx, stop := context.WithCancel(t.Context())
		served := make(chan error, 1)
		go func() { served <- Serve(ctx, listener, New(c), discard()) }()
		response := askFor(t, near, 1<<12, "/api/v1/events/stream?app=team-a/shop")
		if got := response.Header.Get("Content-Type"); got != "application/x-ndjson" {
			t.Errorf("it is a %s", got)
		}
		read := bufio.NewScanner(response.Body)
		for id := range int64(3) {
			news.events <- event.Event{ID: id, Message: "first\nsecond"}
			var got event.Event
			if !read.Scan() {
				t.Fatalf("the stream ended: %v", read.Err())
			}
			if err := json.Unmarshal(read.Bytes(), &got); err != nil || got.ID != id || got.App != "team-a/shop" {
				t.Errorf("got %s, %v", read.Bytes(), err)
			}
		}
		begin := time.Now()
		stop()
		if read.Scan() || read.Err() != nil {
			t.Errorf("after the end came %q, %v", read.Bytes(), read.Err())
		}
		<-news.ended
		if took := time.Since(begin); took != 0 {
			t.Errorf("the stream held up the end for %s", took)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

// TestStreamOutlivesTheTimeOfOtherAnswers streams over a server whose answers
// must be written within a moment, and lets that pass.
func TestStreamOutlivesTheTimeOfOtherAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const moment = 100 * time.Millisecond
		news := newNews()
		c := Config{Apps: someApps(), Events: news, Token: testToken}
		listener, near := newOneConn()
		s := &http.Server{Handler: New(c), WriteTimeout: moment, ReadTimeout: moment}
		served := make(chan error, 1)
		go func() { served <- s.Serve(listener) }()
		read := bufio.NewScanner(askFor(t, near, 1<<12, "/api/v1/events/stream").Body)
		for range 2 {
			<-time.After(2 * moment)
			news.events <- event.Event{ID: 1}
			if !read.Scan() {
				t.Fatalf("the stream ended: %v", read.Err())
			}
		}
		near.Close()
		<-news.ended
		s.Close()
		<-served
	})
}

// TestStreamGivesUpWhoDoesntRead has a reader who takes the head and nothing
// more: he is given up after a while, or at once when the daemon stops.
func TestStreamGivesUpWhoDoesntRead(t *testing.T) {
	t.Parallel()
	for stop, want := range map[time.Duration]time.Duration{time.Hour: lineTimeout, 20 * time.Second: 20 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			news := newNews()
			listener, near := newOneConn()
			ctx, cancel := context.WithTimeout(t.Context(), stop)
			served := make(chan error, 1)
			go func() { served <- Serve(ctx, listener, New(Config{Events: news, Token: testToken}), discard()) }()
			askFor(t, near, 16, "/api/v1/events/stream")
			begin := time.Now()
			news.events <- event.Event{ID: 1, Message: strings.Repeat("x", 1<<10)}
			<-news.ended
			if took := time.Since(begin); took != want {
				t.Errorf("it was given up after %s; want %s", took, want)
			}
			near.Close()
			cancel()
			if err := <-served; err != nil {
				t.Error(err)
			}
		})
	}
}

func TestStreamEndsWhenItsReaderLeaves(t *testing.T) {
	t.Parallel()
	news := newNews()
	c := config(t, someApps())
	c.Events = news
	address, _ := served(t, c)
	ctx, leave := context.WithCancel(t.Context())
	open(t, ctx, address+"/api/v1/events/stream")
	leave()
	<-news.ended
}

func TestStreamsAreBounded(t *testing.T) {
	t.Parallel()
	c := config(t, someApps())
	c.Events, c.Logs = newNews(), fakeLines{}
	e := endpoints{open: make(room, 1)}
	leave, err := e.open.enter()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.stream(nil); err == nil || !strings.Contains(err.Error(), "too many streams") {
		t.Errorf("one more is let in: %v", err)
	}
	leave()
	if leave, err = e.open.enter(); err != nil {
		t.Errorf("who left still counts: %v", err)
	}
	leave()
	h := New(c)
	for range maxOpen + 1 { // each ends at once, and gives back its place
		if w := answerTo(h, "GET", "/api/v1/apps/gone/app/logs/stream", ""); w.Code != http.StatusOK {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
}

// TestStreamBeats lets time go by without news.
func TestStreamBeats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := Config{Events: newNews(), Token: testToken}
		ctx, leave := context.WithTimeout(t.Context(), 4*beat+time.Second)
		defer leave()
		w := answerTo(New(c), "GET", "/api/v1/events/stream", "", func(r *http.Request) { *r = *r.WithContext(ctx) })
		if w.Body.String() != "\n\n\n\n" || !w.Flushed {
			t.Errorf("got %q", w.Body)
		}
	})
}

func TestEventsAndLines(t *testing.T) {
	t.Parallel()
	c := config(t, someApps())
	c.Events, c.Logs = newNews(), fakeLines{}
	h := New(c)
	if got := ask[list[event.Event]](t, h, "/api/v1/events?app=a/b&kind=Paused&after=7").Items; len(got) != 1 || got[0].ID != 8 || got[0].App != "a/b" || got[0].Kind != event.Paused {
		t.Errorf("got %+v", got)
	}
	if got := ask[list[event.Line]](t, h, "/api/v1/apps/gone/app/logs").Items; len(got) != 1 || got[0].Message != "applied" {
		t.Errorf("got %+v", got)
	}
	if got := ask[list[event.Line]](t, h, "/api/v1/apps/team-a/shop/logs").Items; len(got) != 0 {
		t.Errorf("got %+v", got)
	}
	for _, target := range []string{"/api/v1/apps/team-a/nope/logs", "/api/v1/apps/team-a/nope/logs/stream"} {
		mustRefuse(t, answerTo(h, "GET", target, ""), http.StatusNotFound, "team-a/nope")
	}
	for _, target := range []string{"/api/v1/events?limit=1001", "/api/v1/events?after=-1", "/api/v1/events?follow=true", "/api/v1/apps/gone/app/logs?limit=0"} {
		mustRefuse(t, answerTo(h, "GET", target, ""), http.StatusUnprocessableEntity)
	}
}

// fakeWaits goes from one answer to the next with each change.
type fakeWaits struct {
	answers [][]status.Verdict
	looks   int
	busy    bool // something has changed whenever it is asked
	err     error
}

func (f *fakeWaits) Verdicts(context.Context, []string, string) ([]status.Verdict, error) {
	v := f.answers[min(f.looks, len(f.answers)-1)]
	f.looks++
	return v, f.err
}

func (f *fakeWaits) Changed() <-chan struct{} {
	changed := make(chan struct{})
	if f.busy {
		close(changed)
	}
	return changed
}

func TestWait(t *testing.T) {
	t.Parallel()
	v := func(states ...status.State) (verdicts []status.Verdict) {
		for _, s := range states {
			verdicts = append(verdicts, status.Verdict{App: "a/b", State: s})
		}
		return verdicts
	}
	for name, test := range map[string]struct {
		waits   fakeWaits
		query   string
		want    string
		took    time.Duration
		looking int
	}{
		"decided at once":   {fakeWaits{answers: [][]status.Verdict{v(status.Done, status.Held)}}, "", "Done Held", 0, 1},
		"decided later":     {fakeWaits{answers: [][]status.Verdict{v(status.Done, status.Pending), v(status.Done, status.Failed)}, busy: true}, "", "Done Failed", lookAgain, 2},
		"not decided":       {fakeWaits{answers: [][]status.Verdict{v(status.Pending)}}, "", "Pending", 30 * time.Second, 2},
		"not long":          {fakeWaits{answers: [][]status.Verdict{v(status.Pending)}}, "&timeout=0", "Pending", 0, 1},
		"nobody has it yet": {fakeWaits{answers: [][]status.Verdict{nil, v(status.Done)}, busy: true}, "", "Done", lookAgain, 2},
		"a busy daemon":     {fakeWaits{answers: [][]status.Verdict{v(status.Pending)}, busy: true}, "&timeout=1", "Pending", time.Second, 12},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				got := ask[list[status.Verdict]](t, New(Config{Waits: &test.waits, Token: testToken}), "/api/v1/wait?commit=1d687d6"+test.query)
				var states []string
				for _, v := range got.Items {
					states = append(states, string(v.State))
				}
				if strings.Join(states, " ") != test.want {
					t.Errorf("got %v; want %s", states, test.want)
				}
				if took := time.Since(begin); took < test.took || took > test.took+lookAgain || test.waits.looks > test.looking {
					t.Errorf("it took %s and %d looks; want %s and at most %d", took, test.waits.looks, test.took, test.looking)
				}
			})
		})
	}
	h := New(Config{Waits: &fakeWaits{answers: [][]status.Verdict{nil}, err: ErrNoApp}, Token: testToken})
	mustRefuse(t, answerTo(h, "GET", "/api/v1/wait?commit=1d687d6&app=a/x", ""), http.StatusNotFound, "a/x")
	for _, query := range []string{"", "?commit=1d687d", "?commit=main-branch", "?commit=1d687d6&app=x", "?commit=1d687d6&timeout=61"} {
		mustRefuse(t, answerTo(h, "GET", "/api/v1/wait"+query, ""), http.StatusUnprocessableEntity)
	}
}

func TestWaitEndsWhenTheDaemonStops(t *testing.T) {
	t.Parallel()
	c := config(t, someApps())
	looked := make(chan struct{}, 1)
	c.Waits = &lookedAt{fakeWaits{answers: [][]status.Verdict{{{App: "a/b", State: status.Pending}}}}, looked}
	address, stop := served(t, c)
	answered := make(chan int)
	go func() {
		answered <- open(t, context.Background(), address+"/api/v1/wait?commit=1d687d6&timeout=60").StatusCode
	}()
	<-looked
	go stop()
	if code := <-answered; code != http.StatusOK {
		t.Errorf("it answered %d", code)
	}
}

// lookedAt tells when it is first asked.
type lookedAt struct {
	fakeWaits
	looked chan struct{}
}

func (l *lookedAt) Verdicts(ctx context.Context, apps []string, commit string) ([]status.Verdict, error) {
	select {
	case l.looked <- struct{}{}:
	default:
	}
	return l.answers[0], nil
}
