package hostile_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// gatedFiles are those of an App whose plans wait: a Secret, fields that are
// marked as sensitive in both ways, and a URL with a password.
func gatedFiles(s *stand, c canaries, turn string) map[string]string {
	return map[string]string{
		"apps/gated.yaml": s.declare("gated", "sync: {mode: approve}", "sensitive: [{kind: ConfigMap, fields: [/data/marked]}]"),
		"gated/secret.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: gated}\nstringData: {password: " + c["Secret's stringData in Git"] + turn +
			", key" + turn + ": " + c["generator's literal in Git"] + "}\n",
		"gated/map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: gated, annotations: {plumb.dev/sensitive: /data/pin}}\ndata:\n" +
			"  pin: " + c["marked by an annotation"] + turn + "\n  marked: " + c["marked by the App"] + turn + "\n" +
			"  url: https://ada:" + c["password in a URL"] + "@example.com/" + turn + "\n  turn: turn" + turn + "\n",
	}
}

// operate does with Secrets what operators do: plans wait, are approved and
// refused, Apps are paused, blamed, compared, rolled back and kept.
func (s *stand) operate(t *testing.T, c canaries) {
	t.Helper()
	plan := func() (hash string) {
		until(t, "a plan of gated", func() string {
			d, _ := s.app("gated")
			if d.Plan == nil || d.Plan.Hash == hash {
				return fmt.Sprintf("%+v", d.App)
			}
			hash = d.Plan.Hash
			return ""
		})
		return hash
	}
	if got := s.says("approve", s.id("gated"), plan()); got.code != 0 {
		t.Fatalf("the plan can't be approved: %s", got.err)
	}
	s.synced(t, "gated", "")
	byHand := fmt.Appendf(nil, `{"stringData":{"password":%q}}`, c["hand edit of a Secret"])
	if _, err := s.secrets().Patch(t.Context(), "gated", types.MergePatchType, byHand, metav1.PatchOptions{FieldManager: "kubectl-edit"}); err != nil {
		t.Fatal(err)
	}
	s.synced(t, "gated", "")
	s.commit(gatedFiles(s, c, "2"))
	s.root.Branch("next")
	s.mu.Lock()
	s.root.CommitTo("next", gatedFiles(s, c, "3"))
	s.mu.Unlock()
	plan()
	if got := s.says("pause", s.id("watched"), "--for", "1h", "--reason", "the canaries' tour"); got.code != 0 {
		t.Errorf("it can't be paused: %s", got.err)
	}
}

// crawlQueries asks for what the API tells only of what is named.
func (s *stand) crawlQueries(t *testing.T, all told) {
	t.Helper()
	head := s.root.Head()
	gated, edited, watched := url.QueryEscape(s.id("gated")), url.QueryEscape(s.id("edited")), url.QueryEscape(s.id("watched"))
	for _, path := range []string{
		"/api/v1/apps/" + s.id("gated") + "/plan", "/api/v1/apps/" + s.id("gated") + "/plan?rev=next&undeclared=true",
		"/api/v1/apps/" + s.id("watched") + "/plan?undeclared=true", "/api/v1/plans?rev=next",
		"/api/v1/blame?kind=Secret&name=gated&namespace=" + s.namespace, "/api/v1/blame?kind=Secret&name=watched&namespace=" + s.namespace,
		"/api/v1/blame?kind=ConfigMap&name=gated&namespace=" + s.namespace,
		"/api/v1/compare?a=" + gated + "&b=" + edited, "/api/v1/compare?a=" + edited + "&b=" + watched,
		"/api/v1/releases?limit=500", "/api/v1/events?limit=1000", "/api/v1/wait?commit=" + head + "&timeout=0",
	} {
		response := s.ask(t, http.MethodGet, path, s.token)
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if response.StatusCode != http.StatusOK {
			t.Errorf("GET %s is answered with %s: %s", path, response.Status, body)
		}
		all["GET "+path] = string(body)
	}
}

// streamed reads what a stream tells at once: within a second of its beginning.
func (s *stand) streamed(t *testing.T, path string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.address+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+s.token)
	response, err := web.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	defer time.AfterFunc(time.Second, cancel).Stop()
	body, _ := io.ReadAll(response.Body) // until the time is over
	return string(body)
}

// crawlVerbs runs the commands that ask about more than one App, or act.
func (s *stand) crawlVerbs(t *testing.T, all told) {
	t.Helper()
	gated, watched := s.id("gated"), s.id("watched")
	for _, line := range []string{
		"diff " + gated, "diff " + gated + " -o json", "diff " + gated + " -o markdown", "diff " + gated + " --rev next", "diff --all --rev next",
		"diff --all --rev next -o json", "diff --all --rev next -o markdown", "diff " + watched + " --undeclared",
		"compare " + gated + " " + s.id("edited"), "compare " + gated + " " + s.id("edited") + " -o json",
		"approve " + gated + " 000000000000", "get pauses", "get pauses -o json",
		"blame Secret/gated -n " + s.namespace, "blame Secret/gated -o json -n " + s.namespace, "blame ConfigMap/gated -n " + s.namespace,
		"blame Secret/watched -n " + s.namespace,
		"wait " + gated + " --commit " + s.root.Head() + " --timeout 1s", "events", "events " + gated + " -o json", "logs " + gated,
		"history --export", "history " + gated + " --object Secret/gated -o json",
		"rollback " + gated + " --why canaries --yes", "resume " + watched + " --keep --branch kept",
		"diff " + watched + " -o json", "resume " + watched,
	} {
		got := s.says(strings.Fields(line)...)
		all["plumb "+line] = got.out + got.err
	}
}
