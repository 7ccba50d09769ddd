package server

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/history/sqlite"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/status"
)

// web has connections of its own: those of http.DefaultClient break when some test server ends.
var web = &http.Client{Transport: &http.Transport{}, Timeout: time.Minute}

const testToken = "the-token-of-this-test"

// noon is the time of the tests.
var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// fakeApps is what an engine would tell, held still.
type fakeApps struct {
	details   map[string]status.Detail
	objects   []object.Object
	renderErr error
	syncErr   error
	synced    []string // ID by ACTOR
}

func (f *fakeApps) Apps() []status.App {
	var apps []status.App
	for _, d := range f.details {
		apps = append(apps, d.App)
	}
	return apps
}

func (f *fakeApps) App(_ context.Context, id string) (status.Detail, error) {
	d, ok := f.details[id]
	if !ok {
		return d, ErrNoApp
	}
	return d, nil
}

func (f *fakeApps) Root() status.Root {
	return status.Root{URL: "https://git.example.com/fleet.git", Revision: "1d687d61", Apps: len(f.details)}
}

func (f *fakeApps) Render(ctx context.Context, id string) ([]object.Object, error) {
	_, err := f.App(ctx, id)
	return f.objects, cmp.Or(err, f.renderErr)
}

func (f *fakeApps) Sync(ctx context.Context, id, actor string) error {
	f.synced = append(f.synced, id+" by "+actor)
	_, err := f.App(ctx, id)
	return cmp.Or(err, f.syncErr)
}

// app is one App's detail.
func app(namespace, name string, sync status.Sync, health status.Health) status.Detail {
	return status.Detail{App: status.App{Namespace: namespace, Name: name, Sync: sync, Health: health, Revision: "1d687d61"}}
}

// someApps are three Apps in two namespaces.
func someApps() *fakeApps {
	f := &fakeApps{details: map[string]status.Detail{}}
	for _, d := range []status.Detail{
		app("team-b", "shop", status.Synced, status.Healthy),
		app("team-a", "shop", status.OutOfSync, status.Progressing),
		app("team-a", "blog", status.Synced, status.Degraded),
	} {
		f.details[d.App.ID()] = d
	}
	return f
}

// config is a server over some Apps and a real history.
func config(t *testing.T, apps Apps) Config {
	t.Helper()
	store, _, err := sqlite.Open(t.Context(), sqlite.Options{Path: t.TempDir() + "/history.db"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return Config{Apps: apps, Releases: store, Token: testToken, Now: func() time.Time { return noon }}
}

// answerTo is what a handler answers to a request; edit changes the request
// before it is sent.
func answerTo(h http.Handler, method, target, body string, edit ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+testToken)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, e := range edit {
		e(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// ask decodes an answer of 200.
func ask[T any](t *testing.T, h http.Handler, target string) T {
	t.Helper()
	w := answerTo(h, http.MethodGet, target, "")
	if w.Code != http.StatusOK {
		t.Fatalf("GET %s: %d %s", target, w.Code, w.Body)
	}
	var value T
	decoder := json.NewDecoder(w.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&value); err != nil {
		t.Fatalf("GET %s: %v", target, err)
	}
	return value
}

// mustRefuse checks a problem's code and what it says.
func mustRefuse(t *testing.T, w *httptest.ResponseRecorder, code int, says ...string) {
	t.Helper()
	body := w.Body.String()
	if w.Code != code {
		t.Fatalf("got %d %s; want %d", w.Code, body, code)
	}
	if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("it is a %s", got)
	}
	for _, s := range says {
		if !strings.Contains(body, s) {
			t.Errorf("it doesn't say %q: %s", s, body)
		}
	}
}

func TestAppsAreSortedAndFiltered(t *testing.T) {
	t.Parallel()
	h := New(config(t, someApps()))
	for _, test := range []struct{ query, want string }{
		{"", "team-a/blog team-a/shop team-b/shop"},
		{"?namespace=team-a", "team-a/blog team-a/shop"},
		{"?sync=OutOfSync", "team-a/shop"},
		{"?health=Degraded&namespace=team-a", "team-a/blog"},
		{"?namespace=no-such", ""},
	} {
		var got []string
		for _, a := range ask[list[status.App]](t, h, "/api/v1/apps"+test.query).Items {
			got = append(got, a.ID())
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%q gave %v; want %s", test.query, got, test.want)
		}
	}
	if w := answerTo(h, "GET", "/api/v1/apps?namespace=no-such", ""); w.Body.String() != `{"items":[]}`+"\n" {
		t.Errorf("none is %s; want an empty list", w.Body)
	}
}

func TestWrongFiltersAreRefused(t *testing.T) {
	t.Parallel()
	h := New(config(t, someApps()))
	for _, target := range []string{
		"/api/v1/apps?sync=synced", "/api/v1/apps?heath=Healthy", "/api/v1/releases?limit=501", "/api/v1/releases?limit=0",
		"/api/v1/releases?commit=abc", "/api/v1/releases?outcome=Great", "/api/v1/releases?before=x", "/api/v1/releases/x",
		"/api/v1/releases?trigger=x", "/api/v1/releases?object=web", "/api/v1/releases?since=yesterday", "/api/v1/releases?author=a%0Ab",
		"/api/v1/releases?since=2026-11-20T12:00:00Z&until=2026-11-20T11:00:00Z",
	} {
		mustRefuse(t, answerTo(h, "GET", target, ""), http.StatusUnprocessableEntity)
	}
}

func TestAppComesWithItsReleases(t *testing.T) {
	t.Parallel()
	c := config(t, someApps())
	store := c.Releases.(history.Store)
	for _, id := range []string{"team-a/shop", "team-b/shop", "team-a/shop"} {
		if _, err := store.Save(t.Context(), release.Release{App: id, Outcome: release.Succeeded, Seen: noon}); err != nil {
			t.Fatal(err)
		}
	}
	h := New(c)
	d := ask[status.Detail](t, h, "/api/v1/apps/team-a/shop")
	if d.ID() != "team-a/shop" || len(d.Releases) != 2 || d.Releases[0].ID != 3 {
		t.Errorf("got %+v; want the App with its releases 3 and 1", d)
	}
	if got := ask[list[release.Release]](t, h, "/api/v1/releases?app=team-a/shop&before=3"); len(got.Items) != 1 || got.Items[0].ID != 1 {
		t.Errorf("the page before release 3 is %+v", got)
	}
	for query, want := range map[string]int{
		"?since=2026-11-20T12:00:00Z": 3, "?until=2026-11-20T12:00:00Z": 0, "?author=ana": 0, "?object=Deployment/web": 0, "?trigger=drift": 0, "?intended=true": 3,
	} {
		if got := ask[list[release.Release]](t, h, "/api/v1/releases"+query); len(got.Items) != want {
			t.Errorf("%s selects %d releases; want %d", query, len(got.Items), want)
		}
	}
	if got := ask[release.Release](t, h, "/api/v1/releases/2"); got.App != "team-b/shop" {
		t.Errorf("release 2 is of %s", got.App)
	}
	mustRefuse(t, answerTo(h, "GET", "/api/v1/releases/99", ""), http.StatusNotFound, "release 99")
	for _, target := range []string{"/api/v1/apps/team-a/nope", "/api/v1/apps/team-a/nope/render"} {
		mustRefuse(t, answerTo(h, "GET", target, ""), http.StatusNotFound, "team-a/nope")
	}
}

func TestAppIsToldWithoutAHistory(t *testing.T) {
	t.Parallel()
	c := config(t, someApps())
	if err := c.Releases.(history.Store).Close(); err != nil {
		t.Fatal(err)
	}
	h := New(c)
	if d := ask[status.Detail](t, h, "/api/v1/apps/team-a/shop"); d.Name != "shop" {
		t.Errorf("got %+v", d)
	}
	mustRefuse(t, answerTo(h, "GET", "/api/v1/releases", ""), http.StatusInternalServerError, "history")
}

func TestSync(t *testing.T) {
	t.Parallel()
	apps := someApps()
	h := New(config(t, apps))
	w := answerTo(h, "POST", "/api/v1/apps/team-a/shop/sync", `{"by":"ana"}`)
	if want := `{"app":"team-a/shop","requestedAt":"2026-11-20T12:00:00Z"}` + "\n"; w.Code != http.StatusAccepted || w.Body.String() != want {
		t.Errorf("got %d %s; want 202 %s", w.Code, w.Body, want)
	}
	answerTo(h, "POST", "/api/v1/apps/team-b/shop/sync", `{}`)
	if got, want := strings.Join(apps.synced, ", "), "team-a/shop by ana, team-b/shop by someone with the token"; got != want {
		t.Errorf("asked for %s; want %s", got, want)
	}
	mustRefuse(t, answerTo(h, "POST", "/api/v1/apps/team-a/nope/sync", `{}`), http.StatusNotFound, "team-a/nope")
	mustRefuse(t, answerTo(h, "POST", "/api/v1/apps/team-a/shop/sync", `{"by":"a\u001b[31m"}`), http.StatusUnprocessableEntity, "printable")
	mustRefuse(t, answerTo(h, "POST", "/api/v1/apps/team-a/shop/sync", `{"app":"team-b/shop"}`), http.StatusUnprocessableEntity, "app")
	apps.syncErr = errors.New("the daemon is stopping")
	mustRefuse(t, answerTo(h, "POST", "/api/v1/apps/team-a/shop/sync", `{}`), http.StatusConflict, "the daemon is stopping")
}

func TestRenderHidesSecrets(t *testing.T) {
	t.Parallel()
	const canary = "canary-5f1d"
	apps := someApps()
	for _, manifest := range []string{
		`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"open"},"data":{"key":"shown"}}`,
		`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a","annotations":{"kubectl.kubernetes.io/last-applied-configuration":"` + canary + `"}},
		  "data":{"one":"` + canary + `"},"stringData":{"two":"` + canary + `"}}`,
		`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"b"},"data":"` + canary + `","stringData":["` + canary + `"]}`,
	} {
		u := &unstructured.Unstructured{}
		if err := u.UnmarshalJSON([]byte(manifest)); err != nil {
			t.Fatal(err)
		}
		apps.objects = append(apps.objects, object.Object{Unstructured: u})
	}
	h := New(config(t, apps))
	w := answerTo(h, "GET", "/api/v1/apps/team-a/shop/render", "")
	body := w.Body.String()
	if w.Code != http.StatusOK || strings.Contains(body, canary) {
		t.Fatalf("got %d %s", w.Code, body)
	}
	for _, want := range []string{`"key":"shown"`, `"one":"<hidden>"`, `"two":"<hidden>"`} {
		if !strings.Contains(body, want) {
			t.Errorf("it lacks %s: %s", want, body)
		}
	}
	if strings.Contains(body, "stringData") {
		t.Errorf("stringData would overwrite the live values, if someone applied it: %s", body)
	}
	if kept, _, _ := unstructured.NestedString(apps.objects[1].Unstructured.Object, "data", "one"); kept != canary {
		t.Error("hiding changed the object itself")
	}
	apps.renderErr = errors.New("apps/shop/web.yaml:3: no kind")
	mustRefuse(t, answerTo(h, "GET", "/api/v1/apps/team-a/shop/render", ""), http.StatusUnprocessableEntity, "apps/shop/web.yaml:3: no kind")
}

func TestReadiness(t *testing.T) {
	t.Parallel()
	c := config(t, someApps())
	checks := []Check{{Name: "root"}, {Name: "cluster", Err: errors.New("dial 10.0.0.1: refused")}}
	c.Ready = func(context.Context) []Check { return checks }
	h := New(c)
	anonymous := func(r *http.Request) { r.Header.Del("Authorization") }
	w := answerTo(h, "GET", "/readyz", "", anonymous)
	if want := `{"ready":false,"checks":[{"name":"root","ok":true},{"name":"cluster","ok":false}]}` + "\n"; w.Code != 503 || w.Body.String() != want {
		t.Errorf("got %d %s; want 503 %s", w.Code, w.Body, want)
	}
	if w := answerTo(h, "GET", "/readyz", ""); !strings.Contains(w.Body.String(), `"reason":"dial 10.0.0.1: refused"`) {
		t.Errorf("who has the token isn't told why: %s", w.Body)
	}
	checks = nil
	if w := answerTo(h, "HEAD", "/readyz", "", anonymous); w.Code != 200 {
		t.Errorf("all is well, and it answers %d", w.Code)
	}
	if w := answerTo(h, "GET", "/healthz", "", anonymous); w.Code != 200 || w.Body.String() != `{"status":"ok"}`+"\n" {
		t.Errorf("health: %d %s", w.Code, w.Body)
	}
}

func TestPanicIsOneAnswer(t *testing.T) {
	t.Parallel()
	c := config(t, someApps())
	c.Metrics = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("oh") })
	mustRefuse(t, answerTo(New(c), "GET", "/metrics", ""), http.StatusInternalServerError, "log")
}

func TestServeEndsCleanly(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	entered, leave := make(chan struct{}), make(chan struct{})
	slow := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-leave
		io.WriteString(w, "whole")
	})
	listener := listen(t)
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, listener, slow, discard()) }()
	got := make(chan string, 1)
	go func() {
		response, err := web.Get("http://" + listener.Addr().String())
		if err != nil {
			got <- err.Error()
			return
		}
		defer response.Body.Close()
		b, _ := io.ReadAll(response.Body)
		got <- string(b)
	}()
	<-entered
	cancel()
	close(leave)
	if err := <-served; err != nil {
		t.Errorf("serve: %v", err)
	}
	if body := <-got; body != "whole" {
		t.Errorf("the request under way got %q", body)
	}
}
