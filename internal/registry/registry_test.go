package registry_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"plumb.dev/plumb/internal/registry"
	"plumb.dev/plumb/internal/registry/registrytest"
	"plumb.dev/plumb/internal/tree"
)

func newRegistry(t testing.TB, o registry.Options) *registry.Registry {
	t.Helper()
	if o.Data == "" {
		o.Data = t.TempDir()
	}
	r, err := registry.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func at(t testing.TB, r *registry.Registry, url string) *registry.Repository {
	t.Helper()
	u, err := registry.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	repository := r.Repository(u)
	t.Cleanup(repository.Close)
	return repository
}

// fetch fetches one chart.
func fetch(t testing.TB, r *registry.Repository, c registry.Credentials, w registry.Want) (registry.Package, error) {
	t.Helper()
	results, err := r.Fetch(t.Context(), c, []registry.Want{w})
	if err != nil {
		return registry.Package{}, err
	}
	return results[w].Package, results[w].Err
}

func expect(t testing.TB, r *registry.Repository, w registry.Want, version, digest string) {
	t.Helper()
	p, err := fetch(t, r, registry.Credentials{}, w)
	if err != nil || p.Version != version || p.Digest != digest || p.Chart != w.Chart {
		t.Errorf("%+v: got %+v, %v, want %s %s", w, p, err, version, digest)
	}
}

func read(t testing.TB, files tree.Tree, path string) string {
	t.Helper()
	content, err := files.ReadFile(path)
	if err != nil {
		t.Error(err)
	}
	return string(content)
}

func TestChartRepository(t *testing.T) {
	t.Parallel()
	charts := registrytest.NewCharts(t)
	old := charts.Push(t, "shop", "1.2.0", map[string]string{"values.yaml": "a: 1\n"})
	six := charts.Push(t, "shop", "6.0.1", map[string]string{"values.yaml": "a: 6\n"})
	next := charts.Push(t, "shop", "6.1.0-rc.1", nil)
	other := charts.Push(t, "other", "0.1.0+build.7", nil)
	data := t.TempDir()
	r := at(t, newRegistry(t, registry.Options{Data: data}), charts.URL)
	expect(t, r, registry.Want{Chart: "shop"}, "6.0.1", six)
	expect(t, r, registry.Want{Chart: "shop", Version: "6.x"}, "6.0.1", six)
	expect(t, r, registry.Want{Chart: "shop", Version: "<6"}, "1.2.0", old)
	expect(t, r, registry.Want{Chart: "shop", Version: ">=6.1.0-0"}, "6.1.0-rc.1", next)
	expect(t, r, registry.Want{Chart: "shop", Version: "1.2.0", Digest: old}, "1.2.0", old)
	expect(t, r, registry.Want{Chart: "shop", Digest: old}, "1.2.0", old)
	expect(t, r, registry.Want{Chart: "other", Version: "0.1.0+build.7"}, "0.1.0+build.7", other)
	if n := charts.Requests("/index.yaml"); n != 2 { // once more for a chart that wasn't wanted before
		t.Errorf("the index was downloaded %d times, want 2", n)
	}
	if n := charts.Requests("/shop-6.0.1.tgz"); n != 1 {
		t.Errorf("a package was downloaded %d times", n)
	}
	for _, w := range []registry.Want{{Chart: "shop", Version: "9.x"}, {Chart: "shop", Version: "1.2.0", Digest: six}, {Chart: "shop", Digest: "sha256:" + strings.Repeat("0", 64)}} {
		if _, err := fetch(t, r, registry.Credentials{}, w); !errors.Is(err, registry.ErrNoVersion) {
			t.Errorf("%+v: %v", w, err)
		}
	}
	if _, err := fetch(t, r, registry.Credentials{}, registry.Want{Chart: "none"}); !errors.Is(err, registry.ErrGone) {
		t.Errorf("a chart that isn't there: %v", err)
	}
	files, err := r.Tree(six)
	if err != nil || read(t, files, "values.yaml") != "a: 6\n" {
		t.Error(err)
	}
	// What another repository fetched isn't this one's to read.
	if _, err := at(t, newRegistry(t, registry.Options{Data: data}), charts.URL+"/elsewhere").Tree(six); !registry.Absent(err) {
		t.Errorf("another repository: %v", err)
	}
	// After a restart, and with the repository away, what was fetched can be read.
	charts.Close()
	again := at(t, newRegistry(t, registry.Options{Data: data}), charts.URL)
	if files, err := again.Tree(six); err != nil || read(t, files, "values.yaml") != "a: 6\n" {
		t.Error(err)
	}
	if _, err := fetch(t, again, registry.Credentials{}, registry.Want{Chart: "shop"}); !errors.Is(err, registry.ErrUnreachable) {
		t.Errorf("a repository that is away: %v", err)
	}
}

func TestRegistryFolder(t *testing.T) {
	t.Parallel()
	server := registrytest.NewRegistry(t)
	old, oldManifest := server.Push("charts", "shop", "1.2.0", map[string]string{"values.yaml": "a: 1\n"})
	six, _ := server.Push("charts", "shop", "6.0.1+build.3", nil)
	next, _ := server.Push("charts", "shop", "6.1.0-rc.1", nil)
	r := at(t, newRegistry(t, registry.Options{}), server.Folder("charts"))
	expect(t, r, registry.Want{Chart: "shop"}, "6.0.1+build.3", six)
	expect(t, r, registry.Want{Chart: "shop", Version: "1.x"}, "1.2.0", old)
	expect(t, r, registry.Want{Chart: "shop", Version: "6.0.1+build.3"}, "6.0.1+build.3", six)
	expect(t, r, registry.Want{Chart: "shop", Version: "~6-0"}, "6.1.0-rc.1", next)
	expect(t, r, registry.Want{Chart: "shop", Version: "1.2.0", Digest: oldManifest}, "1.2.0", old)
	expect(t, r, registry.Want{Chart: "shop", Digest: oldManifest}, "1.2.0", old)
	for w, want := range map[registry.Want]error{
		{Chart: "shop", Version: "9.9.9"}: registry.ErrNoVersion, {Chart: "shop", Version: "9.x"}: registry.ErrNoVersion,
		{Chart: "none"}: registry.ErrGone, {Chart: "Upper"}: registry.ErrURL,
		{Chart: "shop", Digest: "sha256:" + strings.Repeat("0", 64)}:   registry.ErrNoVersion,
		{Chart: "shop", Version: "6.0.1+build.3", Digest: oldManifest}: registry.ErrDamaged, // it is another version
	} {
		if _, err := fetch(t, r, registry.Credentials{}, w); !errors.Is(err, want) {
			t.Errorf("%+v: %v, want %v", w, err, want)
		}
	}
	files, err := r.Tree(old)
	if err != nil || read(t, files, "values.yaml") != "a: 1\n" {
		t.Error(err)
	}
	// Other tools than Helm push a folder as a layer of another type.
	flat := registrytest.Package(t, "any", "1", map[string]string{"Chart.yaml": "name: app\nversion: 1.0.0\n"})
	server.PushLayers("charts/flat:2.0.0", registrytest.Layer{Type: "application/vnd.oci.image.layer.v1.tar+gzip", Content: flat})
	expect(t, r, registry.Want{Chart: "flat"}, "2.0.0", registrytest.Digest(flat))
	server.PushLayers("charts/two:2.0.0", registrytest.Layer{Type: "application/tar+gzip", Content: flat}, registrytest.Layer{Type: "application/x.tar.gzip", Content: flat})
	if _, err := fetch(t, r, registry.Credentials{}, registry.Want{Chart: "two"}); !errors.Is(err, registry.ErrDamaged) {
		t.Errorf("two layers: %v", err)
	}
	if p, err := fetch(t, at(t, newRegistry(t, registry.Options{}), server.Folder("")), registry.Credentials{}, registry.Want{Chart: "none"}); !errors.Is(err, registry.ErrGone) {
		t.Errorf("the registry's top: %+v, %v", p, err)
	}
}

// TestOverTLS: certificates are verified, and a CA of one's own counts.
func TestOverTLS(t *testing.T) {
	t.Parallel()
	charts, server := registrytest.NewTLSCharts(t), registrytest.NewTLSRegistry(t)
	one := charts.Push(t, "shop", "1.0.0", nil)
	two, _ := server.Push("charts", "shop", "1.0.0", nil)
	for url, want := range map[string]struct {
		ca     []byte
		digest string
	}{charts.URL: {registrytest.CA(charts.Server), one}, server.Folder("charts"): {registrytest.CA(server.Server), two}} {
		r := at(t, newRegistry(t, registry.Options{}), url)
		if _, err := fetch(t, r, registry.Credentials{}, registry.Want{Chart: "shop"}); !errors.Is(err, registry.ErrTLS) {
			t.Errorf("%s without its CA: %v", url, err)
		}
		if p, err := fetch(t, r, registry.Credentials{CA: want.ca}, registry.Want{Chart: "shop"}); err != nil || p.Digest != want.digest {
			t.Errorf("%s: %+v, %v", url, p, err)
		}
		if _, err := fetch(t, r, registry.Credentials{CA: []byte("x")}, registry.Want{Chart: "shop"}); !errors.Is(err, registry.ErrTLS) {
			t.Errorf("%s with no CA in the file: %v", url, err)
		}
	}
}

// TestWhatIsKept: damage is noticed and mended, and what is kept is bounded.
func TestWhatIsKept(t *testing.T) {
	t.Parallel()
	charts := registrytest.NewCharts(t)
	data := t.TempDir()
	digest := charts.Push(t, "shop", "1.0.0", map[string]string{"x": "1"})
	r := at(t, newRegistry(t, registry.Options{Data: data}), charts.URL)
	expect(t, r, registry.Want{Chart: "shop"}, "1.0.0", digest)
	files, err := filepath.Glob(filepath.Join(data, "*", "*.tgz"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	for name, damage := range map[string]func() error{
		"changed": func() error { return os.WriteFile(files[0], []byte("x"), 0o600) },
		"cut":     func() error { return os.Truncate(files[0], 10) },
		"gone":    func() error { return os.Remove(files[0]) },
	} {
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		r := at(t, newRegistry(t, registry.Options{Data: data}), charts.URL)
		if _, err := r.Tree(digest); !registry.Absent(err) {
			t.Errorf("%s: %v", name, err)
		}
		expect(t, r, registry.Want{Chart: "shop"}, "1.0.0", digest)
		if _, err := r.Tree(digest); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := charts.Requests("/shop-1.0.0.tgz"); n != 4 {
		t.Errorf("downloaded %d times, want once and after each damage", n)
	}
	random := make([]byte, 0, 64<<10)
	for len(random) < cap(random) {
		random = append(random, registrytest.Digest(random)[7:]...)
	}
	const bound = 300 << 10
	data = t.TempDir()
	small := at(t, newRegistry(t, registry.Options{Data: data, Kept: bound}), charts.URL)
	last := ""
	for _, v := range []string{"2.0.0", "3.0.0", "4.0.0", "5.0.0", "6.0.0", "7.0.0", "8.0.0", "9.0.0", "10.0.0", "11.0.0", "12.0.0"} {
		last = charts.Push(t, "shop", v, map[string]string{"x": string(random) + v})
		expect(t, small, registry.Want{Chart: "shop"}, v, last)
	}
	first, err := fetch(t, small, registry.Credentials{}, registry.Want{Chart: "shop", Version: "2.0.0"})
	if n := charts.Requests("/shop-2.0.0.tgz"); err != nil || n != 2 {
		t.Errorf("%+v, %v: downloaded %d times, want once more, as it had to make room", first, err, n)
	}
	if _, err := small.Tree(last); err != nil {
		t.Errorf("the newest: %v", err)
	}
	// What is known isn't what makes way, and no index is left lying.
	if kept, err := filepath.Glob(filepath.Join(data, "*", "known.json")); err != nil || len(kept) != 1 {
		t.Error(kept, err)
	}
	if left, err := filepath.Glob(filepath.Join(data, "index-*")); err != nil || len(left) != 0 {
		t.Error(left, err)
	}
}

// TestExchanged: a package that isn't the one of the index is refused, and so is
// one that says of itself that it is another.
func TestExchanged(t *testing.T) {
	t.Parallel()
	charts := registrytest.NewCharts(t)
	charts.Push(t, "shop", "1.0.0", nil)
	charts.Serve("/shop-1.0.0.tgz", registrytest.Package(t, "shop", "1.0.0", map[string]string{"x": "evil"}))
	charts.Serve("/old.tgz", registrytest.Package(t, "shop", "0.9.0", nil))
	charts.List("renamed", registrytest.Version{Version: "1.0.0", URL: "old.tgz"})
	charts.Serve("/none.tgz", []byte("no package"))
	charts.List("none", registrytest.Version{Version: "1.0.0", URL: "none.tgz"})
	charts.List("odd", registrytest.Version{Version: "1.0.0", URL: "none.tgz", Digest: "../../x"})
	r := at(t, newRegistry(t, registry.Options{}), charts.URL)
	for chart, says := range map[string]string{"shop": "it was exchanged", "renamed": "says of itself", "none": "is no packed folder", "odd": "as the digest"} {
		if _, err := fetch(t, r, registry.Credentials{}, registry.Want{Chart: chart}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", chart, err, says)
		}
	}
}

// TestWithoutDigest: an index that tells no digests costs a download once.
func TestWithoutDigest(t *testing.T) {
	t.Parallel()
	charts := registrytest.NewCharts(t)
	packed := registrytest.Package(t, "shop", "1.0.0", nil)
	charts.Serve("/a/shop.tgz", packed)
	charts.List("shop", registrytest.Version{Version: "1.0.0", URL: charts.URL + "/a/shop.tgz"})
	r := at(t, newRegistry(t, registry.Options{}), charts.URL)
	for range 3 {
		expect(t, r, registry.Want{Chart: "shop"}, "1.0.0", registrytest.Digest(packed))
	}
	if n := charts.Requests("/a/shop.tgz"); n != 1 {
		t.Errorf("downloaded %d times", n)
	}
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	charts, server := registrytest.NewCharts(t), registrytest.NewRegistry(t)
	charts.Push(t, "shop", "1.0.0", nil)
	server.Push("charts", "shop", "1.0.0", nil)
	for status, want := range map[int]string{401: "credentials", 403: "credentials", 404: "gone", 429: "server", 500: "server", 503: "server", 418: "failed"} {
		charts.Wrap(registrytest.Answer(status))
		server.Wrap(registrytest.Answer(status))
		for _, url := range []string{charts.URL, server.Folder("charts")} {
			_, err := fetch(t, at(t, newRegistry(t, registry.Options{}), url), registry.Credentials{}, registry.Want{Chart: "shop"})
			if got := registry.Outcome(err); got != want {
				t.Errorf("%s, %d: %s (%v), want %s", url, status, got, err, want)
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := at(t, newRegistry(t, registry.Options{}), charts.URL).Fetch(ctx, registry.Credentials{}, []registry.Want{{Chart: "shop"}}); registry.Outcome(err) != "cancelled" {
		t.Error(err)
	}
	charts.Wrap(func(http.Handler) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) { <-req.Context().Done() })
	})
	if _, err := fetch(t, at(t, newRegistry(t, registry.Options{Time: 50 * time.Millisecond}), charts.URL), registry.Credentials{}, registry.Want{Chart: "shop"}); !errors.Is(err, registry.ErrTimeout) {
		t.Error(err)
	}
}
