package e2e

import (
	"encoding/base64"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"plumb.dev/plumb/internal/controlplane/controlplanetest"
	"plumb.dev/plumb/internal/status"
)

// What an App takes from a Secret of its cluster reaches the objects and nothing else: no answer, no log, no file of the daemon's (S20). Another value of it is delivered without a commit to the App's own files.
func TestSubstitutedSecrets(t *testing.T) {
	t.Parallel()
	const before, after = "canary-before-5a1e", "canary-after-77c0"
	keys := func(token string) string {
		return "apiVersion: v1\nkind: Secret\nmetadata: {name: keys}\nstringData: {TOKEN: " + token + "}\n"
	}
	f := newFleet(t, controlplanetest.Shared(t))
	f.commit(map[string]string{
		"apps/keys.yaml": f.app("keys"), "keys/secret.yaml": keys(before),
		"apps/one.yaml": f.app("one", "render: {substitute: {from: [{kind: Secret, name: keys}]}}"),
		"one/a.yaml":    configMap("a", "url", "https://user:${TOKEN}@example.com/", "other", "plain"),
		"apps/two.yaml": f.app("two", "render: {substitute: {from: [{kind: Secret, name: keys}]}}"),
		"two/a.yaml":    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${TOKEN}/is-no-name\n",
	})
	f.start()
	f.awaitData("a", map[string]string{"url": "https://user:" + before + "@example.com/", "other": "plain"})
	f.awaitStatus("two", "refused", func(s status.App) bool { return strings.Contains(s.Message, "can't be used") })
	f.commit(map[string]string{"keys/secret.yaml": keys(after)})
	f.awaitData("a", map[string]string{"url": "https://user:" + after + "@example.com/", "other": "plain"})
	f.change(hand{who: "hand", app: "one", object: f.key("ConfigMap", "a"), patch: merge(`{"data":{"url":"tampered"}}`)})
	f.awaitData("a", map[string]string{"url": "https://user:" + after + "@example.com/"})

	one := f.namespace + "/one"
	said := map[string]string{}
	for _, args := range [][]string{
		{"get", "app", one, "-o", "json"}, {"render", one}, {"diff", one, "-o", "json"}, {"history", one, "-o", "json"}, {"tree", one, "-o", "json"},
		{"blame", "ConfigMap/" + f.namespace + "/a"}, {"get", "apps", "-o", "json"},
	} {
		a := f.daemon.command(args...)
		said["plumb "+strings.Join(args, " ")] = a.out + a.err
	}
	if text := said["plumb render "+one]; !strings.Contains(text, "other: plain") {
		t.Errorf("render shows %s", text)
	}
	err := filepath.WalkDir(f.data, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.Contains(path, "/git/") { // the Secret is in Git
			return err
		}
		content, err := os.ReadFile(path)
		said[path] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range said {
		for _, canary := range []string{before, after} {
			if strings.Contains(text, canary) || strings.Contains(text, base64.StdEncoding.EncodeToString([]byte(canary))) {
				t.Errorf("%s tells %s", what, canary)
			}
		}
	}
}
