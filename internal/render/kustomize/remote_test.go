package kustomize

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/tree"
	"plumb.dev/plumb/internal/tree/treetest"
)

const someCommit = "0123456789abcdef0123456789abcdef01234567"

func TestParseBase(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"https://github.com/org/repo//a/b?ref=v1":                             "https://github.com/org/repo a/b v1",
		"https://github.com/org/repo/a/b?ref=v1.0.0":                          "https://github.com/org/repo a/b v1.0.0",
		"https://github.com/org/repo.git/a?ref=v1":                            "https://github.com/org/repo.git a v1",
		"https://github.com/org/repo?ref=" + someCommit:                       "https://github.com/org/repo  " + someCommit,
		"https://github.com/org/repo?version=v1":                              "https://github.com/org/repo  v1",
		"github.com/org/repo/a?ref=v1":                                        "https://github.com/org/repo a v1",
		"github.com:org/repo/a?ref=v1":                                        "https://github.com/org/repo a v1",
		"GitHub.com/org/repo?ref=v1":                                          "https://github.com/org/repo  v1",
		"HTTPS://example.com/org/repo?ref=v1":                                 "https://example.com/org/repo  v1",
		"git::https://example.com/org/repo//a?ref=v1":                         "https://example.com/org/repo a v1",
		"git@github.com:org/repo//a?ref=v1":                                   "git@github.com:org/repo a v1",
		"git@example.com:org/sub/repo.git//a?ref=v1":                          "git@example.com:org/sub/repo.git a v1",
		"ssh://git@example.com:7999/org/repo.git//a?ref=refs/tags/a/v":        "ssh://git@example.com:7999/org/repo.git a a/v",
		"https://example.com/org/repo//a?ref=v1&timeout=90s&submodules=false": "https://example.com/org/repo a v1",
		"https://dev.azure.com/org/project/_git/repo/a/b?ref=v1":              "https://dev.azure.com/org/project/_git/repo a/b v1",
		"https://example.com/org/repo//notCloned?ref=v1":                      "https://example.com/org/repo notCloned v1",
		"http://localhost:8080/org/repo//a?ref=v1":                            "http://localhost:8080/org/repo a v1",

		"https://github.com/org/repo//a":                                "isn't pinned",
		"https://github.com/org/repo//a?timeout=9s":                     "isn't pinned",
		"https://github.com/org/repo//a?ref=":                           "isn't pinned",
		"https://github.com/org/repo//a?ref=main":                       "follows the branch main",
		"https://github.com/org/repo//a?ref=refs/heads/v1":              "follows the branch refs/heads/v1",
		"https://github.com/org/repo//a?ref=-x":                         "no name of a tag",
		"https://github.com/org/repo//a?ref=v1..v2":                     "no name of a tag",
		"https://github.com/org/repo//a?ref=refs/notes/x":               "no name of a tag",
		"https://github.com/org/repo//a?ref=v1%0Ax":                     "characters",
		"https://github.com/org/repo//a?ref=v1\nx":                      "characters",
		"https://github.com/org/repo//a\x00?ref=v1":                     "characters",
		"https://example.com/org/repo//../../etc?ref=v1":                "is not understood",
		"https://example.com/../repo//a?ref=v1":                         "is not understood",
		"https://example.com/org/-repo//a?ref=v1":                       "is not understood",
		"https://-example.com/org/repo//a?ref=v1":                       "is not understood",
		"https://example.com//a?ref=v1":                                 "is not understood",
		"https://raw.githubusercontent.com/org/repo/v1/a?ref=v1":        "is the address of a file",
		"https://github.com/org/repo/releases/download/v1/install.yaml": "is the address of a file",
		"https://github.com/org/repo/blob/v1/deploy/a.yaml":             "is the address of a file",
		"https://gitlab.com/org/repo/-/raw/v1/a.yaml":                   "is the address of a file",
		"https://example.com/install.yml":                               "is the address of a file",
		"https://user:secret-canary@example.com/org/repo//a?ref=v1":     "has credentials in it",
		"https://canary@dev.azure.com/org/project/_git/repo/a?ref=v1":   "has credentials in it",
		"git::https://user:canary@example.com/org/repo?ref=v1":          "has credentials in it",
		"https://github.com@evil.example.com/org/repo?ref=v1":           "has credentials in it",
		"https://github.com/org@evil.example.com/repo?ref=v1":           "is not understood",
		"https://github.com#@evil.example.com/org/repo?ref=v1":          "has credentials in it",
		`https://github.com\@evil.example.com/org/repo?ref=v1`:          "characters",
		"https://github.com:x@evil.example.com/org/repo?ref=v1":         "credentials",
		"file:///srv/repo?ref=v1":                                       "on this machine",
		"FILE:///srv/repo//a?ref=v1":                                    "on this machine",
		"ext::sh -c x":                                                  "characters",
		"ext::sh/x?ref=v1":                                              "is not understood",
		"oci://example.com/a?ref=v1":                                    "is not understood",
		"ssh://-oProxyCommand=x/org/repo?ref=v1":                        "is not understood",
		"git@-oProxyCommand=x:org/repo?ref=v1":                          "is not understood",
		"ssh://git@example.com/-x/repo//a?ref=v1":                       "is not understood",
		"https://example.com/org/repo//@need-0123456789abcdef/a?ref=v1": "leads out",
	} {
		b, err := parseBase(given)
		got := strings.Join([]string{b.git.URL, b.folder, b.git.Tag + b.git.Commit}, " ")
		if err != nil {
			got = err.Error()
		}
		if got != want && (err == nil || !strings.Contains(got, want)) || err != nil && strings.Contains(got, "canary") {
			t.Errorf("%s:\ngot  %s\nwant %s", given, got, want)
		}
	}
}

func TestCanonical(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"https://Example.com:8443/Org/repo//a?ref=v1":  "https://example.com:8443/Org/repo",
		"git@GitHub.com:org/repo.git?ref=v1":           "ssh://github.com/org/repo.git",
		"ssh://git@Example.com:7999/org/repo//a?ref=1": "ssh://example.com:7999/org/repo",
		"http://localhost/a/b?ref=v1":                  "http://localhost/a/b",
	} {
		b, err := parseBase(given)
		if got := b.canonical(); err != nil || got != want {
			t.Errorf("%s: got %s, want %s: %v", given, got, want, err)
		}
	}
}

// S09: whatever is written, what comes out is an address of one of the known
// forms, of the host that was asked about, and a folder inside.
func FuzzParseBase(f *testing.F) {
	for _, seed := range []string{
		"https://github.com/org/repo//a/b?ref=v1", "git@github.com:org/repo//a?ref=v1", "ssh://git@example.com:7999/org/repo.git//a?ref=v1&x=y",
		"git::https://a@b/c/d?ref=v1", "https://a/b/_git/c/d?version=1", "github.com:a/b.git/../c?ref=x", "file:///x?ref=1", "https://a//b//c//d?ref=1",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, given string) {
		library.Lock()
		defer library.Unlock()
		defer mute(func(string) {}, func(string) {})()
		b, err := parseBase(given)
		if err != nil {
			return
		}
		url := b.canonical()
		host, path, has := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(url, "https://"), "http://"), "ssh://"), "/")
		switch {
		case !has || host == "" || path == "" || strings.ContainsAny(host, "@\\?#% ") || strings.HasPrefix(host, "-"),
			strings.ContainsAny(url, "\\?#%@ \n") || strings.Contains(path+"/", "../"):
			t.Fatalf("%q: %s", given, url)
		case !strings.Contains(strings.ToLower(given), host):
			t.Fatalf("%q is not of %s", given, host)
		case strings.HasPrefix(b.git.URL, "-") || strings.Contains(b.git.URL, "::"):
			t.Fatalf("%q: %s", given, b.git.URL)
		case b.folder == ".." || strings.HasPrefix(b.folder, "../") || strings.HasPrefix(b.folder, "/") || strings.Contains(b.folder, "/../"):
			t.Fatalf("%q: the folder %s", given, b.folder)
		case (b.git.Tag == "") == (b.git.Commit == "") || b.git.Branch != "" || strings.HasPrefix(b.git.Tag, "-"):
			t.Fatalf("%q: %+v", given, b.git)
		}
	})
}

// repositories are what is in the world besides the App's own.
type repositories map[v1alpha1.Git]map[string]string

// renderRemote renders as the engine does: what is missing is mounted, as long as
// something is.
func renderRemote(files map[string]string, world repositories, params *v1alpha1.Kustomize) (result render.Result, rounds int, err error) {
	top := treetest.New(files)
	set := render.Set{Renderer{Remote: func(url string) bool { return strings.HasPrefix(url, "https://example.com/") }}}
	for rounds = 1; ; rounds++ {
		result, err = set.Render(context.Background(), render.Work{Files: top, Path: "app", Params: v1alpha1.Render{Kustomize: params}})
		var missing render.Missing
		if !errors.As(err, &missing) || rounds > 20 {
			return result, rounds, err
		}
		mounts := map[string]tree.Tree{}
		for _, need := range missing.Needs {
			content, known := world[*need.Git]
			if !known {
				return result, rounds, fmt.Errorf("there is no %s", need)
			}
			mounts[need.Mount()] = treetest.New(content)
		}
		top = top.Mount(mounts)
	}
}

func world() repositories {
	return repositories{
		{URL: "https://example.com/org/one", Tag: "v1"}: {
			"base/kustomization.yaml": "resources: [../more, b.yaml, 'https://example.com/org/two?ref=" + someCommit + "']\nnamePrefix: one-\nconfigMapGenerator: [{name: config, files: [../more/f.txt]}]\n",
			"base/b.yaml":             "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: base}\n", "more/kustomization.yaml": "resources: [m.yaml]\n", "more/f.txt": "text",
			"more/m.yaml":             "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: more}\n",
			"part/kustomization.yaml": "kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\nnameSuffix: -part\n",
		},
		{URL: "https://example.com/org/two", Commit: someCommit}: {
			"kustomization.yaml": "resources: [t.yaml]\n", "t.yaml": "\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: second}\n",
		},
		{URL: "git@example.com:org/three.git", Tag: "v3"}: {"kustomization.yaml": "resources: [t.yaml]\n"},
		{URL: "https://example.com/org/loop", Tag: "v1"}:  {"kustomization.yaml": "resources: ['https://example.com/org/back?ref=v1']\n"},
		{URL: "https://example.com/org/back", Tag: "v1"}:  {"kustomization.yaml": "resources: ['https://example.com/org/loop?ref=v1']\n"},
		{URL: "https://example.com/org/out", Tag: "v1"}: {
			"kustomization.yaml": "resources: [../app]\n", "file/kustomization.yaml": "configMapGenerator: [{name: a, files: [../../app/secret.txt]}]\n",
			"mount/kustomization.yaml": "resources: ['@shared/base']\n", "link/kustomization.yaml": "configMapGenerator: [{name: a, files: [l]}]\n", "link/l": "-> ../../app/secret.txt",
			"need/kustomization.yaml": "resources: ['../../NEED/base']\n", "plain/file.yaml": configMap,
			"patch/kustomization.yaml": "resources: [a.yaml]\npatches: [{path: ../../app/secret.txt}]\n", "patch/a.yaml": configMap,
		},
	}
}

// A remote base is what it would be if it lay in the repository.
func TestRemoteBases(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"app/kustomization.yaml": "resources: ['https://example.com/org/one//base?ref=v1', own]\nnamespace: shop\n", "app/own/kustomization.yaml": "resources: [o.yaml]\nbases: ['https://example.com/org/two//?ref=" + someCommit + "']\nnameSuffix: -own\n",
		"app/own/o.yaml": "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: mine}\n",
	}
	params := &v1alpha1.Kustomize{Components: []string{"https://example.com/org/one//part?ref=v1"}, Labels: map[string]string{"a": "b"}}
	result, rounds, err := renderRemote(files, world(), params)
	if err != nil {
		t.Fatal(err)
	}
	if rounds != 2 {
		t.Errorf("it took %d rounds, and all bases can be seen after one", rounds)
	}
	local := maps.Clone(files)
	for git, name := range map[v1alpha1.Git]string{{URL: "https://example.com/org/one", Tag: "v1"}: "one", {URL: "https://example.com/org/two", Commit: someCommit}: "two"} {
		for file, content := range world()[git] {
			local["vendor/"+name+"/"+file] = content
		}
	}
	for file, content := range local {
		depth := "../"
		if strings.HasPrefix(file, "app/own/") || strings.HasPrefix(file, "vendor/one/base/") {
			depth = "../../"
		}
		if strings.HasPrefix(file, "vendor/") {
			depth += "../"
		}
		local[file] = strings.NewReplacer("https://example.com/org/one//base?ref=v1", depth+"vendor/one/base",
			"https://example.com/org/two//?ref="+someCommit, depth+"vendor/two", "https://example.com/org/two?ref="+someCommit, depth+"vendor/two").Replace(content)
	}
	local["top/kustomization.yaml"] = "resources: [../app]\ncomponents: [../vendor/one/part]\nlabels: [{pairs: {a: b}}]\n"
	if diff := cmp.Diff(onDiskBuild(t, example{files: local, path: "top"}), printed(t, result.Objects)); diff != "" {
		t.Errorf("(-kustomize build of copies +Plumb)\n%s", diff)
	}
	var got []string
	for _, o := range result.Objects {
		got = append(got, o.Origin.String())
	}
	for _, want := range []string{"https://example.com/org/one//base/b.yaml?ref=v1:1", "https://example.com/org/one//more/m.yaml?ref=v1:1", "app/own/o.yaml:1"} {
		if !slices.Contains(got, want) {
			t.Errorf("no object comes from %s, but from %q", want, got)
		}
	}
	if len(result.Needs) != 2 {
		t.Errorf("it needs %v", result.Needs)
	}
}

func TestRemoteRefused(t *testing.T) {
	t.Parallel()
	mount := render.Need{Git: &v1alpha1.Git{URL: "https://example.com/org/one", Tag: "v1"}}.Mount()
	for name, test := range map[string]struct{ kustomization, want string }{
		"not allowed":        {"resources: ['https://other.example.com/org/one//base?ref=v1']\n", "app/kustomization.yaml:1: resources: https://other.example.com/org/one//base?ref=v1 is remote, and of no repository that this daemon allows"},
		"not allowed by ssh": {"resources: ['git@example.com:org/three.git?ref=v3']\n", "of no repository that this daemon allows"},
		"unpinned":           {"resources: ['https://example.com/org/one//base']\n", "isn't pinned, so it could change at any time; add ?ref= and a tag, or the 40 digits of a commit"},
		"a file":             {"resources: ['https://example.com/org/one/install.yaml']\n", "is remote, and is the address of a file; commit a copy"},
		"S10 credentials":    {"resources: ['https://user:canary@example.com/org/one?ref=v1']\n", "…@example.com/org/one?ref=v1 is remote, and has credentials in it; those are given to the daemon"},
		"no such folder":     {"resources: ['https://example.com/org/one//none?ref=v1']\n", "https://example.com/org/one//none?ref=v1: there is no such folder at v1"},
		"in a patch":         {"patches: [{path: 'https://example.com/org/one//base?ref=v1'}]\n", "is remote, and only what is in the repository is rendered"},
		"in a generator":     {"configMapGenerator: [{name: a, files: ['https://example.com/org/one//base/b.yaml?ref=v1']}]\n", "app/kustomization.yaml:1: configMapGenerator: "},
		"a circle":           {"resources: ['https://example.com/org/loop?ref=v1']\n", "bases name bases more than 5 deep"},
		"S01 out by a path":  {"resources: ['https://example.com/org/out?ref=v1']\n", "resources: ../app leads out of the repository"},
		"S01 out by a file":  {"resources: ['https://example.com/org/out//file?ref=v1']\n", "configMapGenerator: ../../app/secret.txt leads out of the repository"},
		"S01 out by a patch": {"resources: ['https://example.com/org/out//patch?ref=v1']\n", "patches: ../../app/secret.txt leads out of the repository"},
		"S01 out by a link":  {"resources: ['https://example.com/org/out//link?ref=v1']\n", "leads out of the repository"},
		"S02 another source": {"resources: ['https://example.com/org/out//mount?ref=v1']\n", "https://example.com/org/out//mount/kustomization.yaml:1: resources: https://example.com/org/out: mount/@shared/base: not in the repository"},
		"S02 another base":   {"resources: ['https://example.com/org/out//need?ref=v1', 'https://example.com/org/one//base?ref=v1']\n", "leads out of the repository"},
		"a file of a base":   {"resources: ['https://example.com/org/out//plain/file.yaml?ref=v1']\n", "is the address of a file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := world()
			out := w[v1alpha1.Git{URL: "https://example.com/org/out", Tag: "v1"}]
			out["need/kustomization.yaml"] = strings.ReplaceAll(out["need/kustomization.yaml"], "NEED", mount)
			files := map[string]string{"app/kustomization.yaml": test.kustomization, "app/secret.txt": "canary", "app/a.yaml": configMap}
			result, _, err := renderRemote(files, w, nil)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "canary") {
				t.Errorf("got %d objects and the error\n%v\nwant\n%s", len(result.Objects), err, test.want)
			}
		})
	}
}

// All that can be seen of what is needed is said at once.
func TestMissing(t *testing.T) {
	t.Parallel()
	files := treetest.New(map[string]string{
		"app/kustomization.yaml": "resources: [one, two]\n", "app/one/kustomization.yaml": "resources: ['https://example.com/a/b?ref=v1', 'https://example.com/a/c?ref=v1']\n",
		"app/two/kustomization.yaml": "components: ['https://example.com/a/b//x?ref=v1', 'https://example.com/a/b//x?ref=v2']\n",
	})
	_, err := renderNeeding(files, func(string) bool { return true })
	var missing render.Missing
	if !errors.As(err, &missing) {
		t.Fatal(err)
	}
	var got []string
	for _, n := range missing.Needs {
		got = append(got, n.Git.URL+" "+n.Git.Tag)
	}
	if diff := cmp.Diff([]string{"https://example.com/a/b v1", "https://example.com/a/c v1", "https://example.com/a/b v2"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	broken, err := files.With(map[string][]byte{"app/two/kustomization.yaml": []byte("resources: ['https://example.com/a/b']\n")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := renderNeeding(broken, func(string) bool { return true }); errors.As(err, &missing) || !strings.Contains(err.Error(), "app/two/kustomization.yaml:1: resources: https://example.com/a/b is remote, and isn't pinned") {
		t.Errorf("what is wrong is told before anything is fetched: %v", err)
	}
}

// A renderer that runs elsewhere allows all; who holds it to what is allowed is
// told nothing that isn't, and says the same.
func TestBounded(t *testing.T) {
	t.Parallel()
	const kustomization = "resources: ['https://example.com/org/one?ref=v1', 'https://other.example.com/a/b?ref=v1']\n"
	files := treetest.New(map[string]string{"app/kustomization.yaml": kustomization})
	all := Renderer{Remote: func(string) bool { return true }}
	for name, test := range map[string]struct {
		allowed []string
		want    string
	}{
		"none": {nil, "app/kustomization.yaml:1: resources: https://example.com/org/one?ref=v1 is remote, and of no repository that this daemon allows"},
		"one":  {[]string{"https://example.com/org/"}, "app/kustomization.yaml:1: resources: https://other.example.com/a/b?ref=v1 is remote, and of no repository that this daemon allows"},
		"all":  {[]string{"https://example.com/org/one/", "https://other.example.com/"}, "the repository https://example.com/org/one v1, the repository https://other.example.com/a/b v1: not fetched yet"},
	} {
		var needs []string
		request := render.Request{Files: tree.Record(files), Path: "app", Need: func(n render.Need) {
			if !slices.Contains(needs, n.Git.URL) {
				needs = append(needs, n.Git.URL)
			}
		}}
		_, err := Bounded{all, Allowing(test.allowed)}.Render(context.Background(), request)
		if err == nil || !strings.Contains(err.Error(), test.want) || len(needs) != min(len(test.allowed), 2) {
			t.Errorf("%s: needs %q: %v", name, needs, err)
		}
	}
	need := render.Need{Git: &v1alpha1.Git{URL: "https://other.example.com/a/b", Tag: "v1"}}
	mounted := files.Mount(map[string]tree.Tree{need.Mount(): treetest.New(map[string]string{"kustomization.yaml": "namePrefix: a\n"})})
	request := render.Request{Files: tree.Record(mounted), Path: "app", Need: func(render.Need) {}}
	if _, err := (Bounded{all, Allowing([]string{"https://example.com/org/"})}).Render(context.Background(), request); err == nil || !strings.Contains(err.Error(), "https://other.example.com/a/b?ref=v1 is remote, and of no repository") {
		t.Errorf("what is mounted for another reason was read: %v", err)
	}
}

func TestAllowing(t *testing.T) {
	t.Parallel()
	allowed := Allowing([]string{"https://example.com/org/", "ssh://git.example.com/a/b/"})
	for url, want := range map[string]bool{
		"https://example.com/org/one": true, "https://example.com/org": true, "https://example.com/organisation/one": false, "http://example.com/org/one": false,
		"https://example.com.evil.org/org/one": false, "ssh://git.example.com/a/b": true, "ssh://git.example.com/a/bc": false, "": false,
	} {
		if allowed(url) != want {
			t.Errorf("%s: got %t", url, !want)
		}
	}
}

func renderNeeding(files tree.Tree, allowed func(string) bool) ([]object.Object, error) {
	return Renderer{Remote: allowed}.Render(context.Background(), render.Request{Files: tree.Record(files), Path: "app", Need: func(render.Need) {}})
}

// A path that begins with @NAME reads another source of the App's, from wherever
// it is written, and for whatever.
func TestOtherSources(t *testing.T) {
	t.Parallel()
	shared := treetest.New(map[string]string{
		"base/kustomization.yaml": "resources: [b.yaml, ../more]\n", "base/b.yaml": "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: b}\n",
		"more/kustomization.yaml": "configMapGenerator: [{name: c, files: [../f.txt]}]\n", "f.txt": "text", "p.yaml": "kind: ServiceAccount\napiVersion: v1\nmetadata: {name: b, labels: {p: q}}\n",
		"out/kustomization.yaml": "resources: [../../apps/one]\n", "part/kustomization.yaml": "kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\nnamePrefix: x-\n",
	})
	files := treetest.New(map[string]string{
		"apps/one/kustomization.yaml": "resources: ['@shared/base']\npatches: [{path: '@shared/p.yaml'}]\nconfigMapGenerator: [{name: d, files: ['@shared/f.txt', 'k=@shared/f.txt', 'l=@own/f.txt']}]\n",
		"apps/one/@own/f.txt":         "own", "apps/two/kustomization.yaml": "resources: ['@shared/out']\n", "apps/three/kustomization.yaml": "resources: ['@none/base']\n",
	}).Mount(map[string]tree.Tree{"@shared": shared})
	objects, err := renderTree(files, "apps/one", &v1alpha1.Kustomize{Components: []string{"@shared/part"}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range objects {
		got = append(got, o.Key().String()+" "+o.Origin.String())
	}
	want := []string{
		"ServiceAccount/x-b @shared/base/b.yaml:1", "ConfigMap/x-c-92mghk4b9g @shared/more/kustomization.yaml", "ConfigMap/x-d-fmdt42m4m2 apps/one/kustomization.yaml",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if data := objects[2].Object["data"]; cmp.Diff(map[string]any{"f.txt": "text", "k": "text", "l": "own"}, data) != "" || objects[0].GetLabels()["p"] != "q" {
		t.Errorf("got %v", objects)
	}
	for at, want := range map[string]string{
		"apps/two":   "@shared/out/kustomization.yaml:1: resources: ../../apps/one leads out of the repository; name what is inside it, by a relative path",
		"apps/three": "apps/three/kustomization.yaml:1: resources: apps/three/@none/base: not in the repository; add it, or correct the path",
	} {
		if _, err := renderTree(files, at, nil); err == nil || err.Error() != want {
			t.Errorf("got the error\n%v\nwant\n%s", err, want)
		}
	}
}
