package hostile_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"plumb.dev/plumb/internal/registry/registrytest"
)

// chart is where an App's chart is.
func chart(url, more string) string {
	return fmt.Sprintf("source: {every: 1s, chart: {repository: %q, name: shop%s}}", url, more)
}

// TestS20NoCanaryOfChartsLeaves plants secrets in the credentials of charts, and
// in what repositories of charts answer with, and looks for them in all that
// Plumb tells and keeps. Beside that it holds that a chart which can't be had,
// for whatever reason, is told of and disturbs nobody.
func TestS20NoCanaryOfChartsLeaves(t *testing.T) {
	t.Parallel()
	c := canaries{
		"password of a registry": "Canary-Registry-91", "token of a repository": "Canary-Charts-92", "wrong password": "Canary-Wrong-93",
		"query of a redirect": "Canary-Query-94", "password of an entry elsewhere": "Canary-Elsewhere-95",
	}
	server, charts, echo, away, realm := registrytest.NewRegistry(t), registrytest.NewCharts(t), registrytest.NewCharts(t), registrytest.NewCharts(t), registrytest.NewRegistry(t)
	files := map[string]string{"templates/map.yaml": paint("shop", "red"), "values.yaml": ""}
	named := func(name string) map[string]string {
		return map[string]string{"templates/map.yaml": paint(name, "red")}
	}
	server.Push("charts", "shop", "1.0.0", named("charted"))
	charts.Push(t, "shop", "1.0.0", named("indexed"))
	away.Push(t, "shop", "1.0.0", files)
	realm.Push("charts", "shop", "1.0.0", files)
	server.Wrap(registrytest.BasicAuth("ada", c["password of a registry"]))
	charts.Wrap(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if req.Header.Get("Authorization") != "Bearer "+c["token of a repository"] {
				http.Error(w, "who are you?", http.StatusUnauthorized)
				return
			}
			next.ServeHTTP(w, req)
		})
	})
	echo.Wrap(func(http.Handler) http.Handler { return http.HandlerFunc(echoCredentials) })
	away.Wrap(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if strings.HasSuffix(req.URL.Path, ".tgz") {
				http.Redirect(w, req, "http://127.0.0.1:1/store?signature="+c["query of a redirect"], http.StatusFound)
				return
			}
			next.ServeHTTP(w, req)
		})
	})
	realm.Wrap(registrytest.TokenAuth("http://localhost:1/token?of=" + c["query of a redirect"]))
	folder := t.TempDir()
	credentials := secretFile(t, filepath.Join(folder, "credentials.yaml"), fmt.Sprintf(
		"- {url: \"oci://%s\", username: ada, password: %s}\n- {url: %q, bearerToken: %s}\n- {url: %q, username: ada, password: %s}\n- {url: \"oci://%s\", username: ada, password: %s}\n",
		server.Host(), c["password of a registry"], charts.URL, c["token of a repository"], echo.URL, c["wrong password"], realm.Host(), c["password of an entry elsewhere"]))
	s := newStand(t, how{data: filepath.Join(folder, "data"), args: []string{"--git-credentials", credentials}}, func(s *stand) map[string]string {
		return map[string]string{
			"apps/good.yaml": s.declare("good"), "good/map.yaml": paint("good", "red"),
			"apps/charted.yaml": s.declare("charted", chart(server.Folder("charts"), ", version: 1.x")),
			"apps/indexed.yaml": s.declare("indexed", chart(charts.URL, ", version: 1.x")),
			"apps/echoed.yaml":  s.declare("echoed", chart(echo.URL, "")),
			"apps/sent.yaml":    s.declare("sent", chart(away.URL, "")),
			"apps/realm.yaml":   s.declare("realm", chart(realm.Folder("charts"), "")),
			"apps/linked.yaml":  s.declare("linked", chart("https://169.254.169.254/latest", "")),
			"apps/none.yaml":    s.declare("none", chart(charts.URL, ", version: 9.x")),
		}
	})
	for _, name := range []string{"good", "charted", "indexed"} {
		s.synced(t, name, "")
	}
	for name, says := range map[string]string{
		"echoed": "credentials", "sent": "there is no connection", "realm": "passCredentials", "linked": "that address is never asked", "none": "none of 1 is 9.x",
	} {
		s.complains(t, name, says)
	}
	for _, id := range s.ids(t) {
		if _, err := s.Sync(t.Context(), id, "ana"); err != nil {
			t.Error(err)
		}
	}
	all := told{"the log": s.log.text()}
	s.crawlAPI(t, all)
	s.crawlCommands(t, all, "charted", "echoed", "sent", "realm")
	s.crawlData(t, all)
	for place, text := range all {
		if leaked := c.leaks(text); len(leaked) > 0 {
			t.Errorf("%s tells: %s\n%s", place, strings.Join(leaked, ", "), around(text, c, leaked[0]))
		}
	}
	if len(all) < 100 {
		t.Errorf("only %d places were looked at", len(all))
	}
}
