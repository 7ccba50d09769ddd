package logs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/slogtest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/event"
)

// logged is a log that is kept in a tail, and discarded.
func logged(b Bounds) (*slog.Logger, *Tail) {
	t := NewTail(b)
	return slog.New(t.Handler(slog.NewTextHandler(&bytes.Buffer{}, &slog.HandlerOptions{Level: slog.LevelDebug}))), t
}

// said is what lines say: message and attributes.
func said(lines []event.Line) (texts []string) {
	for _, l := range lines {
		texts = append(texts, l.Message)
	}
	return texts
}

func expect(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got)\n%s", what, diff)
	}
}

func TestLinesAreKeptByApp(t *testing.T) {
	t.Parallel()
	log, tail := logged(DefaultBounds())
	log.Info("plumb runs")
	log.Warn("a release failed", "app", "team/shop", "release", 7, "error", errors.New("no\nroom"))
	log.With("app", "team/cart").Info("drift was put right", "took", 1500*time.Millisecond)
	log.WithGroup("git").Info("not about an App", "app", "x")
	log.Debug("looked", "app", "team/shop", slog.Group("at", "line", 3, "file", "a.yaml"), "when", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	expect(t, "of shop", said(tail.Lines("team/shop", 0)), "a release failed", "looked")
	expect(t, "of cart", said(tail.Lines("team/cart", 0)), "drift was put right")
	expect(t, "of nobody", said(tail.Lines("team/none", 0)))
	expect(t, "of all", said(tail.Lines("", 0)), "plumb runs", "a release failed", "drift was put right", "not about an App", "looked")
	expect(t, "the newest two", said(tail.Lines("", 2)), "not about an App", "looked")
	lines := tail.Lines("team/shop", 0)
	for i := range lines {
		lines[i].Time = time.Time{}
	}
	if diff := cmp.Diff([]event.Line{
		{ID: 2, Level: "WARN", Message: "a release failed", Attrs: map[string]string{"app": "team/shop", "release": "7", "error": "no\nroom"}},
		{ID: 5, Level: "DEBUG", Message: "looked", Attrs: map[string]string{
			"app": "team/shop", "at.line": "3", "at.file": "a.yaml", "when": "2026-01-02T03:04:05Z"}},
	}, lines); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestEverythingIsPassedOn(t *testing.T) {
	t.Parallel()
	var through, alone bytes.Buffer
	options := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}
	tail := NewTail(DefaultBounds())
	for _, h := range []slog.Handler{tail.Handler(slog.NewJSONHandler(&through, options)), slog.NewJSONHandler(&alone, options)} {
		log := slog.New(h).With("a", 1).WithGroup("g").With("app", "x", "b", []string{"c"})
		log.Info("one", "two", 3)
		log.Debug("not wanted")
		log.WithGroup("").Error("four", slog.Group("", "five", 6), "seven", panicky{})
	}
	if diff := cmp.Diff(alone.String(), through.String()); diff != "" {
		t.Errorf("the log is another (-without +with)\n%s", diff)
	}
	expect(t, "kept", said(tail.Lines("", 0)), "one", "four")
	if got := tail.Lines("", 1)[0].Attrs; got["g.five"] != "6" || !strings.HasPrefix(got["g.seven"], "!PANIC") {
		t.Errorf("the attributes are %v", got)
	}
}

// panicky is a value that can't be told.
type panicky struct{}

func (panicky) MarshalText() ([]byte, error) { panic("no") }

func TestHandlerFollowsTheRules(t *testing.T) {
	t.Parallel()
	tail := NewTail(DefaultBounds())
	var out bytes.Buffer
	slogtest.Run(t, func(*testing.T) slog.Handler {
		out.Reset()
		return tail.Handler(slog.NewJSONHandler(&out, nil))
	}, func(t *testing.T) map[string]any {
		line := tail.Lines("", 1)[0]
		got := map[string]any{slog.MessageKey: line.Message, slog.LevelKey: line.Level}
		if !line.Time.IsZero() {
			got[slog.TimeKey] = line.Time
		}
		for name, text := range line.Attrs {
			into, parts := got, strings.Split(name, ".")
			for _, group := range parts[:len(parts)-1] {
				if into[group] == nil {
					into[group] = map[string]any{}
				}
				into = into[group].(map[string]any)
			}
			into[parts[len(parts)-1]] = text
		}
		return got
	})
}

func TestBoundsHold(t *testing.T) {
	t.Parallel()
	b := Bounds{AppLines: 10, AppBytes: 20_000, AllLines: 25, AllBytes: 60_000}
	log, tail := logged(b)
	log.Info("first", "app", "quiet")
	for i := range 100 {
		log.Info(fmt.Sprint(i), "app", "loud")
	}
	expect(t, "of the loud", said(tail.Lines("loud", 0)), "90", "91", "92", "93", "94", "95", "96", "97", "98", "99")
	expect(t, "of the quiet", said(tail.Lines("quiet", 0)), "first")
	for i := range 30 {
		log.Info("x", "app", fmt.Sprint("app", i))
	}
	expect(t, "of the quiet, when there is much of all", said(tail.Lines("quiet", 0)))
	if n := len(tail.Lines("", 0)); n != b.AllLines || len(tail.apps) != b.AllLines {
		t.Errorf("%d lines of %d Apps are kept; want %d of as many", n, len(tail.apps), b.AllLines)
	}
	for i := range 200 {
		log.Info(strings.Repeat("ü", 8000), "app", fmt.Sprint(i%7), "text", strings.Repeat("long ", 10_000))
		bytes, of := 0, map[string]int{}
		for _, l := range tail.Lines("", 0) {
			bytes += sizeOf(l)
			of[l.Attrs["app"]] += sizeOf(l)
		}
		if bytes != tail.bytes || bytes > b.AllBytes {
			t.Fatalf("%d bytes are kept, %d are counted; at most %d may be", bytes, tail.bytes, b.AllBytes)
		}
		for app, bytes := range of {
			if bytes > b.AppBytes {
				t.Fatalf("%d bytes are kept of %s; at most %d may be", bytes, app, b.AppBytes)
			}
		}
	}
	if l := tail.Lines("", 1)[0]; len(l.Message) > longest+3 || !strings.HasSuffix(l.Message, "ü…") || len(l.Attrs["text"]) > longest+3 {
		t.Errorf("a long line is kept as %d and %d bytes", len(l.Message), len(l.Attrs["text"]))
	}
}

// A bound that fits no line keeps none, and harms nobody.
func TestNoRoom(t *testing.T) {
	t.Parallel()
	log, tail := logged(Bounds{})
	log.Info("x", "app", "a")
	if lines := tail.Lines("", 0); len(lines) != 0 || tail.bytes != 0 {
		t.Errorf("kept: %v", lines)
	}
}

func TestFollow(t *testing.T) {
	t.Parallel()
	for app, want := range map[string][]string{"": {"a2", "b2", "a3", "b3", "a4"}, "a": {"a1", "a2", "a3", "a4"}, "c": nil} {
		synctest.Test(t, func(t *testing.T) {
			log, tail := logged(DefaultBounds())
			write := func(lines ...string) {
				for _, l := range lines {
					log.Info(l, "app", l[:1])
				}
				synctest.Wait()
			}
			write("a0", "b0", "a1", "b1", "a2", "b2")
			ctx, cancel := context.WithCancel(t.Context())
			var got []string
			ended := make(chan error)
			go func() {
				ended <- tail.Follow(ctx, app, 2, func(l event.Line) error {
					got = append(got, l.Message)
					return nil
				})
			}()
			synctest.Wait()
			write("a3")
			write("b3", "a4")
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
			expect(t, "of "+app, got, want...)
		})
	}
}

// An App of which nothing is kept any more is followed all the same.
func TestFollowOutlivesWhatIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, tail := logged(Bounds{AppLines: 5, AppBytes: 1 << 20, AllLines: 5, AllBytes: 1 << 20})
		ctx, cancel := context.WithCancel(t.Context())
		var got []string
		ended := make(chan error)
		go func() {
			ended <- tail.Follow(ctx, "a", 0, func(l event.Line) error {
				got = append(got, l.Message)
				return nil
			})
		}()
		for _, line := range []string{"1", "2", "3"} {
			log.Info(line, "app", "a")
			synctest.Wait()
			for range 5 {
				log.Info("x", "app", "b")
			}
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		expect(t, "of a", got, "1", "2", "3")
	})
}

func TestFollowSaysWhatItMissed(t *testing.T) {
	t.Parallel()
	for _, app := range []string{"", "a"} {
		log, tail := logged(Bounds{AppLines: 3, AppBytes: 1 << 20, AllLines: 100, AllBytes: 1 << 20})
		enough := errors.New("enough")
		var got []string
		log.Info("0", "app", "a")
		err := tail.Follow(t.Context(), app, 1, func(l event.Line) error {
			got = append(got, l.Message+" "+l.Attrs["missed"])
			switch l.Message {
			case "0":
				for i := 1; i <= 10; i++ {
					log.Info(fmt.Sprint(i), "app", "a")
				}
			case "10":
				return enough
			}
			return nil
		})
		if !errors.Is(err, enough) {
			t.Errorf("it ended with %v", err)
		}
		expect(t, "followed", got, "0 ", "more was logged than was read 7", "8 ", "9 ", "10 ")
	}
}

func TestManyLogAndFollow(t *testing.T) {
	t.Parallel()
	const writers, each = 8, 200
	log, tail := logged(DefaultBounds())
	ctx, cancel := context.WithCancel(t.Context())
	var writing, following sync.WaitGroup
	for w := range writers {
		following.Go(func() {
			last := int64(0)
			err := tail.Follow(ctx, []string{"", fmt.Sprint(w)}[w%2], 10, func(l event.Line) error {
				if l.ID <= last {
					return fmt.Errorf("after line %d comes %d", last, l.ID)
				}
				last = l.ID
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
		writing.Go(func() {
			mine := log.With("app", fmt.Sprint(w))
			for i := range each {
				mine.Info(fmt.Sprint(i))
				if i%50 == 0 {
					tail.Lines("", 100)
				}
			}
		})
	}
	writing.Wait()
	cancel()
	following.Wait()
	for w := range writers {
		lines := tail.Lines(fmt.Sprint(w), 0)
		for i, l := range lines {
			if l.Message != fmt.Sprint(i) {
				t.Fatalf("line %d of %d is %s", i, w, l.Message)
			}
		}
		if len(lines) != each {
			t.Errorf("of %d there are %d lines; want %d", w, len(lines), each)
		}
	}
}

func BenchmarkLog(b *testing.B) {
	tail := NewTail(DefaultBounds())
	for name, h := range map[string]slog.Handler{
		"alone": slog.NewTextHandler(discard{}, nil), "kept": tail.Handler(slog.NewTextHandler(discard{}, nil)),
	} {
		log := slog.New(h)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				log.Info("a release ended", "app", "team/shop", "release", 7, "outcome", "Succeeded", "revision", "1d687d61", "changes", "+1 ~2")
			}
		})
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
