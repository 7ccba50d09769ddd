// Package registrytest serves charts: chart repositories over HTTP, and OCI
// registries that want credentials in each of the usual ways. All of it runs in
// the test's own process, and needs no network but this machine's. It is not
// for use outside tests.
package registrytest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Package packs a chart as Helm does: its files below a folder of its name. A
// Chart.yaml is made where there is none among the files.
func Package(t testing.TB, name, version string, files map[string]string) []byte {
	t.Helper()
	all := maps.Clone(files)
	if all == nil {
		all = map[string]string{}
	}
	if _, has := all["Chart.yaml"]; !has {
		all["Chart.yaml"] = fmt.Sprintf("apiVersion: v2\nname: %s\nversion: %s\n", name, version)
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, path := range slices.Sorted(maps.Keys(all)) {
		if err := w.WriteHeader(&tar.Header{Name: name + "/" + path, Mode: 0o644, Size: int64(len(all[path]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, all[path]); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Digest is sha256:… of a package.
func Digest(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Charts is a chart repository.
type Charts struct {
	*httptest.Server

	mu       sync.Mutex
	versions map[string][]Version
	packages map[string][]byte
	index    []byte
	etag     string
	requests map[string]int
	wrap     func(http.Handler) http.Handler
}

// Version is what an index says of one version of a chart.
type Version struct {
	Version, URL, Digest string
	Created              time.Time
}

// NewCharts serves an empty chart repository over HTTP, on this machine.
func NewCharts(t testing.TB) *Charts {
	t.Helper()
	c := newCharts()
	c.Server = started(t, c, (*httptest.Server).Start)
	return c
}

// NewTLSCharts serves one over HTTPS; CA is to be trusted then.
func NewTLSCharts(t testing.TB) *Charts {
	t.Helper()
	c := newCharts()
	c.Server = started(t, c, (*httptest.Server).StartTLS)
	return c
}

// started is a server that keeps its log to itself: certificates that aren't
// trusted are what tests are about.
func started(t testing.TB, h http.Handler, start func(*httptest.Server)) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	start(s)
	t.Cleanup(s.Close)
	return s
}

func newCharts() *Charts {
	c := &Charts{versions: map[string][]Version{}, packages: map[string][]byte{}, requests: map[string]int{}, wrap: present}
	c.write()
	return c
}

// CA is the certificate of a server, as PEM.
func CA(s *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}

// Push adds a version of a chart, and returns its package's digest.
func (c *Charts) Push(t testing.TB, name, version string, files map[string]string) string {
	t.Helper()
	packed := Package(t, name, version, files)
	file := name + "-" + version + ".tgz"
	c.Serve("/"+file, packed)
	c.List(name, Version{Version: version, URL: file, Digest: strings.TrimPrefix(Digest(packed), "sha256:"), Created: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)})
	return Digest(packed)
}

// Serve adds a file.
func (c *Charts) Serve(path string, content []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.packages[path] = content
}

// List adds to the index, or replaces what it says of the version.
func (c *Charts) List(name string, v Version) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.versions[name] = append(slices.DeleteFunc(c.versions[name], func(o Version) bool { return o.Version == v.Version }), v)
	c.write()
}

// Remove takes a version out of the index.
func (c *Charts) Remove(name, version string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.versions[name] = slices.DeleteFunc(c.versions[name], func(o Version) bool { return o.Version == version })
	c.write()
}

// SetIndex replaces the index by text.
func (c *Charts) SetIndex(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set([]byte(text))
}

func (c *Charts) set(index []byte) {
	sum := sha256.Sum256(index)
	c.index, c.etag = index, `"`+hex.EncodeToString(sum[:8])+`"`
}

// write makes the index as `helm repo index` does. It is called with mu held.
func (c *Charts) write() {
	var b bytes.Buffer
	b.WriteString("apiVersion: v1\nentries:")
	if len(c.versions) == 0 {
		b.WriteString(" {}")
	}
	b.WriteString("\n")
	for _, name := range slices.Sorted(maps.Keys(c.versions)) {
		fmt.Fprintf(&b, "  %s:\n", name)
		for _, v := range c.versions[name] {
			fmt.Fprintf(&b, "  - apiVersion: v2\n    created: %q\n    description: a chart\n", v.Created.Format(time.RFC3339Nano))
			if v.Digest != "" {
				fmt.Fprintf(&b, "    digest: %s\n", v.Digest)
			}
			fmt.Fprintf(&b, "    name: %s\n    urls:\n    - %s\n    version: %s\n", name, v.URL, v.Version)
		}
	}
	b.WriteString("generated: \"2026-01-02T03:04:05Z\"\n")
	c.set(b.Bytes())
}

// Wrap puts something before the repository: to refuse, to wait, to
// redirect; nil takes it away.
func (c *Charts) Wrap(wrap func(http.Handler) http.Handler) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.wrap = wrap; wrap == nil {
		c.wrap = present
	}
}

// present is a server as it is.
func present(h http.Handler) http.Handler { return h }

// Requests is how often a path was asked for, and answered with more than that
// nothing has changed.
func (c *Charts) Requests(path string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.requests[path]
}

// ServeHTTP implements http.Handler.
func (c *Charts) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	c.mu.Lock()
	wrap := c.wrap
	c.mu.Unlock()
	wrap(http.HandlerFunc(c.serve)).ServeHTTP(w, req)
}

func (c *Charts) serve(w http.ResponseWriter, req *http.Request) {
	c.mu.Lock()
	content, etag := c.packages[req.URL.Path], ""
	if req.URL.Path == "/index.yaml" {
		content, etag = c.index, c.etag
	}
	unchanged := etag != "" && req.Header.Get("If-None-Match") == etag
	if !unchanged {
		c.requests[req.URL.Path]++
	}
	c.mu.Unlock()
	switch {
	case unchanged:
		w.WriteHeader(http.StatusNotModified)
	case content == nil:
		http.NotFound(w, req)
	default:
		if etag != "" {
			w.Header().Set("ETag", etag)
		}
		_, _ = w.Write(content)
	}
}

// BasicAuth lets in who knows the password.
func BasicAuth(user, password string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if u, p, ok := req.BasicAuth(); !ok || u != user || p != password {
				w.Header().Set("WWW-Authenticate", `Basic realm="charts"`)
				http.Error(w, "who are you?", http.StatusUnauthorized)
				return
			}
			next.ServeHTTP(w, req)
		})
	}
}

// Answer gives one answer to all.
func Answer(status int) func(http.Handler) http.Handler {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, http.StatusText(status), status) })
	}
}
