package chart_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/registry"
	"plumb.dev/plumb/internal/registry/registrytest"
	"plumb.dev/plumb/internal/source"
	"plumb.dev/plumb/internal/source/chart"
	"plumb.dev/plumb/internal/tree"
)

const (
	never    = 24 * time.Hour
	deadline = time.Minute // for whatever should happen at once, on a slow machine
)

// place is where charts are, of any kind.
type place struct {
	url  string
	push func(name, version string, files map[string]string) (digest string)
	wrap func(func(http.Handler) http.Handler)
}

func (p place) reachable(yes bool) {
	if yes {
		p.wrap(func(h http.Handler) http.Handler { return h })
		return
	}
	p.wrap(registrytest.Answer(http.StatusServiceUnavailable))
}

func repositoryOf(t testing.TB) place {
	charts := registrytest.NewCharts(t)
	return place{charts.URL, func(name, version string, files map[string]string) string {
		return charts.Push(t, name, version, files)
	}, charts.Wrap}
}

func registryOf(t testing.TB) place {
	server := registrytest.NewRegistry(t)
	return place{server.Folder("charts"), func(name, version string, files map[string]string) string {
		digest, _ := server.Push("charts", name, version, files)
		return digest
	}, server.Wrap}
}

// linkedOf is a chart repository whose packages are in a registry.
func linkedOf(t testing.TB) place {
	charts, server := registrytest.NewCharts(t), registrytest.NewRegistry(t)
	return place{charts.URL, func(name, version string, files map[string]string) string {
		digest, _ := server.Push("hub", name, version, files)
		charts.List(name, registrytest.Version{Version: version, URL: server.Folder("hub") + "/" + name + ":" + version, Digest: digest})
		return digest
	}, func(wrap func(http.Handler) http.Handler) { charts.Wrap(wrap); server.Wrap(wrap) }}
}

// kinds are those of places.
func kinds() map[string]func(testing.TB) place {
	return map[string]func(testing.TB) place{"repository": repositoryOf, "registry": registryOf, "linked": linkedOf}
}

// everywhere runs a test with charts in each kind of place.
func everywhere(t *testing.T, test func(t *testing.T, p place)) {
	t.Helper()
	for name, start := range kinds() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, start(t))
		})
	}
}

func newSource(t testing.TB, o chart.Options) *chart.Source {
	t.Helper()
	if o.Registry.Data == "" {
		o.Registry.Data = t.TempDir()
	}
	s, err := chart.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func next(t testing.TB, s *chart.Source) source.Head {
	t.Helper()
	select {
	case h := <-s.Heads():
		if h.Checked.IsZero() {
			t.Errorf("head of %v does not say when it was looked at", h.Ref)
		}
		return h
	case <-time.After(deadline):
		t.Fatal("no head was delivered")
		return source.Head{}
	}
}

func expect(t testing.TB, s *chart.Source, digest string) source.Head {
	t.Helper()
	h := next(t, s)
	if h.Err != nil || h.Revision.Commit != digest {
		t.Fatalf("head: got %s, %v, want %s", h.Revision.Commit, h.Err, digest)
	}
	return h
}

func follow(s *chart.Source, every time.Duration, refs ...source.Ref) {
	wanted := map[source.Ref]time.Duration{}
	for _, r := range refs {
		wanted[r] = every
	}
	s.Follow(wanted)
}

// following is a source that follows one chart, and has found this version of it.
func following(t testing.TB, o chart.Options, ref source.Ref, digest string) *chart.Source {
	t.Helper()
	s := newSource(t, o)
	follow(s, never, ref)
	expect(t, s, digest)
	return s
}

// TestNewVersion: a version that comes into the range is delivered, by a webhook
// and by polling, and one outside of it isn't.
func TestNewVersion(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p place) {
		t.Helper()
		first := p.push("shop", "6.5.3", map[string]string{"values.yaml": "a: 1\n", "templates/a.yaml": "a"})
		p.push("shop", "7.0.0", nil)
		s := newSource(t, chart.Options{})
		ref := source.Ref{URL: p.url, Chart: "shop", Version: "6.x"}
		follow(s, never, ref)
		h := expect(t, s, first)
		if h.Ref != ref || h.Revision.URL != p.url || h.Revision.Ref != "shop 6.5.3" || h.Revision.Message != "shop 6.5.3" {
			t.Errorf("revision: %+v", h)
		}
		second := p.push("shop", "6.5.4", map[string]string{"values.yaml": "a: 2\n", "templates/a.yaml": "a"})
		p.push("shop", "7.1.0", nil)
		began := time.Now()
		if n := s.Refresh(p.url); n != 1 {
			t.Errorf("Refresh: %d", n)
		}
		expect(t, s, second)
		t.Logf("a webhook's way to the head took %v", time.Since(began))
		changes, err := s.Diff(p.url, first, second)
		want := []tree.Change{{Path: "Chart.yaml", Kind: tree.Modified}, {Path: "values.yaml", Kind: tree.Modified}}
		if diff := cmp.Diff(want, changes); err != nil || diff != "" {
			t.Errorf("changes: %v (-want +got)\n%s", err, diff)
		}
		third := p.push("shop", "6.6.0", nil)
		follow(s, 50*time.Millisecond, ref) // a shorter interval counts at once
		expect(t, s, third)
	})
}

// TestWhatIsSettledIsNotPolled: a version that can't become another is asked
// for once, and again only when someone asks.
func TestWhatIsSettledIsNotPolled(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p place) {
		t.Helper()
		digest := p.push("shop", "1.0.0", nil)
		var requests atomic.Int64
		p.wrap(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				requests.Add(1)
				next.ServeHTTP(w, req)
			})
		})
		looks := make(chan chart.Look, 100)
		s := newSource(t, chart.Options{Looked: func(l chart.Look) { looks <- l }})
		pinned := source.Ref{URL: p.url, Chart: "shop", Version: "1.0.0"}
		follow(s, time.Millisecond, pinned)
		expect(t, s, digest)
		<-looks
		before := requests.Load()
		moving := source.Ref{URL: p.url, Chart: "absent", Version: "1.x"}
		follow(s, time.Millisecond, pinned, moving)
		if h := next(t, s); h.Ref != moving || h.Err == nil {
			t.Errorf("got %+v", h)
		}
		<-looks // of another chart alone
		after := requests.Load()
		if after-before > 2 {
			t.Errorf("%d requests for a chart beside one that is settled", after-before)
		}
		follow(s, time.Millisecond, pinned)
		s.Refresh(p.url)
		<-looks
		again := p.push("shop", "1.0.0", map[string]string{"x": "pushed over"})
		s.Refresh(p.url)
		expect(t, s, again)
	})
}

func TestOutage(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p place) {
		t.Helper()
		digest := p.push("shop", "1.0.0", nil)
		ref := source.Ref{URL: p.url, Chart: "shop"}
		s := following(t, chart.Options{}, ref, digest)
		p.reachable(false)
		s.Refresh(p.url)
		if h := next(t, s); h.Err == nil || h.Revision.Commit != digest {
			t.Errorf("in an outage: got %+v, want an error and the revision that was", h)
		}
		if _, err := s.Tree(p.url, digest); err != nil {
			t.Errorf("in an outage, what was fetched can't be read: %v", err)
		}
		if _, err := s.Look(t.Context(), ref); err == nil || errors.Is(err, source.ErrNoRef) {
			t.Errorf("in an outage: got %v", err)
		}
		p.reachable(true)
		s.Refresh(p.url)
		expect(t, s, digest)
	})
}

// TestOutageAfterRestart: what was known outlives a restart, so a registry that
// is away then takes nothing away; not even one that lost its data.
func TestOutageAfterRestart(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p place) {
		t.Helper()
		digest := p.push("shop", "1.0.0", map[string]string{"x": "1"})
		data := t.TempDir()
		ref := source.Ref{URL: p.url, Chart: "shop", Version: "1.x"}
		s := following(t, chart.Options{Registry: registry.Options{Data: data}}, ref, digest)
		s.Close()
		for _, away := range []int{http.StatusServiceUnavailable, http.StatusNotFound} {
			p.wrap(registrytest.Answer(away))
			s = newSource(t, chart.Options{Registry: registry.Options{Data: data}})
			other := source.Ref{URL: p.url, Chart: "shop", Version: "1.x", Verify: "{}"} // asks for more than was known
			follow(s, never, ref, other)
			for range 2 {
				want := digest
				h := next(t, s)
				if h.Ref == other {
					want = ""
				}
				if h.Err == nil || h.Revision.Commit != want {
					t.Errorf("%d: got %+v, want an error and the revision %q", away, h, want)
				}
			}
			if files, err := s.Tree(p.url, digest); err != nil {
				t.Error(err)
			} else if b, err := files.ReadFile("x"); err != nil || string(b) != "1" {
				t.Errorf("%q, %v", b, err)
			}
			s.Close()
		}
		p.reachable(true)
		damaged, err := filepath.Glob(filepath.Join(data, "*", "known.json"))
		if err != nil || len(damaged) != 1 || os.WriteFile(damaged[0], []byte("null"), 0o600) != nil {
			t.Fatal(damaged, err)
		}
		following(t, chart.Options{Registry: registry.Options{Data: data}}, ref, digest)
	})
}

func TestMissingRecovers(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p place) {
		t.Helper()
		p.push("shop", "1.0.0", nil)
		s := newSource(t, chart.Options{})
		ref := source.Ref{URL: p.url, Chart: "shop", Version: "2.x"}
		follow(s, never, ref)
		if h := next(t, s); h.Err == nil || h.Revision.Commit != "" || !strings.Contains(h.Err.Error(), "chart shop in "+p.url) {
			t.Errorf("got %+v, want an error", h)
		}
		if _, err := s.Look(t.Context(), ref); !errors.Is(err, source.ErrNoRef) {
			t.Errorf("got %v, want ErrNoRef", err)
		}
		digest := p.push("shop", "2.0.0", nil)
		s.Refresh(p.url)
		expect(t, s, digest)
	})
}

func TestLetGo(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p place) {
		t.Helper()
		one := p.push("one", "1.0.0", nil)
		p.push("two", "1.0.0", nil)
		s := newSource(t, chart.Options{})
		a, b := source.Ref{URL: p.url, Chart: "one"}, source.Ref{URL: p.url, Chart: "two"}
		follow(s, never, a, b)
		next(t, s)
		next(t, s)
		follow(s, never, b)
		p.push("one", "2.0.0", nil)
		two := p.push("two", "2.0.0", nil)
		s.Refresh(p.url)
		if h := expect(t, s, two); h.Ref != b {
			t.Errorf("got a head of %v, which was let go", h.Ref)
		}
		for range 3 { // who wants it again is told again
			follow(s, never, b)
			follow(s, never, a, b)
			if h := next(t, s); h.Ref != a || h.Revision.Ref != "one 2.0.0" {
				t.Errorf("got %+v", h)
			}
		}
		follow(s, never)
		if n := s.Refresh(p.url); n != 0 {
			t.Errorf("%d repositories are followed after all were let go", n)
		}
		if _, err := s.Tree(p.url, one); err == nil {
			t.Error("a repository that was let go can be read")
		}
		follow(s, never, b)
		expect(t, s, two)
	})
}

func TestRefreshByURL(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p place) {
		t.Helper()
		digest := p.push("shop", "1.0.0", nil)
		s := following(t, chart.Options{}, source.Ref{URL: p.url, Chart: "shop"}, digest)
		for url, want := range map[string]int{p.url: 1, p.url + "/": 1, p.url + "-other": 0, "": 0, "not a url": 0, "https://git.example.com/x": 0} {
			if n := s.Refresh(url); n != want {
				t.Errorf("Refresh(%q): got %d, want %d", url, n, want)
			}
		}
	})
}

// TestLook: what isn't followed can be looked at once, and is read then.
func TestLook(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p place) {
		t.Helper()
		old := p.push("shop", "1.0.0", map[string]string{"x": "old"})
		p.push("shop", "2.0.0", nil)
		s := newSource(t, chart.Options{})
		r, err := s.Look(t.Context(), source.Ref{URL: p.url, Chart: "shop", Version: "1.x"})
		if err != nil || r.Commit != old || r.Ref != "shop 1.0.0" || r.URL != p.url {
			t.Fatalf("got %+v, %v", r, err)
		}
		files, err := s.Tree(p.url, old)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := files.ReadFile("x"); err != nil || string(b) != "old" {
			t.Errorf("x: %q, %v", b, err)
		}
		if _, err := s.Tree(p.url, "sha256:"+strings.Repeat("0", 64)); err == nil {
			t.Error("a package that was never there can be read")
		}
		if _, err := s.Tree(p.url, "../../etc/passwd"); err == nil {
			t.Error("a path is no digest")
		}
		if _, err := s.Tree("https://charts.example.com", old); err == nil {
			t.Error("a repository that isn't followed can be read")
		}
	})
}

// TestDamageIsMended: what is gone from the data folder is fetched again when it
// is asked for, also where nothing is polled.
func TestDamageIsMended(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p place) {
		t.Helper()
		digest := p.push("shop", "1.0.0", map[string]string{"x": "1"})
		data := t.TempDir()
		looks := make(chan chart.Look, 100)
		s := following(t, chart.Options{Registry: registry.Options{Data: data}, Looked: func(l chart.Look) { looks <- l }}, source.Ref{URL: p.url, Chart: "shop", Version: "1.0.0"}, digest)
		<-looks
		packages, err := filepath.Glob(filepath.Join(data, "*", "*.tgz"))
		if err != nil || len(packages) != 1 {
			t.Fatal(packages, err)
		}
		if err := os.WriteFile(packages[0], []byte("damaged"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Tree(p.url, digest); err == nil {
			t.Fatal("what is damaged was read")
		}
		<-looks
		if _, err := s.Tree(p.url, digest); err != nil {
			t.Errorf("after the next look: %v", err)
		}
	})
}

// TestOneIndexForAll: what a repository costs doesn't depend on how many charts
// of it are followed, by how many.
func TestOneIndexForAll(t *testing.T) {
	t.Parallel()
	charts := registrytest.NewCharts(t)
	const n = 200
	var refs []source.Ref
	for i := range n {
		charts.Push(t, fmt.Sprint("shop-", i), "1.0.0", nil)
		refs = append(refs, source.Ref{URL: charts.URL, Chart: fmt.Sprint("shop-", i)})
	}
	s := newSource(t, chart.Options{})
	follow(s, never, refs...)
	for range n {
		if h := next(t, s); h.Err != nil {
			t.Error(h.Err)
		}
	}
	if n := charts.Requests("/index.yaml"); n != 1 {
		t.Errorf("the index was downloaded %d times", n)
	}
	digest := charts.Push(t, "shop-7", "1.1.0", nil)
	s.Refresh(charts.URL)
	expect(t, s, digest)
	if n := charts.Requests("/index.yaml"); n != 2 {
		t.Errorf("the index was downloaded %d times, want once more", n)
	}
	for _, ref := range refs[1:] {
		if got := charts.Requests("/" + ref.Chart + "-1.0.0.tgz"); got != 1 {
			t.Fatalf("a package was downloaded %d times", got)
		}
	}
}

// TestUnverified: a version that isn't signed takes nothing away.
func TestUnverified(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p place) {
		t.Helper()
		p.push("shop", "1.0.0", nil)
		s := newSource(t, chart.Options{})
		follow(s, never, source.Ref{URL: p.url, Chart: "shop", Verify: `{"provenance":"-----BEGIN PGP PUBLIC KEY BLOCK-----"}`})
		if h := next(t, s); h.Err == nil || h.Revision.Commit != "" || !strings.Contains(h.Err.Error(), "is not verified") {
			t.Errorf("got %+v", h)
		}
	})
}

func TestErrorsBecomeHeads(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	for name, test := range map[string]struct {
		url         string
		credentials func(registry.URL) (registry.Credentials, error)
		says        string
	}{
		"a URL that is refused": {"ext::sh", nil, "not a URL that charts are fetched from"},
		"a password in the URL": {"https://ada:" + secret + "@charts.example.com/x", nil, "leave them out"},
		"no credentials to be had": {"https://charts.example.com", func(registry.URL) (registry.Credentials, error) {
			return registry.Credentials{}, errors.New("file:3: is broken")
		}, "file:3: is broken"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSource(t, chart.Options{Credentials: test.credentials})
			follow(s, never, source.Ref{URL: test.url, Chart: "shop"})
			h := next(t, s)
			if h.Err == nil || !strings.Contains(h.Err.Error(), test.says) || strings.Contains(h.Err.Error(), secret) {
				t.Errorf("got %v, want an error that says %q", h.Err, test.says)
			}
			if _, err := s.Tree(test.url, "sha256:"+strings.Repeat("0", 64)); err == nil || strings.Contains(err.Error(), secret) {
				t.Errorf("Tree: %v", err)
			}
		})
	}
}

// TestNobodyTakesHeads: looking goes on, and the newest is there for who comes.
func TestNobodyTakesHeads(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p place) {
		t.Helper()
		looks := make(chan chart.Look, 100)
		s := newSource(t, chart.Options{Looked: func(l chart.Look) { looks <- l }})
		digest := p.push("shop", "1.0.0", nil)
		follow(s, never, source.Ref{URL: p.url, Chart: "shop"})
		<-looks
		for i := range 3 {
			digest = p.push("shop", fmt.Sprintf("1.%d.0", i+1), nil)
			s.Refresh(p.url)
			<-looks
		}
		expect(t, s, digest)
		select {
		case h := <-s.Heads():
			t.Errorf("an old head was kept: %+v", h)
		default:
		}
	})
}

// TestCloseDuringFetch: closing waits for nothing but the end of what is at work.
func TestCloseDuringFetch(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p place) {
		t.Helper()
		p.push("shop", "1.0.0", nil)
		arrived := make(chan struct{}, 100)
		p.wrap(func(http.Handler) http.Handler {
			return http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
				arrived <- struct{}{}
				<-req.Context().Done()
			})
		})
		s := newSource(t, chart.Options{})
		ref := source.Ref{URL: p.url, Chart: "shop"}
		follow(s, never, ref)
		<-arrived
		s.Close()
		follow(s, never, ref) // is too late, and harmless
	})
}

// BenchmarkRefreshToHead is the way from a webhook to the new revision.
func BenchmarkRefreshToHead(b *testing.B) {
	for name, start := range kinds() {
		b.Run(name, func(b *testing.B) {
			p := start(b)
			digest := p.push("shop", "1.0.0", nil)
			s := following(b, chart.Options{}, source.Ref{URL: p.url, Chart: "shop"}, digest)
			b.ResetTimer()
			for i := range b.N {
				b.StopTimer()
				digest = p.push("shop", fmt.Sprintf("1.%d.0", i+1), map[string]string{"templates/x": strings.Repeat("x: y\n", 1000)})
				b.StartTimer()
				s.Refresh(p.url)
				expect(b, s, digest)
			}
		})
	}
}
