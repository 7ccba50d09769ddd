package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"plumb.dev/plumb/internal/controlplane/controlplanetest"
	"plumb.dev/plumb/internal/git/gittest"
	"plumb.dev/plumb/internal/status"
)

// bases is a repository that others take bases from.
func bases(t *testing.T, color string) (*gittest.Repo, map[string]string) {
	t.Helper()
	files := map[string]string{
		"web/kustomization.yaml":    "resources: [a.yaml, ../common]\n",
		"web/a.yaml":                configMap("a", "color", color, "region", "${REGION}", "script", "echo ${HOME}"),
		"common/kustomization.yaml": "configMapGenerator: [{name: c, literals: [from=common], options: {disableNameSuffixHash: true}}]\n",
		"out/kustomization.yaml":    "configMapGenerator: [{name: stolen, files: [../../one/own.yaml]}]\n",
	}
	return gittest.NewRepo(t), files
}

// An App takes a base from another repository that the daemon allows, by a tag that is followed, puts its own on top of it, and values of its cluster into it.
func TestRemoteBases(t *testing.T) {
	t.Parallel()
	f := newFleet(t, controlplanetest.Shared(t))
	f.serveHTTP()
	repo, files := bases(t, "red")
	repo.Commit(files)
	repo.Tag("v1")
	server := repo.ServeHTTP()
	url := server.Repo(repo)
	f.more = []string{"--remote-bases", server.URL + "/"}
	f.commit(map[string]string{
		"apps/one.yaml":          f.appFrom("one", "path: one, every: 1s", "render: {kustomize: {namePrefix: eu-, patches: [{patch: '- {op: add, path: /data/more, value: patched}', target: {name: a}}]}, substitute: {from: [{kind: ConfigMap, name: cluster}]}}"),
		"one/kustomization.yaml": fmt.Sprintf("resources: ['%s//web?ref=v1', own.yaml]\n", url), "one/own.yaml": configMap("own", "k", "1"),
		"apps/two.yaml":          f.appFrom("two", fmt.Sprintf("path: two, every: 1s, with: [{name: shared, git: {url: '%s', tag: v1}}]", url)),
		"two/kustomization.yaml": "resources: ['@shared/common']\nnameSuffix: -two\n",
		"apps/cluster.yaml":      f.app("cluster"), "cluster/cm.yaml": configMap("cluster", "REGION", "eu-1"),
	})
	f.start()
	f.awaitData("eu-a", map[string]string{"color": "red", "region": "eu-1", "script": "echo ${HOME}", "more": "patched"})
	f.awaitData("eu-c", map[string]string{"from": "common"})
	f.awaitData("eu-own", map[string]string{"k": "1"})
	f.awaitData("c-two", map[string]string{"from": "common"})

	files["web/a.yaml"] = configMap("a", "color", "blue", "region", "${REGION}")
	moved := repo.Commit(files)
	repo.UpdateRefs("update refs/tags/v1 " + moved + "\n")
	f.daemon.hook(url)
	f.awaitData("eu-a", map[string]string{"color": "blue"})
	f.commit(map[string]string{"cluster/cm.yaml": configMap("cluster", "REGION", "us-2")})
	f.awaitData("eu-a", map[string]string{"color": "blue", "region": "us-2"})

	one := f.namespace + "/one"
	for command, want := range map[string]string{
		"render " + one: "color: blue", "diff " + one: "", "blame ConfigMap/" + f.namespace + "/eu-a": url + "//web/a.yaml?ref=v1:1",
		"blame ConfigMap/" + f.namespace + "/eu-own": "one/own.yaml:5",
	} {
		if a := f.daemon.command(strings.Fields(command)...); a.code != 0 || !strings.Contains(a.out, want) {
			t.Errorf("plumb %s ended with %d: %s%s", command, a.code, a.out, a.err)
		}
	}

	server.Wrap(func(http.Handler) http.Handler { return gittest.Answer(503)(nil) })
	f.commit(map[string]string{"one/own.yaml": configMap("own", "k", "2")}) // what is there goes on, though the base is away
	f.awaitData("eu-own", map[string]string{"k": "2"})
	f.awaitData("eu-a", map[string]string{"color": "blue", "region": "us-2"})
}

// What isn't allowed, isn't pinned, isn't there or leads out of its repository is refused, with the line that says it; nothing is asked of a server that isn't allowed.
func TestRemoteBasesRefused(t *testing.T) {
	t.Parallel()
	f := newFleet(t, controlplanetest.Shared(t))
	repo, files := bases(t, "red")
	repo.Commit(files)
	repo.Tag("v1")
	server, other := repo.ServeHTTP(), repo.ServeHTTP()
	f.more = []string{"--remote-bases", server.URL + "/"}
	url := server.Repo(repo)
	apps := map[string]struct{ entry, want string }{
		"other":  {other.Repo(repo) + "//web?ref=v1", "other/kustomization.yaml:1: resources: " + other.Repo(repo) + "//web?ref=v1 is remote, and of no repository that this daemon allows for bases"},
		"branch": {url + "//web?ref=main", "branch/kustomization.yaml:1: resources: " + url + "//web?ref=main is remote, and follows the branch main"},
		"hidden": {url + "//web?ref=some-branch", "some-branch"},
		"away":   {url + "//web?ref=v2", "v2"},
		"out":    {url + "//out?ref=v1", url + "//out/kustomization.yaml:1: configMapGenerator: ../../one/own.yaml leads out of the repository"},
		"local":  {"file://" + repo.Dir + "//web?ref=v1", "is a repository on this machine, which no render reads"},
	}
	commit := map[string]string{}
	for name, app := range apps {
		commit["apps/"+name+".yaml"] = f.app(name)
		commit[name+"/kustomization.yaml"] = fmt.Sprintf("resources: ['%s']\n", app.entry)
	}
	repo.Branch("some-branch")
	f.commit(commit)
	f.start()
	for name, app := range apps {
		f.awaitStatus(name, "told that "+app.want, func(s status.App) bool { return strings.Contains(s.Message+s.Source.Error, app.want) })
	}
	if seen := other.Seen(); len(seen) > 0 {
		t.Errorf("a server that isn't allowed was asked: %v", seen[0].URL)
	}
}
