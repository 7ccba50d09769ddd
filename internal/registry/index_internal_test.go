package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

func TestParseIndex(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"as helm writes it": "apiVersion: v1\nentries:\n  other:\n  - version: 9.0.0\n    urls: [x]\n  shop:\n  - apiVersion: v2\n    description: |\n      lines\n\n      # that\n      - look: like more\n    digest: abc\n    urls:\n    - a.tgz\n    - b.tgz\n    version: 1.0.0\n  - created: \"2026-01-02T03:04:05Z\"\n    urls:\n    - c.tgz\n    version: 2.0.0\ngenerated: x\n",
		"further in":        "entries:\n    shop:\n        # a comment\n        - version: 1.0.0\n          digest: abc\n          urls:\n            - a.tgz\n            - b.tgz\n\n        - {version: 2.0.0, created: \"2026-01-02T03:04:05Z\", urls: [c.tgz]}\n",
		"quoted":            "entries:\n  \"shop\":\n  - version: \"1.0.0\"\n    digest: 'abc'\n    urls: [a.tgz, b.tgz]\n  -\n    version: 2.0.0\n    created: \"2026-01-02T03:04:05Z\"\n    urls: [c.tgz]\n...\n",
		"ends of Windows":   "entries:\r\n  shop:\r\n  - version: 1.0.0\r\n    digest: abc\r\n    urls: [a.tgz, b.tgz]\r\n  - version: 2.0.0\r\n    created: \"2026-01-02T03:04:05Z\"\r\n    urls: [c.tgz]\r\n",
		"no lines":          "entries: {shop: [{version: 1.0.0, digest: abc, urls: [a.tgz, b.tgz]}, {version: 2.0.0, created: \"2026-01-02T03:04:05Z\", urls: [c.tgz]}]}\n",
		"anchors":           "entries:\n  other: &o\n  - version: 1.0.0\n    digest: abc\n    urls: [a.tgz, b.tgz]\n  - version: 2.0.0\n    created: \"2026-01-02T03:04:05Z\"\n    urls: [c.tgz]\n  shop: *o\n",
		"JSON":              `{"apiVersion":"v1","entries":{"other":[{"version":3}],"shop":[{"version":"1.0.0","digest":"abc","urls":["a.tgz","b.tgz"],"x":[{}]},{"version":"2.0.0","created":"2026-01-02T03:04:05Z","urls":["c.tgz"]}]},"generated":""}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parseIndex([]byte(text), map[string]bool{"shop": true, "none": true})
			want := index{"shop": {{Version: "1.0.0", Digest: "abc", URLs: []string{"a.tgz", "b.tgz"}}, {Version: "2.0.0", Created: "2026-01-02T03:04:05Z", URLs: []string{"c.tgz"}}}}
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%v (-want +got)\n%s", err, diff)
			}
		})
	}
	for name, test := range map[string]struct {
		text string
		want error
	}{
		"nothing":          {"", ErrDamaged},
		"a page":           {"<html>not found</html>", ErrDamaged},
		"no entries":       {"apiVersion: v1\n", ErrDamaged},
		"no YAML":          {"entries:\n  shop:\n  - version: [\n", ErrDamaged},
		"a text for a URL": {"entries:\n  shop:\n  - version: 1.0.0\n    urls: x\n", ErrDamaged},
		"twice":            {"entries:\n  shop:\n  - version: 1.0.0\n  shop:\n  - version: 1.0.0\n", ErrDamaged},
		"JSON, cut off":    {`{"entries":{"shop":[{"version":"1.0.0"}`, ErrDamaged},
		"JSON, no object":  {`{"entries":[]}`, ErrDamaged},
		"an endless entry": {"entries:\n  shop:\n  - version: 1.0.0\n    x: " + strings.Repeat("x", maxEntry), ErrTooLarge},
		"no lines, large":  {"entries: {}\n#" + strings.Repeat("x", maxLoose), ErrTooLarge},
		"many":             {"entries:\n  shop:\n" + strings.Repeat("  - version: 1.0.0\n", maxVersions+1), ErrTooLarge},
		"aliases": {"a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c]\n" +
			"e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d]\nf: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e]\ng: &g [*f, *f, *f, *f, *f, *f, *f, *f, *f]\nentries: {shop: [*g]}\n", ErrDamaged},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := parseIndex([]byte(test.text), map[string]bool{"shop": true}); !errors.Is(err, test.want) {
				t.Errorf("%d charts, %.200v, want %v", len(got), err, test.want)
			}
		})
	}
}

func TestNewest(t *testing.T) {
	t.Parallel()
	versions := []string{"0.9.0", "1.0.0", "v1.2.0", "1.10.0", "2.0.0-rc.1", "2.0.0-rc.10", "2.0.0-rc.9", "latest", "1.3", "1.1.0+a", "1.1.0+b", "", "3.0.0-beta"}
	for asked, want := range map[string]string{
		"": "1.10.0", "*": "1.10.0", "1.x": "1.10.0", "~1.1": "1.1.0+b", "1.1.0+a": "1.1.0+a", "1.2.0": "v1.2.0", "v1.0.0": "1.0.0", "1.3.0": "1.3", "<1": "0.9.0", "^2.0.0-0": "2.0.0-rc.10", "2.0.0-rc.9": "2.0.0-rc.9",
		">=1 <2 || 5.x": "1.10.0", "2.x": "", "4.0.0": "", "1.1.0+c": "", "x y": "", "latest": "",
	} {
		got, err := newest(asked, versions)
		if got != want || (err == nil) != (want != "") || err != nil && !errors.Is(err, ErrNoVersion) && want == "" {
			t.Errorf("%q: got %q, %v, want %q", asked, got, err, want)
		}
	}
	for version, want := range map[string]bool{"1.2.3": true, "v1.2.3": true, "1.2.3-rc.1+b": true, "1.2": false, "1.x": false, "": false, "=1.2.3": false, "1.2.3 || 2": false} {
		if Exact(version) != want {
			t.Errorf("Exact(%q) is %t", version, !want)
		}
	}
}

// large is an index of the size of the largest that are public: 20 MB, of 250
// charts with 65 versions each.
func large() []byte {
	var b strings.Builder
	b.WriteString("apiVersion: v1\nentries:\n")
	for c := range 250 {
		fmt.Fprintf(&b, "  chart-%d:\n", c)
		for v := range 65 {
			fmt.Fprintf(&b, "  - annotations:\n      category: Infrastructure\n      images: |\n")
			for i := range 6 {
				fmt.Fprintf(&b, "        - name: image-%d\n          image: registry.example.com/charts/image-%d:1.%d.%d-debian-12-r%d\n", i, i, c, v, i)
			}
			fmt.Fprintf(&b, "    apiVersion: v2\n    appVersion: 1.%d.%d\n    created: \"2026-01-02T03:04:05.%09dZ\"\n    dependencies:\n    - name: common\n      repository: oci://registry.example.com/charts\n      tags:\n      - common\n      version: 2.x.x\n"+
				"    description: A chart that does what a chart does, and says so at some length, as descriptions do.\n    digest: %064d\n    home: https://example.com\n    keywords:\n    - one\n    - two\n    maintainers:\n    - name: Ada\n      url: https://example.com/ada\n"+
				"    name: chart-%d\n    sources:\n    - https://example.com/sources/chart-%d\n    urls:\n    - https://charts.example.com/chart-%d-1.%d.0.tgz\n    version: 1.%d.0\n", v, c, v, v, c, c, c, v, v)
		}
	}
	b.WriteString("generated: \"2026-01-02T03:04:05Z\"\n")
	return []byte(b.String())
}

// TestS05IndexesWaitOutsideOfTheMemory: however many come at one time, few are
// read, and none lies in the memory before its turn.
func TestS05IndexesWaitOutsideOfTheMemory(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	r, err := New(Options{Data: data})
	if err != nil {
		t.Fatal(err)
	}
	for range readAtOnce {
		r.reading <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	here, body := io.Pipe()
	ended := make(chan error)
	go func() {
		ended <- r.spool(ctx, here, func([]byte) error { return errors.New("it is read before its turn") })
	}()
	if _, err := body.Write(bytes.Repeat([]byte("# an index\n"), 1<<19)); err != nil { // which takes until it was taken
		t.Fatal(err)
	}
	if lying, err := filepath.Glob(filepath.Join(data, "index-*")); err != nil || len(lying) != 1 {
		t.Error(lying, err)
	}
	_ = body.Close()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if left, err := os.ReadDir(data); err != nil || len(left) != 0 {
		t.Error(left, err)
	}
	<-r.reading
	var got string
	if err := r.spool(t.Context(), strings.NewReader("entries:"), func(b []byte) error { got = string(b); return nil }); err != nil || got != "entries:" {
		t.Errorf("%q, %v", got, err)
	}
}

// BenchmarkIndex is the time and memory that an index of 20 MB costs, for one
// chart of it, beside parsing it as a whole.
func BenchmarkIndex(b *testing.B) {
	content := large()
	b.Logf("%d bytes", len(content))
	for name, parse := range map[string]func() error{
		"one": func() error { _, err := parseIndex(content, map[string]bool{"chart-7": true}); return err },
		"all": func() error {
			wanted := map[string]bool{}
			for c := range 250 {
				wanted[fmt.Sprint("chart-", c)] = true
			}
			found, err := parseIndex(content, wanted)
			if len(found) != 250 || len(found["chart-7"]) != 65 {
				return fmt.Errorf("%d charts: %w", len(found), err)
			}
			return err
		},
		"whole": func() error {
			var whole struct{ Entries index }
			return yaml.Unmarshal(content, &whole)
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var most, now runtime.MemStats
			for range b.N {
				runtime.GC()
				runtime.ReadMemStats(&now)
				began := now.HeapAlloc
				if err := parse(); err != nil {
					b.Fatal(err)
				}
				runtime.ReadMemStats(&most)
				b.ReportMetric(float64(most.HeapAlloc-began)/(1<<20), "MB-more")
			}
		})
	}
}

func FuzzParseIndex(f *testing.F) {
	f.Add([]byte("apiVersion: v1\nentries:\n  shop:\n  - version: 1.0.0\n    urls:\n    - a.tgz\n  other:\n  - version: 2.0.0\n"))
	f.Add([]byte("entries: {shop: [{version: 1.0.0}]}"))
	f.Add([]byte(`{"entries":{"shop":[{"version":"1.0.0"}]}}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		began := time.Now()
		found, err := parseIndex(content, map[string]bool{"shop": true})
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("took %v", took)
		}
		if err != nil {
			return
		}
		for chart, versions := range found {
			if chart != "shop" || len(versions) > maxVersions {
				t.Errorf("%d versions of %q", len(versions), chart)
			}
		}
		if json.Valid(content) {
			return
		}
		// What is cut by lines says what the whole does.
		var whole struct {
			Entries index `yaml:"entries"`
		}
		if yaml.Unmarshal(content, &whole) == nil && whole.Entries != nil {
			if diff := cmp.Diff(len(whole.Entries["shop"]), len(found["shop"])); diff != "" && strings.Count(string(content), "entries") == 1 && !strings.ContainsAny(string(content), "\"'|>&*!#") {
				t.Errorf("it is read in another way (-whole +lines)\n%s\n%q", diff, content)
			}
		}
	})
}
