package registry_test

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/registry"
	"plumb.dev/plumb/internal/registry/registrytest"
)

// bare is a writer that leaves a header out.
type bare struct {
	http.ResponseWriter
	without string
}

func (b bare) WriteHeader(status int) {
	b.Header().Del(b.without)
	b.ResponseWriter.WriteHeader(status)
}

func (b bare) Write(content []byte) (int, error) {
	b.Header().Del(b.without)
	return b.ResponseWriter.Write(content)
}

// headless answers to HEAD with a status alone.
func headless(status int) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if req.Method == http.MethodHead {
				w.WriteHeader(status)
				return
			}
			next.ServeHTTP(w, req)
		})
	}
}

// TestRegistriesThatDiffer: what some registries do otherwise than the
// specification has it, or than others do.
func TestRegistriesThatDiffer(t *testing.T) {
	t.Parallel()
	pages := func(link func(host, rest string) string) func(http.Handler) http.Handler {
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				if !strings.HasSuffix(req.URL.Path, "/tags/list") {
					next.ServeHTTP(w, req)
					return
				}
				if req.URL.Query().Get("last") == "" {
					w.Header().Set("Link", "<"+link("http://"+req.Host, "/v2/charts/shop/tags/list?last=1.0.0&n=1")+`>; rel="next"`)
					_, _ = io.WriteString(w, `{"name":"charts/shop","tags":["1.0.0"]}`)
					return
				}
				_, _ = io.WriteString(w, `{"name":"charts/shop","tags":["1.1.0_build.2"]}`)
			})
		}
	}
	for name, test := range map[string]struct {
		wrap func(http.Handler) http.Handler
		want error
	}{
		"HEAD isn't allowed": {headless(http.StatusMethodNotAllowed), nil},
		"HEAD isn't known":   {headless(http.StatusBadRequest), nil},
		"no digest is told": {func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				next.ServeHTTP(bare{w, "Docker-Content-Digest"}, req)
			})
		}, nil},
		"pages, by path":       {pages(func(_, rest string) string { return rest }), nil},
		"pages, by URL":        {pages(func(host, rest string) string { return host + rest }), nil},
		"pages, on other host": {pages(func(_, rest string) string { return "http://localhost:1" + rest }), errors.ErrUnsupported},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := registrytest.NewRegistry(t)
			server.Push("charts", "shop", "1.0.0", nil)
			digest, _ := server.Push("charts", "shop", "1.1.0+build.2", nil)
			server.Wrap(test.wrap)
			p, err := fetch(t, at(t, newRegistry(t, registry.Options{}), server.Folder("charts")), registry.Credentials{}, registry.Want{Chart: "shop", Version: "1.x"})
			if test.want == nil && (err != nil || p.Version != "1.1.0+build.2" || p.Digest != digest) || test.want != nil && err == nil {
				t.Errorf("%+v, %v", p, err)
			}
		})
	}
}

// TestTags: what isn't a version doesn't count, and a v before one is no other.
func TestTags(t *testing.T) {
	t.Parallel()
	server := registrytest.NewRegistry(t)
	digests := map[string]string{}
	for _, version := range []string{"v1.1.0", "1.2.0", "1.3.0-rc.1"} {
		digests[version], _ = server.Push("charts", "shop", version, nil)
	}
	for _, tag := range []string{"latest", "2", "9.9", "20260101", "v3", "sha256-" + strings.Repeat("0", 64) + ".sig"} {
		server.PushPackage("charts/shop:"+tag, registrytest.Package(t, "shop", "1.1.0", nil))
	}
	r := at(t, newRegistry(t, registry.Options{}), server.Folder("charts"))
	for asked, version := range map[string]string{
		"": "1.2.0", "*": "1.2.0", ">=1": "1.2.0", "1.1.x": "v1.1.0", "~1.1": "v1.1.0", ">=1.2.0-0": "1.3.0-rc.1", // ranges
		"1.1.0": "v1.1.0", "v1.1.0": "v1.1.0", "1.2.0": "1.2.0", "v1.2.0": "1.2.0", // one version
	} {
		expect(t, r, registry.Want{Chart: "shop", Version: asked}, version, digests[version])
	}
	for _, asked := range []string{"v9.9.9", ">=2", "9.9"} {
		if _, err := fetch(t, r, registry.Credentials{}, registry.Want{Chart: "shop", Version: asked}); !errors.Is(err, registry.ErrNoVersion) {
			t.Errorf("%q: %v", asked, err)
		}
	}
}

// TestTokensExpire: one that isn't accepted any more is got anew, for what is
// asked for, and with the account's password.
func TestTokensExpire(t *testing.T) {
	t.Parallel()
	server := registrytest.NewRegistry(t)
	digest, _ := server.Push("charts", "shop", "1.0.0", nil)
	var valid atomic.Int64
	var asked atomic.Pointer[url.Values]
	server.Wrap(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			switch {
			case req.URL.Path == "/token":
				query := req.URL.Query()
				asked.Store(&query)
				if user, given, _ := req.BasicAuth(); user != "_json_key" || given != password+"\n{\n}" {
					http.Error(w, `{"errors":[{"code":"UNAUTHORIZED"}]}`, http.StatusUnauthorized)
					return
				}
				_ = json.NewEncoder(w).Encode(map[string]any{"access_token": fmt.Sprint("token-", valid.Add(1)), "expires_in": 60})
			case req.Header.Get("Authorization") != fmt.Sprint("Bearer token-", valid.Load()):
				w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="registry",scope="repository:charts/shop:pull"`, req.Host))
				http.Error(w, `{"errors":[{"code":"UNAUTHORIZED"}]}`, http.StatusUnauthorized)
			default:
				next.ServeHTTP(w, req)
			}
		})
	})
	r := at(t, newRegistry(t, registry.Options{}), server.Folder("charts"))
	c := registry.Credentials{Username: "_json_key", Password: password + "\n{\n}"} // of many lines, as Google's are
	for range 3 {
		p, err := fetch(t, r, c, registry.Want{Chart: "shop"})
		if err != nil || p.Digest != digest {
			t.Fatalf("%+v, %v", p, err)
		}
		valid.Add(1) // the one that was given has expired
	}
	if got := asked.Load(); got.Get("scope") != "repository:charts/shop:pull" || got.Get("service") != "registry" {
		t.Errorf("a token was asked for %v", got)
	}
	if _, err := fetch(t, r, registry.Credentials{Username: "ada", Password: "x"}, registry.Want{Chart: "shop"}); !errors.Is(err, registry.ErrCredentials) {
		t.Errorf("a wrong password: %v", err)
	}
}

// TestSignaturesBesideOutages: a signature that is there counts, whatever else the
// registry can't tell.
func TestSignaturesBesideOutages(t *testing.T) {
	t.Parallel()
	public, sign := cosignKey(t)
	server := registrytest.NewRegistry(t)
	digest, manifest := server.Push("charts", "shop", "1.0.0", nil)
	broken := only("/v2/charts/shop/referrers/", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }))
	server.Wrap(broken)
	want := registry.Want{Chart: "shop", Verify: wants(t, v1alpha1.Verify{Cosign: public})}
	r := at(t, newRegistry(t, registry.Options{}), server.Folder("charts"))
	if _, err := fetch(t, r, registry.Credentials{}, want); !errors.Is(err, registry.ErrServer) {
		t.Errorf("no signature is known of: %v", err)
	}
	server.Wrap(nil)
	server.Sign("charts/shop", manifest, sign)
	server.Wrap(broken)
	expect(t, r, want, "1.0.0", digest)
}

// TestIndexesThatDiffer: indexes as people have them.
func TestIndexesThatDiffer(t *testing.T) {
	t.Parallel()
	charts := registrytest.NewTLSCharts(t)
	digest := charts.Push(t, "shop", "1.10.0", nil)
	c := registry.Credentials{CA: registrytest.CA(charts.Server)}
	plain := strings.Replace(charts.URL, "https:", "http:", 1)
	entry := func(version, url string) string {
		return "  - version: " + version + "\n    created: 2016-10-06T16:23:20.499814565-06:00\n    urls:\n    - " + url + "\n"
	}
	const shop = "shop-1.10.0.tgz"
	for name, index := range map[string]string{
		"unsorted":            "apiVersion: v1\nentries:\n  shop:\n" + entry("1.9.0", "no.tgz") + entry("1.10.0", shop) + entry("1.2.0", "no.tgz"),
		"a mark at its start": "---\napiVersion: v1\nentries:\n  shop:\n" + entry("1.10.0", shop),
		"two documents":       "apiVersion: v1\nentries:\n  shop:\n" + entry("1.10.0", shop) + "---\nentries:\n  shop:\n" + entry("2.0.0", "no.tgz"),
		"no versions":         "apiVersion: v1\nentries:\n  shop:\n" + entry("latest", "no.tgz") + entry("1.10.0", shop) + entry("''", "no.tgz") + "  - {}\n  - urls: []\n    version: 3.0.0\n",
		"the same twice":      "apiVersion: v1\nentries:\n  shop:\n" + entry("1.10.0", shop) + entry("1.10.0", "no.tgz"),
		"with a v":            "apiVersion: v1\nentries:\n  shop:\n" + entry("v1.10.0", shop),
		"without protection":  "apiVersion: v1\nentries:\n  shop:\n" + entry("1.10.0", plain+"/"+shop),
		"a path":              "apiVersion: v1\nentries:\n  shop:\n" + entry("1.10.0", "/"+shop),
		"a way up":            "apiVersion: v1\nentries:\n  shop:\n" + entry("1.10.0", "../x/../"+shop),
	} {
		charts.SetIndex(index)
		p, err := fetch(t, at(t, newRegistry(t, registry.Options{}), charts.URL), c, registry.Want{Chart: "shop"})
		if err != nil || strings.TrimPrefix(p.Version, "v") != "1.10.0" || p.Digest != digest || p.Created.IsZero() {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
	// Packed, as some send it.
	charts.Wrap(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if req.URL.Path != "/index.yaml" {
				next.ServeHTTP(w, req)
				return
			}
			recorded := httptest.NewRecorder()
			next.ServeHTTP(recorded, req)
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = io.Copy(z, recorded.Body)
			_ = z.Close()
		})
	})
	if p, err := fetch(t, at(t, newRegistry(t, registry.Options{}), charts.URL), c, registry.Want{Chart: "shop"}); err != nil || p.Digest != digest {
		t.Errorf("packed: %+v, %v", p, err)
	}
}

// TestDockerHub: it is called otherwise than its registry is.
func TestDockerHub(t *testing.T) {
	t.Parallel()
	for text, origin := range map[string]string{
		"oci://docker.io/bitnamicharts": "oci://registry-1.docker.io", "oci://index.docker.io/x": "oci://registry-1.docker.io", "oci://registry-1.docker.io/x": "oci://registry-1.docker.io",
		"https://docker.io/x": "https://docker.io", "oci://docker.io:5000/x": "oci://docker.io:5000",
	} {
		if u, err := registry.ParseURL(text); err != nil || u.Origin() != origin {
			t.Errorf("%s: %s, %v, want %s", text, u.Origin(), err, origin)
		}
	}
}
