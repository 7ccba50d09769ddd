package kube

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"k8s.io/client-go/rest"

	"plumb.dev/plumb/internal/hooks"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/target"
)

// podsAnswer is an API server that has two pods of one Job, and what they printed.
func podsAnswer(w http.ResponseWriter, r *http.Request) {
	pod := func(name, created string) string {
		return fmt.Sprintf(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":%q,"namespace":"shop","creationTimestamp":%q},
			"spec":{"initContainers":[{"name":"wait"}],"containers":[{"name":"main"},{"name":"side"}]}}`, name, created)
	}
	const logs = "/api/v1/namespaces/shop/pods/newer/log"
	switch q := r.URL.Query(); {
	case r.URL.Path == "/api/v1/namespaces/shop/pods" && q.Get("labelSelector") == "batch.kubernetes.io/controller-uid=u1":
		fmt.Fprintf(w, `{"apiVersion":"v1","kind":"PodList","items":[%s,%s]}`, pod("newer", "2026-01-02T00:00:00Z"), pod("older", "2026-01-01T00:00:00Z"))
	case r.URL.Path == "/api/v1/namespaces/shop/pods":
		fmt.Fprint(w, `{"apiVersion":"v1","kind":"PodList","items":[]}`)
	case r.URL.Path == "/api/v1/namespaces/shop/pods/newer":
		fmt.Fprint(w, pod("newer", "2026-01-02T00:00:00Z"))
	case r.URL.Path == logs && q.Get("container") == "main" && q.Get("tailLines") != "":
		fmt.Fprint(w, strings.Repeat("a line that is long enough\n", 1000)+"the last line\n")
	case r.URL.Path == logs && q.Get("container") == "wait":
		w.WriteHeader(http.StatusNoContent)
	default:
		http.Error(w, `{"kind":"Status","status":"Failure","message":"no","reason":"NotFound","code":404}`, http.StatusNotFound)
	}
}

func TestLogIsTheEndOfWhatWasPrinted(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		podsAnswer(w, r)
	}))
	t.Cleanup(server.Close)
	c, err := New(&rest.Config{Host: server.URL}, Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	const most = 200
	for _, live := range []plan.Live{
		{Key: object.Key{Group: "batch", Kind: "Job", Namespace: "shop", Name: "migrate"}, UID: "u1"},
		{Key: object.Key{Kind: "Pod", Namespace: "shop", Name: "newer"}},
	} {
		printed, err := c.Log(t.Context(), target.Actor{}, live)
		text := hooks.Log(printed, most)
		if err != nil || !strings.Contains(text, "[main]\n…\na line that is long enough\n") || !strings.Contains(text, "the last line\n[side]\n") || len(text) > most+len("[main]\n…\n[side]\n") {
			t.Errorf("%s printed %q (%v)", live.Key, text, err)
		}
		if !strings.HasSuffix(text, "[side]\n(what it printed can't be read: no)\n") {
			t.Errorf("of what can't be read it says %q", text)
		}
	}
	for _, live := range []plan.Live{
		{Key: object.Key{Group: "batch", Kind: "Job", Namespace: "shop", Name: "none"}, UID: "u2"},
		{Key: object.Key{Kind: "ConfigMap", Namespace: "shop", Name: "a"}},
	} {
		if printed, err := c.Log(t.Context(), target.Actor{}, live); err != nil || len(printed) > 0 {
			t.Errorf("%s printed %q (%v)", live.Key, printed, err)
		}
	}
	if _, err := c.Log(t.Context(), target.Actor{}, plan.Live{Key: object.Key{Kind: "Pod", Namespace: "shop", Name: "gone"}}); err == nil {
		t.Error("a pod that isn't there has no log, and nobody is told")
	}
}

func TestMakeSaysWhatWasThere(t *testing.T) {
	t.Parallel()
	s := newBench(t)
	d := plan.Desired{
		Key: object.Key{Kind: "ConfigMap", Namespace: s.namespace, Name: "once"}, APIVersion: "v1",
		Body: fmt.Appendf(nil, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"once","namespace":%q,"labels":{%q:"a.b"},"annotations":{"plumb.dev/hook-run":"t.pre-sync"}}}`, s.namespace, object.LabelApp),
	}
	as := target.Actor{Namespace: s.namespace}
	first := s.Make(t.Context(), as, d)
	if first.Err != nil || first.Live.UID == "" || first.Live.Run == nil || !first.Live.Run.Ended || first.Live.Own {
		t.Fatalf("it was made as %+v (%v)", first.Live, first.Err)
	}
	second := s.Make(t.Context(), as, d)
	if !errors.Is(second.Err, target.ErrThere) || second.Live.UID != first.Live.UID {
		t.Errorf("the second is %+v (%v)", second.Live, second.Err)
	}
	if live, ok := s.Live(d.Key); !ok || live.UID != first.Live.UID {
		t.Errorf("the view has %+v", live)
	}
	for range 2 {
		if err := s.Remove(t.Context(), as, first.Live); err != nil {
			t.Error(err)
		}
	}
	again := s.Make(t.Context(), as, d)
	if again.Err != nil || again.Live.UID == first.Live.UID {
		t.Fatalf("it was made again as %+v (%v)", again.Live, again.Err)
	}
	if err := s.Remove(t.Context(), as, first.Live); err != nil {
		t.Error(err)
	}
	if still := s.Make(t.Context(), as, d); !errors.Is(still.Err, target.ErrThere) {
		t.Errorf("an object was deleted in the place of one before it: %v", still.Err)
	}
	nowhere := d
	nowhere.Key.Namespace = s.namespace + "-later"
	nowhere.Body = fmt.Appendf(nil, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"once","namespace":%q}}`, nowhere.Key.Namespace)
	if o := s.Make(t.Context(), as, nowhere); o.Err == nil || !strings.Contains(o.Err.Error(), "target.createNamespace") {
		t.Errorf("in a namespace that isn't there it says %v", o.Err)
	}
	d.Body = []byte(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"odd"},"colour":"red"}`)
	d.Key.Name = "odd"
	if odd := s.Make(t.Context(), as, d); odd.Err == nil || !strings.Contains(odd.Err.Error(), "colour") {
		t.Errorf("a field that there isn't is refused with %v", odd.Err)
	}
}
