package registry_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/registry"
	"plumb.dev/plumb/internal/registry/registrytest"
)

// TestIndexNamesRegistries: packages that an index says to be in a registry are
// fetched from there, by tag, digest or version, and are what the index tells.
func TestIndexNamesRegistries(t *testing.T) {
	t.Parallel()
	charts, server := registrytest.NewCharts(t), registrytest.NewRegistry(t)
	one, oneManifest := server.Push("hub/charts", "shop", "1.0.0", map[string]string{"values.yaml": "a: 1\n"})
	two, twoManifest := server.Push("hub/charts", "shop", "1.1.0+build.7", nil)
	server.Push("hub/charts", "shop", "9.0.0", nil) // which the index doesn't have
	in := server.Folder("hub/charts") + "/shop"
	list := func(chart, version, url, digest string) {
		charts.List(chart, registrytest.Version{Version: version, URL: url, Digest: digest})
	}
	list("shop", "1.0.0", in+":1.0.0", strings.TrimPrefix(one, "sha256:"))
	list("shop", "1.1.0+build.7", in+":1.1.0+build.7", twoManifest) // some tools tell the manifest's
	r := at(t, newRegistry(t, registry.Options{}), charts.URL)
	expect(t, r, registry.Want{Chart: "shop"}, "1.1.0+build.7", two)
	expect(t, r, registry.Want{Chart: "shop", Version: "1.0.x"}, "1.0.0", one)
	expect(t, r, registry.Want{Chart: "shop", Digest: one}, "1.0.0", one)
	if files, err := r.Tree(one); err != nil || read(t, files, "values.yaml") != "a: 1\n" {
		t.Error(err)
	}
	// What is known isn't asked for again, and with no digest told, tags are looked at.
	var asked atomic.Int32
	server.Wrap(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if strings.HasPrefix(req.URL.Path, "/v2/hub/") {
				asked.Add(1)
			}
			next.ServeHTTP(w, req)
		})
	})
	expect(t, r, registry.Want{Chart: "shop"}, "1.1.0+build.7", two)
	if n := asked.Load(); n != 0 {
		t.Errorf("the registry was asked %d times for what is known", n)
	}
	for name, url := range map[string]string{"by-tag": in + ":1.0.0", "by-version": in, "by-digest": in + "@" + oneManifest, "by-both": in + ":9.0.0@" + oneManifest} {
		list(name, "1.0.0", url, "")
		p, err := fetch(t, r, registry.Credentials{}, registry.Want{Chart: name})
		if !errors.Is(err, registry.ErrDamaged) || !strings.Contains(err.Error(), "says of itself that it is shop 1.0.0") {
			t.Errorf("%s: %+v, %v", name, p, err) // it was found, and is the chart shop
		}
	}
	for name, test := range map[string]struct {
		url, digest string
		want        error
	}{
		"another digest":  {in + ":1.0.0", strings.Repeat("0", 64), registry.ErrDamaged},
		"another version": {in + ":9.0.0", "", registry.ErrDamaged},
		"no such tag":     {in + ":7.0.0", "", registry.ErrNoVersion},
		"no such chart":   {in + "s:1.0.0", "", registry.ErrNoVersion},
		"no chart":        {server.Folder(""), "", registry.ErrURL},
		"user name":       {"oci://ada@" + server.Host() + "/hub/charts/shop:1.0.0", "", registry.ErrURL},
		"a query":         {in + "?x:1.0.0", "", registry.ErrURL},
		"no tag":          {in + ":1.0.0?x", "", registry.ErrURL},
		"a way out":       {server.Folder("hub/../charts") + "/shop:1.0.0", "", registry.ErrURL},
	} {
		list("shop", "1.0.0", test.url, test.digest)
		if p, err := fetch(t, r, registry.Credentials{}, registry.Want{Chart: "shop", Version: "1.0.0"}); !errors.Is(err, test.want) {
			t.Errorf("%s: %+v, %v, want %v", name, p, err, test.want)
		}
	}
}

// TestS10LinksGetNoCredentials: a registry that an index names gets those of the
// repository only where it is on its host, or named by them.
func TestS10LinksGetNoCredentials(t *testing.T) {
	t.Parallel()
	charts, server := registrytest.NewTLSCharts(t), registrytest.NewTLSRegistry(t)
	digest, _ := server.Push("charts", "shop", "1.0.0", nil)
	charts.List("shop", registrytest.Version{Version: "1.0.0", URL: server.Folder("charts") + "/shop:1.0.0"})
	charts.Wrap(registrytest.BasicAuth("ada", password))
	var seen atomic.Int32
	guard := registrytest.BasicAuth("ada", password)
	server.Wrap(func(next http.Handler) http.Handler {
		guarded := guard(next)
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if req.Header.Get("Authorization") != "" {
				seen.Add(1)
			}
			guarded.ServeHTTP(w, req)
		})
	})
	c := registry.Credentials{Username: "ada", Password: password, CA: append(registrytest.CA(charts.Server), registrytest.CA(server.Server)...)}
	want := registry.Want{Chart: "shop"}
	r := at(t, newRegistry(t, registry.Options{}), charts.URL)
	if _, err := fetch(t, r, c, want); !errors.Is(err, registry.ErrTLS) { // neither does our CA count there
		t.Errorf("a registry that isn't named: %v", err)
	}
	c.PassTo = []string{strings.ToUpper(server.Host())}
	if p, err := fetch(t, r, c, want); err != nil || p.Digest != digest || seen.Load() == 0 {
		t.Errorf("a registry that is named: %+v, %v", p, err)
	}
	// The same with certificates that are good, as they are in the world.
	open, guarded := registrytest.NewCharts(t), registrytest.NewRegistry(t)
	guarded.Push("charts", "shop", "1.0.0", nil)
	open.List("shop", registrytest.Version{Version: "1.0.0", URL: guarded.Folder("charts") + "/shop:1.0.0"})
	var sent atomic.Int32
	guarded.Wrap(func(next http.Handler) http.Handler {
		next = registrytest.BasicAuth("ada", password)(next)
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if req.Header.Get("Authorization") != "" {
				sent.Add(1)
			}
			next.ServeHTTP(w, req)
		})
	})
	r = at(t, newRegistry(t, registry.Options{}), open.URL)
	_, err := fetch(t, r, registry.Credentials{Username: "ada", Password: password}, want)
	if !errors.Is(err, registry.ErrCredentials) || !strings.Contains(err.Error(), "name "+guarded.Host()+" in passCredentials") || sent.Load() != 0 {
		t.Errorf("a registry that isn't named was sent them %d times: %v", sent.Load(), err)
	}
	// Tokens for all are taken from wherever it has them given.
	tokens := httptest.NewServer(registrytest.Realm("", ""))
	t.Cleanup(tokens.Close)
	guarded.Wrap(registrytest.TokenAuth(tokens.URL))
	if _, err := fetch(t, r, registry.Credentials{Username: "ada", Password: password}, want); err != nil {
		t.Errorf("with a token for all: %v", err)
	}
}

// TestS55LinksLeadNowhereElse: an index can't have one link's addresses asked.
func TestS55LinksLeadNowhereElse(t *testing.T) {
	t.Parallel()
	charts := registrytest.NewCharts(t)
	for _, host := range []string{"169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "0.0.0.0", "[64:ff9b::a9fe:a9fe]"} {
		charts.List("shop", registrytest.Version{Version: "1.0.0", URL: "oci://" + host + "/charts/shop:1.0.0"})
		if _, err := fetch(t, at(t, newRegistry(t, registry.Options{}), charts.URL), registry.Credentials{}, registry.Want{Chart: "shop"}); !errors.Is(err, registry.ErrAddress) {
			t.Errorf("%s: %v", host, err)
		}
	}
}

// TestLinksAreVerified: signatures are those of the registry.
func TestLinksAreVerified(t *testing.T) {
	t.Parallel()
	public, sign := cosignKey(t)
	charts, server := registrytest.NewCharts(t), registrytest.NewRegistry(t)
	digest, manifest := server.Push("charts", "shop", "1.0.0", nil)
	charts.List("shop", registrytest.Version{Version: "1.0.0", URL: server.Folder("charts") + "/shop:1.0.0", Digest: digest})
	want := registry.Want{Chart: "shop", Verify: wants(t, v1alpha1.Verify{Cosign: public})}
	r := at(t, newRegistry(t, registry.Options{}), charts.URL)
	if _, err := fetch(t, r, registry.Credentials{}, want); registry.Outcome(err) != "unverified" {
		t.Errorf("without a signature: %v", err)
	}
	server.Sign("charts/shop", manifest, sign)
	expect(t, r, want, "1.0.0", digest)
}
