package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/controlplane/controlplanetest"
	"plumb.dev/plumb/internal/registry/registrytest"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/status"
)

// shop is a chart of one ConfigMap, which tells its version and a value.
func shop(more string) map[string]string {
	return map[string]string{
		"values.yaml":       "color: none\n",
		"templates/cm.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\ndata: {version: {{ .Chart.Version | quote }}, color: {{ .Values.color | quote }}, more: " + more + "}\n",
	}
}

// awaitData waits until a ConfigMap holds what it has to.
func (f *fleet) awaitData(name string, want map[string]string) {
	f.t.Helper()
	until(f.t, func() string {
		live := f.cluster.at(f.t, f.key("ConfigMap", name))
		if live == nil {
			return "ConfigMap/" + name + " is not there"
		}
		data, _ := live.Object["data"].(map[string]any)
		for key, value := range want {
			if data[key] != value {
				return fmt.Sprintf("ConfigMap/%s has %s: %v, not %s", name, key, data[key], value)
			}
		}
		return ""
	})
}

// An App whose chart is in a registry or a repository follows its range, and its values in Git; a chart that isn't to be had takes nothing away.
func TestChartsFromElsewhere(t *testing.T) {
	t.Parallel()
	f := newFleet(t, controlplanetest.Shared(t))
	f.serveHTTP()
	server, charts := registrytest.NewRegistry(t), registrytest.NewCharts(t)
	server.Push("charts", "shop", "6.5.3", shop("a"))
	charts.Push(t, "shop", "1.0.0", shop("a"))
	server.Wrap(registrytest.BasicAuth("ana", "secret"))
	file := filepath.Join(t.TempDir(), "credentials.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, "- url: oci://%s\n  username: ana\n  password: secret\n", server.Host()), 0o600); err != nil {
		t.Fatal(err)
	}
	f.more = []string{"--git-credentials", file}
	oci := fmt.Sprintf("chart: {repository: %s, name: shop, version: 6.x}, path: values, every: 1h", server.Folder("charts"))
	f.commit(map[string]string{
		"apps/one.yaml":           f.appFrom("one", oci, "render: {helm: {valueFiles: [one.yaml]}}"),
		"values/one.yaml":         "color: red\n",
		"apps/two.yaml":           f.appFrom("two", fmt.Sprintf("chart: {repository: %s, name: shop}, every: 1s", charts.URL)),
		"apps/three.yaml":         f.appFrom("three", fmt.Sprintf("path: local, with: [{name: shop, chart: {repository: %s, name: shop}}], every: 1s", charts.URL), "render: {helm: {valueFiles: ['@shop/values.yaml']}}"),
		"local/Chart.yaml":        "apiVersion: v2\nname: local\nversion: 0.1.0\n",
		"local/templates/cm.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: three}\ndata: {color: {{ .Values.color | quote }}}\n",
	})
	f.start()
	f.awaitData("one", map[string]string{"version": "6.5.3", "color": "red"})
	f.awaitData("two", map[string]string{"version": "1.0.0", "color": "none"})
	f.awaitData("three", map[string]string{"color": "none"})
	f.tellsOfCharts(
		"one declaration c1 by Ada Author: create ConfigMap/one = Succeeded, shop 6.5.3", "three declaration c1 by Ada Author: create ConfigMap/three = Succeeded, shop 1.0.0",
		"two declaration c1 by Ada Author: create ConfigMap/two = Succeeded, shop 1.0.0",
	)

	f.commit(map[string]string{"values/one.yaml": "color: blue\n"})
	f.awaitData("one", map[string]string{"version": "6.5.3", "color": "blue"})

	server.Wrap(nil)
	server.Push("charts", "shop", "6.5.4", shop("b"))
	server.Push("charts", "shop", "7.0.0", shop("b"))
	server.Wrap(registrytest.BasicAuth("ana", "secret"))
	began := time.Now()
	f.daemon.hook(server.Folder("charts"))
	f.awaitData("one", map[string]string{"version": "6.5.4", "color": "blue", "more": "b"})
	t.Logf("from a webhook about a new version to what is live: %v", time.Since(began))

	began = time.Now()
	charts.Push(t, "shop", "1.1.0", shop("c"))
	f.awaitData("two", map[string]string{"version": "1.1.0", "more": "c"})
	t.Logf("from a new version, polled every second, to what is live: %v", time.Since(began))
	f.tellsOfCharts(
		"one commit c2 by Ada Author: update ConfigMap/one = Succeeded, shop 6.5.3",
		fmt.Sprintf("one source c2 by the chart shop of %s: update ConfigMap/one = Succeeded, shop 6.5.4", server.Folder("charts")),
		fmt.Sprintf("two source c2 by the chart shop of %s: update ConfigMap/two = Succeeded, shop 1.1.0", charts.URL),
	)

	server.Wrap(registrytest.Answer(503))
	f.daemon.hook(server.Folder("charts"))
	s := f.awaitStatus("one", "told of the outage", func(s status.App) bool { return strings.Contains(s.Message+s.Source.Error, "the server failed") })
	if !strings.Contains(s.Source.Error, server.Folder("charts")) {
		t.Errorf("the App doesn't say what is away: %q", s.Source.Error)
	}
	f.change(hand{who: "hand", app: "one", object: f.key("ConfigMap", "one"), patch: merge(`{"data":{"color":"tampered"}}`)})
	f.awaitData("one", map[string]string{"version": "6.5.4", "color": "blue", "more": "b"})

	f.restart() // while the registry is away
	f.change(hand{who: "hand", app: "one", object: f.key("ConfigMap", "one"), patch: merge(`{"data":{"color":"tampered again"}}`)})
	f.awaitData("one", map[string]string{"version": "6.5.4", "color": "blue", "more": "b"})
}

// tellsOfCharts checks which releases there were since it was asked last, in any order, and which chart each was of.
func (f *fleet) tellsOfCharts(want ...string) {
	f.t.Helper()
	var got []string
	until(f.t, func() string {
		for _, r := range f.releases(f.told) {
			if r.Outcome == release.Running {
				return fmt.Sprintf("release %d is under way", r.ID)
			}
		}
		for _, r := range f.news() {
			got = append(got, f.line(r)+", "+r.Revision.With)
		}
		if len(got) < len(want) {
			return fmt.Sprintf("the history tells of %d releases, not %d", len(got), len(want))
		}
		return ""
	})
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		f.t.Errorf("the history tells (-want +got)\n%s", diff)
	}
}
