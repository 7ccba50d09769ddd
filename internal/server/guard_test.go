package server

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// fullConfig mounts everything that can be mounted.
func fullConfig(t *testing.T) Config {
	c := config(t, someApps())
	c.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "plumb_apps 3\n") })
	c.Hook = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) })
	return c
}

var wildcard = regexp.MustCompile(`\{[a-z]+\}`)

// TestS35_EveryRouteNeedsTheToken tries each route that is registered, and some
// that are not, without the token and with wrong ones.
func TestS35_EveryRouteNeedsTheToken(t *testing.T) {
	t.Parallel()
	c := fullConfig(t)
	h := New(c)
	public := publicRoutes(c)
	routes := append(mount(c).patterns,
		"GET /", "GET /nope", "POST /api/v1/nope", "GET /api/v1/apps/", "DELETE /api/v1/apps", "GET /debug/pprof/",
		"GET /healthz/../api/v1/apps", "GET //healthz", "GET /healthz/", "GET /HEALTHZ", "POST /healthz", "GET /hooks/git", "GET /api/v1/apps/a%2Fb/c",
		"OPTIONS /api/v1/apps", "TRACE /healthz")
	wrong := map[string]func(*http.Request){
		"no token":       func(r *http.Request) { r.Header.Del("Authorization") },
		"a wrong one":    bearerOf("not-" + testToken),
		"a part of it":   bearerOf(testToken[:len(testToken)-1]),
		"more than it":   bearerOf(testToken + "x"),
		"an empty one":   bearerOf(""),
		"another scheme": func(r *http.Request) { r.Header.Set("Authorization", "Basic "+testToken) },
		"in the query":   func(r *http.Request) { r.Header.Del("Authorization"); r.URL.RawQuery = "token=" + testToken },
		"bare":           func(r *http.Request) { r.Header.Set("Authorization", testToken) },
		"in a cookie": func(r *http.Request) {
			r.Header.Set("Authorization", "")
			r.AddCookie(&http.Cookie{Name: "token", Value: testToken})
		},
		"the wrong first": func(r *http.Request) {
			r.Header.Set("Authorization", "Bearer x")
			r.Header.Add("Authorization", "Bearer "+testToken)
		},
	}
	bodies := map[string]bool{}
	for _, pattern := range routes {
		method, path, _ := strings.Cut(pattern, " ")
		if public[route{method, path}] {
			continue
		}
		for name, edit := range wrong {
			w := answerTo(h, method, wildcard.ReplaceAllString(path, "x"), "{}", edit)
			if w.Code != http.StatusUnauthorized {
				t.Errorf("%s with %s: %d %s", pattern, name, w.Code, w.Body)
			}
			bodies[w.Body.String()] = true
		}
	}
	if len(bodies) != 1 { // S25
		t.Errorf("the refusals differ, and so tell what there is: %v", bodies)
	}
}

func bearerOf(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

// TestPublicRoutes is the review of the list: who adds a route changes it here.
func TestPublicRoutes(t *testing.T) {
	t.Parallel()
	for _, metricsPublic := range []bool{false, true} {
		c := fullConfig(t)
		c.MetricsPublic = metricsPublic
		h := New(c)
		want := map[string]int{"GET /healthz": 200, "GET /readyz": 200, "POST /hooks/git": 202}
		if metricsPublic {
			want["GET /metrics"] = 200
		}
		got := map[string]int{}
		for _, pattern := range mount(c).patterns {
			method, path, _ := strings.Cut(pattern, " ")
			w := answerTo(h, method, wildcard.ReplaceAllString(path, "x"), "", func(r *http.Request) { r.Header.Del("Authorization") })
			if w.Code != http.StatusUnauthorized {
				got[pattern] = w.Code
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("metrics public %v (-want +got):\n%s", metricsPublic, diff)
		}
	}
}

func TestNoTokenLetsNobodyIn(t *testing.T) {
	t.Parallel()
	c := config(t, someApps())
	c.Token = ""
	h := New(c)
	for _, token := range []string{"", testToken} {
		mustRefuse(t, answerTo(h, "GET", "/api/v1/apps", "", bearerOf(token)), http.StatusUnauthorized)
	}
}

func TestUnknownPathIsAProblem(t *testing.T) {
	t.Parallel()
	h := New(fullConfig(t))
	mustRefuse(t, answerTo(h, "GET", "/nope", ""), http.StatusNotFound, "/nope", "docs/api.md")
	w := answerTo(h, "DELETE", "/api/v1/apps", "")
	mustRefuse(t, w, http.StatusMethodNotAllowed, "GET")
	if got := w.Header().Get("Allow"); !strings.Contains(got, "GET") {
		t.Errorf("Allow is %q", got)
	}
}

// TestS52_OtherSitesAreRefused holds that no page of another origin can use the
// API, whatever the browser adds by itself.
func TestS52_OtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	h := New(fullConfig(t))
	from := func(origin string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Origin", origin) }
	}
	for _, origin := range []string{"https://evil.example", "null", "http://example.com.evil.example", "http://example.com:81"} {
		mustRefuse(t, answerTo(h, "GET", "/api/v1/apps", "", from(origin)), http.StatusForbidden, "another site")
	}
	if w := answerTo(h, "GET", "/api/v1/apps", "", from("http://example.com")); w.Code != 200 {
		t.Errorf("its own origin is refused: %d %s", w.Code, w.Body)
	}
	for _, media := range []string{"", "application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"} {
		w := answerTo(h, "POST", "/api/v1/apps/team-a/shop/sync", "{}", func(r *http.Request) { r.Header.Set("Content-Type", media) })
		mustRefuse(t, w, http.StatusUnsupportedMediaType, "application/json")
	}
}

func TestBodiesAreBounded(t *testing.T) {
	t.Parallel()
	h := New(config(t, someApps()))
	w := answerTo(h, "POST", "/api/v1/apps/team-a/shop/sync", `{"by":"`+strings.Repeat("x", maxBody)+`"}`)
	mustRefuse(t, w, http.StatusRequestEntityTooLarge)
	mustRefuse(t, answerTo(h, "POST", "/api/v1/apps/team-a/shop/sync", `{"by":"`+strings.Repeat("x", 101)+`"}`), http.StatusUnprocessableEntity)
	mustRefuse(t, answerTo(h, "POST", "/api/v1/apps/team-a/shop/sync", `{"by`), http.StatusBadRequest)
}

func TestEveryAnswerForbidsGuessingAndKeeping(t *testing.T) {
	t.Parallel()
	h := New(fullConfig(t))
	for _, target := range []string{"/healthz", "/api/v1/apps", "/nope", "/metrics"} {
		header := answerTo(h, "GET", target, "").Header()
		if header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", target, header)
		}
	}
}
