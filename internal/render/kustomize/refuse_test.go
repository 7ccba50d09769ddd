package kustomize

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/openapi"

	"plumb.dev/plumb/internal/tree/treetest"
)

// An alias bomb, some gigabytes when written out.
func bomb(indent string) string {
	var b strings.Builder
	b.WriteString(indent + "a: &a [x, x, x, x, x, x, x, x, x, x]\n")
	for i := range 8 {
		fmt.Fprintf(&b, "%[1]s%[3]c: &%[3]c [*%[2]c, *%[2]c, *%[2]c, *%[2]c, *%[2]c, *%[2]c, *%[2]c, *%[2]c, *%[2]c, *%[2]c]\n", indent, 'a'+i, 'b'+i)
	}
	return b.String()
}

const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"

// What can't be built is refused, with the place, the reason and what to do.
func TestRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		files map[string]string
		want  string
	}{
		"missing resource": {
			map[string]string{"app/kustomization.yaml": "resources:\n- a.yaml\n- b.yaml\n", "app/a.yaml": configMap},
			"app/kustomization.yaml:3: resources: app/b.yaml: not in the repository; add it, or correct the path",
		},
		"missing file of a ConfigMap": {
			map[string]string{"app/kustomization.yaml": "configMapGenerator:\n- name: a\n  files:\n  - key=b.txt\n"},
			"app/kustomization.yaml:4: configMapGenerator: app/b.txt: not in the repository; add it, or correct the path",
		},
		"all that is wrong": {
			map[string]string{"app/kustomization.yaml": "resources: [a.yaml]\npatches:\n- path: b.yaml\n"},
			"app/kustomization.yaml:1: resources: app/a.yaml: not in the repository; add it, or correct the path\n" +
				"app/kustomization.yaml:3: patches: app/b.yaml: not in the repository; add it, or correct the path",
		},
		"S01 outside": {
			map[string]string{"app/kustomization.yaml": "resources:\n- ../../other\n", "other/kustomization.yaml": "resources: [a.yaml]\n"},
			"app/kustomization.yaml:2: resources: ../../other leads out of the repository; name what is inside it, by a relative path",
		},
		"S01 absolute": {
			map[string]string{"app/kustomization.yaml": "configMapGenerator:\n- name: a\n  files: [passwd=/etc/passwd]\n", "etc/passwd": "x"},
			"app/kustomization.yaml:3: configMapGenerator: /etc/passwd leads out of the repository; name what is inside it, by a relative path",
		},
		"S01 link outside": {
			map[string]string{"app/kustomization.yaml": "configMapGenerator:\n- name: a\n  files: [passwd]\n", "app/passwd": "-> ../../etc/passwd"},
			"app/kustomization.yaml:3: configMapGenerator: app/passwd: link app/passwd -> ../../etc/passwd: leads out of the repository; let the link lead to something inside",
		},
		"S03 link in a loop": {
			map[string]string{"app/kustomization.yaml": "resources: [a.yaml]\n", "app/a.yaml": "-> b.yaml", "app/b.yaml": "-> a.yaml"},
			"app/kustomization.yaml:1: resources: app/a.yaml: link app/a.yaml -> b.yaml: links in a loop: more than 40 were passed; let one of the links lead elsewhere",
		},
		"S03 folders in a circle": {
			map[string]string{"app/kustomization.yaml": "resources: [one, two]\n", "app/one": "-> .", "app/two": "-> ."},
			"link app/two -> .: links in a loop: more than 40 were passed",
		},
		"S05 alias bomb in a resource": {
			map[string]string{"app/kustomization.yaml": "resources: [a.yaml]\n", "app/a.yaml": configMap + bomb("")},
			"app/a.yaml:9: the aliases of this document make it larger than 16777216 bytes; write out what it needs, with fewer aliases",
		},
		"S05 alias bomb in the kustomization": {
			map[string]string{"app/kustomization.yaml": bomb("")},
			"app/kustomization.yaml:6: the aliases of this document make it larger than 16777216 bytes; write out what it needs, with fewer aliases",
		},
		"S05 alias bomb in a patch": {
			map[string]string{"app/kustomization.yaml": "patches:\n- patch: |\n" + bomb("    ")},
			"app/kustomization.yaml:2: patches: app/kustomization.yaml:6: the aliases of this document make it larger than 16777216 bytes; write out what it needs, with fewer aliases",
		},
		"S05 alias bomb in a transformer": {
			map[string]string{"app/kustomization.yaml": "transformers:\n- |\n" + bomb("  ")},
			"app/kustomization.yaml:2: transformers: app/kustomization.yaml:6: the aliases of this document make it larger than 16777216 bytes; write out what it needs, with fewer aliases",
		},
		"S05 bases used over and over": {
			doubling(12),
			"more than 1000 kustomizations are part of this build; is there a circle of links?",
		},
		"helm": {
			map[string]string{"app/kustomization.yaml": "helmCharts:\n- name: a\n  repo: https://example.com\n"},
			"app/kustomization.yaml:1: helmCharts: a kustomization renders no Helm charts here; declare the chart as an App of its own (spec.source.chart, or spec.source.path where it is in the repository), whose patches are spec.render.helm.patches",
		},
		"helm as a plugin": {
			map[string]string{"app/kustomization.yaml": "generators:\n- helm.yaml\n", "app/helm.yaml": "apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: a}\nname: a\n"},
			"app/kustomization.yaml:2: generators: a kustomization renders no Helm charts here; declare the chart as an App of its own (spec.source.chart, or spec.source.path where it is in the repository), whose patches are spec.render.helm.patches",
		},
		"plugin that is a program": {
			map[string]string{"app/kustomization.yaml": "transformers:\n- run.yaml\n", "app/run.yaml": "apiVersion: example.com/v1\nkind: Run\nmetadata: {name: a}\n"},
			"app/kustomization.yaml:2: transformers: example.com/v1 Run is a plugin that has to be run, and a render starts no program; use what is built into kustomize",
		},
		"function": {
			map[string]string{"app/kustomization.yaml": "generators:\n- |\n  apiVersion: example.com/v1\n  kind: Run\n  metadata:\n    name: a\n    annotations: {config.kubernetes.io/function: 'exec: {path: /bin/sh}'}\n"},
			"app/kustomization.yaml:2: generators: example.com/v1 Run is a plugin that has to be run, and a render starts no program; use what is built into kustomize",
		},
		"folder of plugins that changes them": {
			map[string]string{
				"app/kustomization.yaml": "transformers: [t]\n", "app/t/kustomization.yaml": "resources: [a.yaml]\nnamePrefix: a-\n",
				"app/t/a.yaml": "apiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: a}\nprefix: x\n",
			},
			"app/kustomization.yaml:1: transformers: app/t/kustomization.yaml does more than list files, which is not supported for the configurations of plugins; list the files here",
		},
		"unknown field": {
			map[string]string{"app/kustomization.yaml": "# c\nresources: []\nresuorces: []\n"},
			`app/kustomization.yaml:3: a kustomization has no field "resuorces"; correct or remove it`,
		},
		"wrong type": {
			map[string]string{"app/kustomization.yaml": "resources: a.yaml\n"},
			"app/kustomization.yaml: is not a kustomization: cannot unmarshal string into Go struct field Kustomization.resources of type []string; correct it",
		},
		"no YAML": {
			map[string]string{"app/kustomization.yaml": "resources:\n- a\n\t- b\n"},
			"app/kustomization.yaml:3: is not valid YAML: found a tab character that violates indentation; YAML is indented by spaces: replace the tabs",
		},
		"no kustomization": {
			map[string]string{"app/a.yaml": configMap},
			"app: kustomize: unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory 'app'",
		},
		"two kustomizations": {
			map[string]string{"app/kustomization.yaml": "resources: []\nnamePrefix: a\n", "app/kustomization.yml": "namePrefix: b\n"},
			"app: kustomize: Found multiple kustomization files under: app",
		},
		"resource that is no object": {
			map[string]string{"app/kustomization.yaml": "resources: [a.yaml]\n", "app/a.yaml": "a: 1\n"},
			"app/a.yaml:1: the document has no apiVersion and no kind, so it is no Kubernetes object; complete it, or keep the file out of the folder",
		},
		"LFS pointer": {
			map[string]string{"app/kustomization.yaml": "configMapGenerator: [{name: a, files: [b]}]\n", "app/b": "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"},
			"app/b is a Git LFS pointer",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			objects, err := renderTree(treetest.New(test.files), "app", nil)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %d objects and the error\n%v\nwant\n%s", len(objects), err, test.want)
			}
		})
	}
}

// doubling is a chain of kustomizations in which each takes the next one twice.
func doubling(n int) map[string]string {
	files := map[string]string{}
	for i := range n {
		for _, side := range []string{"a", "b"} {
			files[fmt.Sprintf("l%d%s/kustomization.yaml", i, side)] = fmt.Sprintf("namePrefix: %s-\nresources: [../l%da, ../l%db]\n", side, i+1, i+1)
		}
	}
	for _, side := range []string{"a", "b"} {
		files[fmt.Sprintf("l%d%s/kustomization.yaml", n, side)] = "namePrefix: " + side + "-\nresources: [x.yaml]\n"
		files[fmt.Sprintf("l%d%s/x.yaml", n, side)] = configMap
	}
	files["app/kustomization.yaml"] = "resources: [../l0a]\n"
	return files
}

// remoteFields are kustomizations with one remote entry each, in every place
// where the library would take one; %s is the entry.
var remoteFields = map[string]map[string]string{
	"resources":        {"app/kustomization.yaml": "resources: [a.yaml, %q]\n"},
	"bases":            {"app/kustomization.yaml": "bases: [%q]\n"},
	"components":       {"app/kustomization.yaml": "resources: [a.yaml]\ncomponents: [%q]\n"},
	"crds":             {"app/kustomization.yaml": "resources: [a.yaml]\ncrds: [%q]\n"},
	"configurations":   {"app/kustomization.yaml": "resources: [a.yaml]\nconfigurations: [%q]\n"},
	"openapi":          {"app/kustomization.yaml": "resources: [a.yaml]\nopenapi: {path: %q}\n"},
	"patches":          {"app/kustomization.yaml": "resources: [a.yaml]\npatches: [{path: %q}]\n"},
	"json patches":     {"app/kustomization.yaml": "resources: [a.yaml]\npatchesJson6902: [{path: %q, target: {kind: ConfigMap, version: v1, name: a}}]\n"},
	"merge patches":    {"app/kustomization.yaml": "resources: [a.yaml]\npatchesStrategicMerge: [%q]\n"},
	"replacements":     {"app/kustomization.yaml": "resources: [a.yaml]\nreplacements: [{path: %q}]\n"},
	"ConfigMap":        {"app/kustomization.yaml": "configMapGenerator: [{name: a, files: [%q]}]\n"},
	"ConfigMap, key":   {"app/kustomization.yaml": "configMapGenerator: [{name: a, files: [\"k=%s\"]}]\n"},
	"ConfigMap, env":   {"app/kustomization.yaml": "configMapGenerator: [{name: a, env: %q}]\n"},
	"Secret, envs":     {"app/kustomization.yaml": "secretGenerator: [{name: a, envs: [%q]}]\n"},
	"upper case":       {"app/kustomization.yaml": "RESOURCES: [%q]\n"},
	"generators":       {"app/kustomization.yaml": "generators: [%q]\n"},
	"transformers":     {"app/kustomization.yaml": "resources: [a.yaml]\ntransformers: [%q]\n"},
	"validators":       {"app/kustomization.yaml": "resources: [a.yaml]\nvalidators: [%q]\n"},
	"base of a base":   {"app/kustomization.yaml": "resources: [b]\n", "app/b/kustomization.yaml": "resources: [%q]\n"},
	"inline generator": {"app/kustomization.yaml": "generators:\n- |\n  apiVersion: builtin\n  kind: ConfigMapGenerator\n  metadata: {name: a}\n  name: a\n  files: [%q]\n"},
	"generator in a file": {
		"app/kustomization.yaml": "generators: [g.yaml]\n",
		"app/g.yaml":             "{\"apiVersion\": \"\\u0062uiltin\", \"kind\": \"SecretGenerator\", \"metadata\": {\"name\": \"a\"}, \"name\": \"a\", \"ENVS\": [%q]}\n",
	},
	"transformer in a folder": {
		"app/kustomization.yaml": "resources: [a.yaml]\ntransformers: [t]\n", "app/t/kustomization.yaml": "resources: [p.yaml]\n",
		"app/t/p.yaml": "apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: a}\npath: %q\ntarget: {kind: ConfigMap}\n",
	},
	"folder of transformers": {
		"app/kustomization.yaml": "resources: [a.yaml]\ntransformers: [t]\n", "app/t/kustomization.yaml": "resources: [%q]\n",
	},
	"merge patch of a transformer": {"app/kustomization.yaml": "resources: [a.yaml]\ntransformers:\n- |\n  apiVersion: builtin\n  kind: PatchStrategicMergeTransformer\n  metadata: {name: a}\n  paths: [%q]\n"},
	"replacement of a transformer": {"app/kustomization.yaml": "resources: [a.yaml]\ntransformers:\n- |\n  apiVersion: builtin\n  kind: ReplacementTransformer\n  metadata: {name: a}\n  replacements: [{path: %q}]\n"},
	"targets of a transformer":     {"app/kustomization.yaml": "resources: [a.yaml]\ntransformers:\n- |\n  apiVersion: builtin\n  kind: ValueAddTransformer\n  metadata: {name: a}\n  value: v\n  targetFilePath: %q\n"},
}

// No render fetches or clones anything. The control shows that the library
// alone would.
func TestS01NothingRemoteIsReached(t *testing.T) {
	var fetched int
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { fetched++ }))
	defer server.Close()
	bin := t.TempDir()
	cloned := filepath.Join(bin, "cloned")
	toDisk(t, bin, map[string]string{"git": "#!/bin/sh\necho >> " + cloned + "\nexit 1\n"})
	if err := os.Chmod(filepath.Join(bin, "git"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
	reached := func() bool {
		_, err := os.Stat(cloned)
		was := fetched > 0 || err == nil
		fetched = 0
		_ = os.Remove(cloned)
		return was
	}
	told := regexp.MustCompile(`is remote|app/(main|v1): not in the repository`) // the latter for KEY=FILE
	entries := []string{
		server.URL + "/a.yaml", "git@example.com:org/repo.git", server.URL + "/org/repo", strings.ToUpper(server.URL[:4]) + server.URL[4:] + "/x?ref=main", "git::" + server.URL + "/org/repo",
		"https://github.com/org/repo//path?ref=v1", "github.com/org/repo", "github.com:org/repo", "ssh://git@example.com/org/repo", "file:///srv/repo", "org-1@example.com:org/repo",
	}
	controls := 0
	for field, template := range remoteFields {
		for n, entry := range entries {
			files := map[string]string{"app/a.yaml": configMap}
			for name, content := range template {
				files[name] = strings.NewReplacer("%q", fmt.Sprintf("%q", entry), "%s", entry).Replace(content)
			}
			if _, err := renderTree(treetest.New(files), "app", nil); err == nil || !told.MatchString(err.Error()) {
				t.Errorf("%s: %s: got the error %v", field, entry, err)
			}
			if reached() {
				t.Errorf("%s: %s was reached", field, entry)
			}
			if n > 1 {
				continue
			}
			if libraryAlone(files); reached() {
				controls++
			}
		}
	}
	if controls < len(remoteFields) {
		t.Errorf("the library alone reached out only %d times: this test may not see it", controls)
	}
}

// libraryAlone is a build without vetting.
func libraryAlone(files map[string]string) {
	disk := filesys.MakeFsInMemory()
	for name, content := range files {
		_ = disk.WriteFile("/"+name, []byte(content))
	}
	library.Lock()
	defer library.Unlock()
	defer mute(func(string) {}, func(string) {})()
	defer openapi.ResetOpenAPI()
	defer func() { _ = recover() }() // it breaks down on an empty answer
	_, _ = krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(disk, "/app")
}

func TestRemote(t *testing.T) {
	t.Parallel()
	var got []string
	for _, given := range []string{
		"a.yaml", "../base", "a b/c", "http.yaml", "https/x", "github.com", "github.company/x", "user@host", "a:b.yaml", "dir/user@host:x", "", "./github.com/org/repo",
		"oci://x/y", "http:x", "HTTPS://x", "github.com/a", "github.com/org/repo",
	} {
		if remote(given) {
			got = append(got, given)
		}
	}
	if diff := cmp.Diff([]string{"oci://x/y", "http:x", "HTTPS://x", "github.com/org/repo"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
