package registry_test

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"plumb.dev/plumb/internal/registry"
	"plumb.dev/plumb/internal/registry/registrytest"
)

const password = "hunter2-5ecr3t"

// witness is a server that notes which credentials it is sent.
type witness struct {
	*httptest.Server
	mu   sync.Mutex
	seen []string
}

func newWitness(t *testing.T, answer http.Handler) *witness {
	t.Helper()
	w := &witness{}
	w.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		w.mu.Lock()
		if given := req.Header.Get("Authorization") + req.Header.Get("Cookie"); given != "" {
			w.seen = append(w.seen, given)
		}
		if len(req.TLS.PeerCertificates) > 0 {
			w.seen = append(w.seen, "a client's certificate")
		}
		w.mu.Unlock()
		answer.ServeHTTP(rw, req)
	}))
	w.Config.ErrorLog = log.New(io.Discard, "", 0)
	w.StartTLS()
	t.Cleanup(w.Server.Close)
	return w
}

func (w *witness) credentials() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.seen, ", ")
}

func hostPort(t *testing.T, s *httptest.Server) string {
	t.Helper()
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

// TestS10CredentialsStayWithTheirHost: they go to the host of the repository,
// and neither to where its index says that packages are, nor to where it
// redirects, unless the credentials name that host.
func TestS10CredentialsStayWithTheirHost(t *testing.T) {
	t.Parallel()
	charts := registrytest.NewTLSCharts(t)
	packed := registrytest.Package(t, "shop", "1.0.0", nil)
	elsewhere := newWitness(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(packed) }))
	charts.List("absolute", registrytest.Version{Version: "1.0.0", URL: elsewhere.URL + "/x.tgz"})
	charts.List("relative", registrytest.Version{Version: "1.0.0", URL: strings.TrimPrefix(elsewhere.URL, "https:") + "/x.tgz"})
	charts.List("redirected", registrytest.Version{Version: "1.0.0", URL: "away.tgz"})
	charts.List("own", registrytest.Version{Version: "1.0.0", URL: "own.tgz"})
	charts.Serve("/own.tgz", packed)
	charts.Wrap(func(next http.Handler) http.Handler {
		next = registrytest.BasicAuth("ada", password)(next)
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if req.URL.Path == "/away.tgz" {
				http.Redirect(w, req, elsewhere.URL+"/x.tgz?signature="+password, http.StatusFound)
				return
			}
			next.ServeHTTP(w, req)
		})
	})
	ca := append(registrytest.CA(charts.Server), registrytest.CA(elsewhere.Server)...)
	c := registry.Credentials{Username: "ada", Password: password, CA: ca}
	r := at(t, newRegistry(t, registry.Options{}), charts.URL)
	for _, chart := range []string{"absolute", "relative", "redirected"} {
		// The other host isn't ours, so neither does our CA count there.
		_, err := fetch(t, r, c, registry.Want{Chart: chart})
		if !errors.Is(err, registry.ErrTLS) || strings.Contains(err.Error(), password) {
			t.Errorf("%s: %v", chart, err)
		}
	}
	if seen := elsewhere.credentials(); seen != "" {
		t.Errorf("another host was sent %s", seen)
	}
	c.PassTo = []string{hostPort(t, elsewhere.Server)}
	for _, chart := range []string{"absolute", "relative", "redirected"} {
		if _, err := fetch(t, r, c, registry.Want{Chart: chart}); !errors.Is(err, registry.ErrDamaged) { // it is the chart shop
			t.Errorf("%s, passed on: %v", chart, err)
		}
	}
	if seen := elsewhere.credentials(); !strings.Contains(seen, "Basic ") {
		t.Error("a host that is named was sent none")
	}
}

// TestS10RedirectsCarryNoCredentials is the same where the other host's
// certificate is good, as it is in the world.
func TestS10RedirectsCarryNoCredentials(t *testing.T) {
	t.Parallel()
	var seen []string
	var mu sync.Mutex
	packed := registrytest.Package(t, "shop", "1.0.0", nil)
	note := http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		mu.Lock()
		seen = append(seen, req.Header.Get("Authorization"))
		mu.Unlock()
		_, _ = w.Write(packed)
	})
	other := httptest.NewServer(note) // another port of one host is another origin
	t.Cleanup(other.Close)
	charts, server := registrytest.NewCharts(t), registrytest.NewRegistry(t)
	charts.List("shop", registrytest.Version{Version: "1.0.0", URL: "away.tgz"})
	charts.List("shop", registrytest.Version{Version: "1.1.0", URL: other.URL + "/shop-1.1.0.tgz"})
	server.Push("charts", "shop", "1.0.0", nil)
	away := func(next http.Handler) http.Handler {
		next = registrytest.BasicAuth("ada", password)(next)
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if req.URL.Path == "/away.tgz" || strings.Contains(req.URL.Path, "/blobs/") {
				http.Redirect(w, req, other.URL+"/x", http.StatusTemporaryRedirect)
				return
			}
			next.ServeHTTP(w, req)
		})
	}
	charts.Wrap(away)
	server.Wrap(away)
	c := registry.Credentials{Username: "ada", Password: password}
	for _, url := range []string{charts.URL, server.Folder("charts")} {
		if _, err := fetch(t, at(t, newRegistry(t, registry.Options{}), url), c, registry.Want{Chart: "shop", Version: "1.0.0"}); err != nil && !errors.Is(err, registry.ErrDamaged) {
			t.Errorf("%s: %v", url, err)
		}
	}
	_, _ = fetch(t, at(t, newRegistry(t, registry.Options{}), charts.URL), c, registry.Want{Chart: "shop", Version: "1.1.0"})
	if len(seen) < 3 || strings.Join(seen, "") != "" {
		t.Errorf("another origin was sent %q", seen)
	}
}

// TestS10ClientCertificates: they are shown to their own host alone.
func TestS10ClientCertificates(t *testing.T) {
	t.Parallel()
	elsewhere := newWitness(t, http.NotFoundHandler())
	elsewhere.TLS.ClientAuth = tls.RequestClientCert
	charts := registrytest.NewTLSCharts(t)
	charts.Push(t, "shop", "1.0.0", nil)
	charts.List("away", registrytest.Version{Version: "1.0.0", URL: elsewhere.URL + "/x.tgz"})
	certificate, key := clientPair(t)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(certificate)
	charts.TLS.ClientAuth, charts.TLS.ClientCAs = tls.RequireAndVerifyClientCert, pool
	c := registry.Credentials{CA: append(registrytest.CA(charts.Server), registrytest.CA(elsewhere.Server)...)}
	r := at(t, newRegistry(t, registry.Options{}), charts.URL)
	if _, err := fetch(t, r, c, registry.Want{Chart: "shop"}); !errors.Is(err, registry.ErrTLS) {
		t.Errorf("without its certificate: %v", err)
	}
	c.Certificate, c.Key = certificate, key
	if _, err := fetch(t, r, c, registry.Want{Chart: "shop"}); err != nil {
		t.Error(err)
	}
	if _, err := fetch(t, r, c, registry.Want{Chart: "away"}); err == nil {
		t.Error("the other host has nothing")
	}
	if seen := elsewhere.credentials(); seen != "" {
		t.Errorf("another host was shown %s", seen)
	}
	c.Key = certificate
	if _, err := fetch(t, r, c, registry.Want{Chart: "shop"}); !errors.Is(err, registry.ErrTLS) {
		t.Errorf("half a pair: %v", err)
	}
}

// TestS10TokensOfRegistries: a registry that has its tokens given elsewhere gets
// what it wants only where the credentials name that host.
func TestS10TokensOfRegistries(t *testing.T) {
	t.Parallel()
	server := registrytest.NewTLSRegistry(t)
	first, _ := server.Push("charts", "shop", "1.0.0", nil)
	realm := newWitness(t, registrytest.Realm("ada", password))
	c := registry.Credentials{Username: "ada", Password: password, CA: append(registrytest.CA(server.Server), registrytest.CA(realm.Server)...)}
	want := registry.Want{Chart: "shop"}
	r := at(t, newRegistry(t, registry.Options{}), server.Folder("charts"))
	for _, elsewhere := range []string{realm.URL + "/token", strings.Replace(realm.URL, "127.0.0.1", "example.com", 1)} {
		server.Wrap(registrytest.TokenAuth(elsewhere))
		_, err := fetch(t, r, c, want)
		if err == nil || !strings.Contains(err.Error(), "passCredentials") || strings.Contains(err.Error(), password) || !errors.Is(err, registry.ErrCredentials) {
			t.Errorf("a realm elsewhere: %v", err)
		}
	}
	if seen := realm.credentials(); seen != "" {
		t.Errorf("a realm that isn't named was sent %s", seen)
	}
	server.Wrap(registrytest.TokenAuth(realm.URL + "/token"))
	c.PassTo = []string{hostPort(t, realm.Server)}
	if p, err := fetch(t, r, c, want); err != nil || p.Digest != first || !strings.HasPrefix(realm.credentials(), "Basic ") {
		t.Errorf("a realm that is named: %+v, %v, it was sent %q", p, err, realm.credentials())
	}
	// Without credentials there are none to keep: tokens for all are taken.
	open := registrytest.NewRegistry(t)
	open.Push("charts", "shop", "1.0.0", nil)
	tokens := httptest.NewServer(registrytest.Realm("", ""))
	t.Cleanup(tokens.Close)
	open.Wrap(registrytest.TokenAuth(tokens.URL))
	if _, err := fetch(t, at(t, newRegistry(t, registry.Options{}), open.Folder("charts")), registry.Credentials{}, want); err != nil {
		t.Errorf("a realm for all: %v", err)
	}
	// What is named may be an own realm of the same host.
	own := registrytest.NewTLSRegistry(t)
	digest, _ := own.Push("charts", "shop", "1.0.0", nil)
	inside := registrytest.Realm("ada", password)
	own.Wrap(func(next http.Handler) http.Handler {
		guarded := registrytest.TokenAuth(own.URL + "/token")(next)
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if req.URL.Path == "/token" {
				inside.ServeHTTP(w, req)
				return
			}
			guarded.ServeHTTP(w, req)
		})
	})
	c.CA, c.PassTo = registrytest.CA(own.Server), nil
	r = at(t, newRegistry(t, registry.Options{}), own.Folder("charts"))
	if p, err := fetch(t, r, c, registry.Want{Chart: "shop"}); err != nil || p.Digest != digest {
		t.Errorf("a realm of the registry's own: %+v, %v", p, err)
	}
	c.Password = "wrong"
	if _, err := fetch(t, r, c, registry.Want{Chart: "shop"}); !errors.Is(err, registry.ErrCredentials) {
		t.Errorf("a wrong password: %v", err)
	}
}

// TestPasswordsAndTokens: a registry may want a password, or a token right away.
func TestPasswordsAndTokens(t *testing.T) {
	t.Parallel()
	server, charts := registrytest.NewRegistry(t), registrytest.NewCharts(t)
	server.Push("charts", "shop", "1.0.0", nil)
	charts.Push(t, "shop", "1.0.0", nil)
	bearer := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if req.Header.Get("Authorization") != "Bearer "+password {
				w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+req.Host+`/token",service="r"`)
				http.Error(w, "", http.StatusUnauthorized)
				return
			}
			next.ServeHTTP(w, req)
		})
	}
	for name, test := range map[string]struct {
		wrap  func(http.Handler) http.Handler
		right registry.Credentials
	}{
		"password": {registrytest.BasicAuth("ada", password), registry.Credentials{Username: "ada", Password: password}},
		"token":    {bearer, registry.Credentials{BearerToken: password}},
	} {
		server.Wrap(test.wrap)
		charts.Wrap(test.wrap)
		for _, url := range []string{server.Folder("charts"), charts.URL} {
			if _, err := fetch(t, at(t, newRegistry(t, registry.Options{}), url), test.right, registry.Want{Chart: "shop"}); err != nil {
				t.Errorf("%s, %s: %v", name, url, err)
			}
			for _, wrong := range []registry.Credentials{{}, {Username: "ada", Password: "x"}, {BearerToken: "x"}} {
				if _, err := fetch(t, at(t, newRegistry(t, registry.Options{}), url), wrong, registry.Want{Chart: "shop"}); !errors.Is(err, registry.ErrCredentials) {
					t.Errorf("%s, %s, wrong: %v", name, url, err)
				}
			}
		}
	}
	for _, wrong := range []registry.Credentials{{BearerToken: "a\nb"}, {BearerToken: "a", Password: "b"}, {Username: "a:b", Password: "c"}} {
		if _, err := fetch(t, at(t, newRegistry(t, registry.Options{}), charts.URL), wrong, registry.Want{Chart: "shop"}); !errors.Is(err, registry.ErrCredentials) {
			t.Error(err)
		}
	}
	if s := fmt.Sprintf("%v %+v %#v %s", registry.Credentials{Password: password}, registry.Credentials{Password: password}, registry.Credentials{Password: password}, &registry.Credentials{Password: password}); strings.Contains(s, password) {
		t.Error(s)
	}
}

// TestS09CraftedURLs: what could confuse host and credentials is refused.
func TestS09CraftedURLs(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"", "charts.example.com", "https://", "https:///x", "https://ada:" + password + "@h", "https://ada@h", "oci://ada@h/x", "http://charts.example.com", "ftp://h/x", "file:///etc",
		"ext::sh -c x", "-oProxyCommand=x", "https://h/\nx", "https://h/ x", "https://h\\@evil", "https://h/x?y", "https://h/x#y", "https://h/x#", "https://h/../x", "https://h/a/../../x", "https://h/%2e%2e/x",
		"https://h/a%2fb", "https://h/a//x", "https://-h/x", "https://h%00/x", "https:h/x", "oci:h/x", "https://h/" + strings.Repeat("x", 3000), "https://[::1%25eth0]/x",
	} {
		if u, err := registry.ParseURL(s); !errors.Is(err, registry.ErrURL) || strings.Contains(err.Error(), password) {
			t.Errorf("%q: %+v, %v", s, u, err)
		}
	}
	for s, origin := range map[string]string{
		"https://Charts.example.com:443/a/": "https://charts.example.com", "oci://r:5000": "oci://r:5000", "http://localhost:1/x": "http://localhost:1", "http://[::1]:1/x": "http://[::1]:1",
	} {
		if u, err := registry.ParseURL(s); err != nil || u.Origin() != origin || u.String() != s {
			t.Errorf("%q: %+v, %v", s, u, err)
		}
	}
	charts := registrytest.NewCharts(t)
	charts.List("shop", registrytest.Version{Version: "1.0.0", URL: "http://me@" + hostPort(t, charts.Server) + "/x.tgz"})
	charts.List("plain", registrytest.Version{Version: "1.0.0", URL: "http://charts.example.com/x.tgz"})
	charts.List("file", registrytest.Version{Version: "1.0.0", URL: "file:///etc/passwd"})
	charts.List("broken", registrytest.Version{Version: "1.0.0", URL: "http://[::1"})
	for _, chart := range []string{"shop", "plain", "file", "broken"} {
		if _, err := fetch(t, at(t, newRegistry(t, registry.Options{}), charts.URL), registry.Credentials{}, registry.Want{Chart: chart}); !errors.Is(err, registry.ErrAddress) && !errors.Is(err, registry.ErrDamaged) {
			t.Errorf("%s: %v", chart, err)
		}
	}
}

// TestS55AddressesThatAreNeverAsked: those of a link and of a cloud's metadata,
// under whatever name, and this machine's where the repository isn't on it.
func TestS55AddressesThatAreNeverAsked(t *testing.T) {
	t.Parallel()
	for _, u := range []string{
		"https://169.254.169.254/latest", "https://[fe80::1]/x", "https://[::ffff:169.254.169.254]/x", "https://0.0.0.0/x", "https://[fd00:ec2::254]/x", "https://100.100.100.200/x", "https://[64:ff9b::a9fe:a9fe]/x",
		"https://168.63.129.16/x", "https://[fd20:ce::254]/x", "https://224.0.0.1/x", "oci://169.254.169.254/x",
	} {
		if _, err := fetch(t, at(t, newRegistry(t, registry.Options{}), u), registry.Credentials{}, registry.Want{Chart: "shop"}); !errors.Is(err, registry.ErrAddress) {
			t.Errorf("%s: %v", u, err)
		}
	}
	charts := registrytest.NewCharts(t)
	charts.Push(t, "shop", "1.0.0", nil)
	for _, to := range []string{"http://169.254.169.254/latest", "https://169.254.169.254/latest", "http://charts.example.com/"} {
		charts.Wrap(func(http.Handler) http.Handler { return http.RedirectHandler(to, http.StatusFound) })
		if _, err := fetch(t, at(t, newRegistry(t, registry.Options{}), charts.URL), registry.Credentials{}, registry.Want{Chart: "shop"}); !errors.Is(err, registry.ErrAddress) {
			t.Errorf("redirected to %s: %v", to, err)
		}
	}
	charts.Wrap(func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			http.Redirect(w, req, req.URL.Path+"x", http.StatusFound)
		})
	})
	if _, err := fetch(t, at(t, newRegistry(t, registry.Options{}), charts.URL), registry.Credentials{}, registry.Want{Chart: "shop"}); !errors.Is(err, registry.ErrServer) {
		t.Errorf("redirected without end: %v", err)
	}
	secure := registrytest.NewTLSCharts(t)
	secure.Wrap(func(http.Handler) http.Handler { return http.RedirectHandler(charts.URL, http.StatusFound) })
	if _, err := fetch(t, at(t, newRegistry(t, registry.Options{}), secure.URL), registry.Credentials{CA: registrytest.CA(secure.Server)}, registry.Want{Chart: "shop"}); !errors.Is(err, registry.ErrAddress) {
		t.Errorf("redirected to less protection: %v", err)
	}
}

// endless sends text for as long as someone takes it.
func endless(w io.Writer, text string) {
	line := []byte(strings.Repeat(text, 64))
	for {
		if _, err := w.Write(line); err != nil {
			return
		}
	}
}

// TestS07EndlessDownloads: no index, package or answer of a registry is taken
// beyond its bounds, in bytes or in time.
func TestS07EndlessDownloads(t *testing.T) {
	t.Parallel()
	plain := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { endless(w, text) }
	}
	packed := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		endless(gzip.NewWriter(w), "# nothing but comments\n")
	}
	slow := func(w http.ResponseWriter, req *http.Request) {
		for tick := time.NewTicker(5 * time.Millisecond); ; {
			select {
			case <-req.Context().Done():
				return
			case <-tick.C:
				_, _ = io.WriteString(w, "#")
				w.(http.Flusher).Flush()
			}
		}
	}
	bounds := registry.Options{IndexBytes: 1 << 20, PackageBytes: 1 << 20, Time: 2 * time.Minute}
	brief := bounds
	brief.Time = 100 * time.Millisecond
	for name, test := range map[string]struct {
		path    string
		answer  http.HandlerFunc
		options registry.Options
		want    error
	}{
		"an index":               {"/index.yaml", plain("entries:\n"), bounds, registry.ErrTooLarge},
		"an index, packed":       {"/index.yaml", packed, bounds, registry.ErrTooLarge},
		"an index, by the drop":  {"/index.yaml", slow, brief, registry.ErrTimeout},
		"a package":              {"/shop-1.0.0.tgz", plain("x"), bounds, registry.ErrTooLarge},
		"a package, by the drop": {"/shop-1.0.0.tgz", slow, brief, registry.ErrTimeout},
		"headers": {"/index.yaml", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Long", strings.Repeat("x", 2<<20))
		}, bounds, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			charts := registrytest.NewCharts(t)
			charts.Push(t, "shop", "1.0.0", nil)
			charts.Wrap(only(test.path, test.answer))
			_, err := fetch(t, at(t, newRegistry(t, test.options), charts.URL), registry.Credentials{}, registry.Want{Chart: "shop"})
			if err == nil || test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("%v, want %v", err, test.want)
			}
		})
	}
	for name, test := range map[string]struct {
		path    string
		answer  http.HandlerFunc
		options registry.Options
	}{
		"tags": {"/v2/charts/shop/tags/list", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"tags":[`)
			endless(w, `"1.0.0",`)
		}, bounds},
		"pages": {"/v2/charts/shop/tags/list", func(w http.ResponseWriter, req *http.Request) {
			w.Header().Set("Link", "<"+req.URL.String()+"&x>; rel=\"next\"")
			_, _ = io.WriteString(w, `{"tags":[`+strings.Repeat(`"1.0.0",`, 1000)+`"1.0.0"]}`)
		}, bounds},
		"a manifest": {"/v2/charts/shop/manifests/", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
			endless(w, "{")
		}, bounds},
		"by the drop": {"/v2/charts/shop/tags/list", slow, brief},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := registrytest.NewRegistry(t)
			server.Push("charts", "shop", "1.0.0", nil)
			server.Wrap(only(test.path, test.answer))
			if _, err := fetch(t, at(t, newRegistry(t, test.options), server.Folder("charts")), registry.Credentials{}, registry.Want{Chart: "shop"}); err == nil {
				t.Error("it was taken")
			} else {
				t.Log(err)
			}
		})
	}
	server := registrytest.NewRegistry(t)
	server.PushLayers("charts/shop:1.0.0", registrytest.Layer{Type: "application/vnd.cncf.helm.chart.content.v1.tar+gzip", Content: make([]byte, 2<<20)})
	if _, err := fetch(t, at(t, newRegistry(t, bounds), server.Folder("charts")), registry.Credentials{}, registry.Want{Chart: "shop"}); !errors.Is(err, registry.ErrTooLarge) {
		t.Errorf("a large layer: %v", err)
	}
}

// TestS07SlowRepositoryHoldsUpNobody: one that sends its packages by the drop
// leaves room for others.
func TestS07SlowRepositoryHoldsUpNobody(t *testing.T) {
	t.Parallel()
	slow, quick := registrytest.NewCharts(t), registrytest.NewCharts(t)
	digest := quick.Push(t, "shop", "1.0.0", nil)
	var wanted []registry.Want
	for i := range 100 {
		chart := fmt.Sprint("shop-", i)
		slow.Push(t, chart, "1.0.0", nil)
		wanted = append(wanted, registry.Want{Chart: chart})
	}
	arrived := make(chan struct{}, 100)
	slow.Wrap(only("/shop-", http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		arrived <- struct{}{}
		<-req.Context().Done()
	})))
	r := newRegistry(t, registry.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := at(t, r, slow.URL).Fetch(ctx, registry.Credentials{}, wanted)
		ended <- err
	}()
	<-arrived
	expect(t, at(t, r, quick.URL), registry.Want{Chart: "shop"}, "1.0.0", digest)
	if n := len(arrived); n > 4 {
		t.Errorf("%d downloads of one repository at one time", n)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// only answers what is below one path otherwise than the server does.
func only(path string, answer http.Handler) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if strings.HasPrefix(req.URL.Path, path) && req.Method == http.MethodGet { // an answer to HEAD has no body to end it
				answer.ServeHTTP(w, req)
				return
			}
			next.ServeHTTP(w, req)
		})
	}
}

// TestS06Bombs: a package that grows beyond measure is refused, wherever it is
// from, and nothing of it is kept.
func TestS06Bombs(t *testing.T) {
	t.Parallel()
	zeros := map[string]string{"zeros": strings.Repeat("\x00", 6<<20)}
	charts, server := registrytest.NewCharts(t), registrytest.NewRegistry(t)
	one := charts.Push(t, "shop", "1.0.0", zeros)
	two, _ := server.Push("charts", "shop", "1.0.0", zeros)
	for url, digest := range map[string]string{charts.URL: one, server.Folder("charts"): two} {
		r := at(t, newRegistry(t, registry.Options{}), url)
		if _, err := fetch(t, r, registry.Credentials{}, registry.Want{Chart: "shop"}); !errors.Is(err, registry.ErrTooLarge) {
			t.Errorf("%s: %v", url, err)
		}
		if _, err := r.Tree(digest); !registry.Absent(err) {
			t.Errorf("%s: it is kept: %v", url, err)
		}
	}
}
