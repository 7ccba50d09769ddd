package hostile_test

import (
	"fmt"
	"path"
	"strings"
	"testing"

	"plumb.dev/plumb/internal/git/gittest"
	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/status"
)

// mistake is one thing that someone commits to an App's folder and should not.
type mistake struct {
	name string
	spec []string // of the App, beside its source
	// good is in the folder before, bad is committed then, and mended at last.
	// Beside all of them is a ConfigMap that nothing is wrong with.
	good, bad, mended map[string]string
	says              []string // all of them in the App's message
	stays             bool     // the good ConfigMap isn't changed while the mistake is there
	unrecorded        bool     // it is no change of the App's objects, so the history has nothing of it
}

// mistakes are those of the manifests. What can be told of the rest of an App
// from a render that fails is nothing, so it stays as it was (stays); where one
// object is refused, the others are applied all the same.
func mistakes() []mistake {
	deployment := func(labels string) string {
		return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: NAME-web}\nspec:\n  replicas: 0\n  selector: {matchLabels: {" + labels + "}}\n" +
			"  template:\n    metadata: {labels: {" + labels + "}}\n    spec: {containers: [{name: web, image: web}]}\n"
	}
	return []mistake{
		{
			name: "YAML that does not parse", stays: true,
			bad:    map[string]string{"bad.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n data: {}\n"},
			mended: map[string]string{"bad.yaml": gittest.Remove},
			says:   []string{"NAME/bad.yaml:5: is not valid YAML", "; correct it"},
		},
		{
			name: "no kind", stays: true,
			bad:    map[string]string{"bad.yaml": "---\napiVersion: v1\nmetadata: {name: x}\n"},
			mended: map[string]string{"bad.yaml": gittest.Remove},
			says:   []string{"NAME/bad.yaml:2:", "kind"},
		},
		{
			name:   "an unknown field",
			bad:    map[string]string{"bad.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME-typo}\ndata: {a: b}\nimmutabel: true\n"},
			mended: map[string]string{"bad.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME-typo}\ndata: {a: b}\nimmutable: true\n"},
			says:   []string{"NAME/bad.yaml:1: ConfigMap/NAMESPACE/NAME-typo", "immutabel", "check the spelling"},
		},
		{
			name:   "an unknown kind",
			bad:    map[string]string{"bad.yaml": "apiVersion: apps/v1\nkind: Deploymnet\nmetadata: {name: x}\n"},
			mended: map[string]string{"bad.yaml": gittest.Remove},
			says:   []string{"NAME/bad.yaml:1: Deploymnet/x", "the cluster serves no Deploymnet of apps/v1", "check the spelling, or install its CRD"},
		},
		{
			name:   "an immutable field changed",
			good:   map[string]string{"web.yaml": deployment("a: b")},
			bad:    map[string]string{"web.yaml": deployment("c: d")},
			mended: map[string]string{"web.yaml": deployment("a: b")},
			says:   []string{"NAME/web.yaml:1: Deployment/NAMESPACE/NAME-web", "can't be changed in place: spec.selector.matchLabels.c", "undo the change in Git, or let the object be deleted and made anew"},
		},
		{
			name:   "a quota refusal",
			bad:    map[string]string{"bad.yaml": "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: NAME-disk}\nspec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n"},
			mended: map[string]string{"bad.yaml": gittest.Remove},
			says:   []string{"NAME/bad.yaml:1: PersistentVolumeClaim/NAMESPACE/NAME-disk", "exceeded quota: no-disks", "raise the ResourceQuota"},
		},
		{
			name:   "a webhook refusal",
			bad:    map[string]string{"bad.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME-evil, labels: {evil: \"yes\"}}\n"},
			mended: map[string]string{"bad.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME-evil}\n"},
			says: []string{"NAME/bad.yaml:1: ConfigMap/NAMESPACE/NAME-evil", `admission webhook "refuses.example.com" denied the request: no evil here`,
				"change the object, or the webhook's configuration"},
		},
		{
			name: "a path that is not in the repository", stays: true,
			bad:    map[string]string{"../apps/NAME.yaml": "DECLARE NAME/nowhere"},
			mended: map[string]string{"../apps/NAME.yaml": "DECLARE NAME"},
			says:   []string{"NAME/nowhere", "not in the repository", "spec.source.path"},
		},
		{
			name: "a link that leaves the repository", stays: true,
			bad:    map[string]string{"link.yaml": "-> ../../../../../../etc/passwd"},
			mended: map[string]string{"link.yaml": gittest.Remove},
			says:   []string{"NAME/link.yaml", "link NAME/link.yaml -> ../../../../../../etc/passwd", "leads out of the repository", "let the link lead to something inside"},
		},
		{
			name: "a base that leaves the repository", stays: true,
			good:   map[string]string{"kustomization.yaml": "resources: [kept.yaml]\n"},
			bad:    map[string]string{"kustomization.yaml": "resources: [kept.yaml, ../../../../etc]\n"},
			mended: map[string]string{"kustomization.yaml": "resources: [kept.yaml]\n"},
			says:   []string{"NAME/kustomization.yaml:1", "../../../../etc leads out of the repository", "name what is inside it"},
		},
		{
			name: "a branch that does not exist", stays: true, unrecorded: true,
			bad:    map[string]string{"../apps/NAME.yaml": "DECLARE NAME @next"},
			mended: map[string]string{"../apps/NAME.yaml": "DECLARE NAME"},
			says:   []string{`branch "next"`, "not in the repository", "push it", "main"},
		},
		{
			name: "a render to nothing", stays: true, unrecorded: true,
			bad:    map[string]string{"kept.yaml": "# nothing\n"},
			mended: map[string]string{},
			says:   []string{"NAME-kept", "declares no object at all", "set sync.allowEmpty, or remove the App"},
		},
		{
			name: "one object twice", stays: true,
			bad:    map[string]string{"again.yaml": paint("NAME-kept", "red")},
			mended: map[string]string{"again.yaml": gittest.Remove},
			says:   []string{"NAME/kept.yaml:1: ConfigMap/NAME-kept: is declared twice, the first time at NAME/again.yaml:1: remove one of them"},
		},
	}
}

// TestBadManifestLosesNothing commits each mistake to an App of its own in one
// root, all at the same time. The App says what is wrong, where and what to do;
// what it had is there still; an App beside it takes the same commit; and when
// the mistake is mended, the App is in line again with nothing else done.
func TestBadManifestLosesNothing(t *testing.T) {
	t.Parallel()
	s := newStand(t, how{}, func(s *stand) map[string]string {
		return map[string]string{"README.md": "Mistakes.\n"}
	})
	refuse(t, s, "configmaps", func(string) string { return "no evil here" })
	noDisks(t, s)
	for _, m := range mistakes() {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			s.tryMistake(t, m)
		})
	}
}

func (s *stand) tryMistake(t *testing.T, m mistake) {
	name := strings.ToLower(strings.ReplaceAll(m.name, " ", "-"))
	beside := name + "-beside"
	kept := map[string]string{"kept.yaml": paint("NAME-kept", "red")}
	good := s.commit(join(s.place(name, join(kept, m.good), m.spec), map[string]string{
		"apps/" + name + ".yaml": s.declare(name, m.spec...), "apps/" + beside + ".yaml": s.declare(beside),
		beside + "/map.yaml": paint(beside, "red"),
	}))
	s.synced(t, name, "")
	s.synced(t, beside, "")
	color, uid := s.color(name + "-kept")
	if color != "red" {
		t.Fatalf("at %s the ConfigMap is %q", good, color)
	}

	kept["kept.yaml"] = paint("NAME-kept", "green")
	bad := s.commit(join(s.place(name, join(kept, m.bad), m.spec), map[string]string{beside + "/map.yaml": paint(beside, "green")}))
	texts := make([]string, len(m.says))
	for i, text := range m.says {
		texts[i] = s.fill(name, text)
	}
	d := s.complains(t, name, texts...)
	t.Logf("it says: %s", d.Message)
	s.told(t, name, texts)
	if d.Sync == status.Synced {
		t.Errorf("it stands as %s", d.Sync)
	}
	if !m.unrecorded {
		s.failed(t, name, bad)
	}
	s.painted(t, beside, "green")
	s.synced(t, beside, "")
	want := "green"
	if m.stays {
		want = "red"
	}
	s.painted(t, name+"-kept", want)
	if _, now := s.color(name + "-kept"); now != uid {
		t.Errorf("the ConfigMap was made anew: uid %q, then %q", uid, now)
	}

	kept["kept.yaml"] = paint("NAME-kept", "blue")
	s.commit(s.place(name, join(kept, m.mended), m.spec))
	s.painted(t, name+"-kept", "blue")
	s.synced(t, name, "")
	if _, now := s.color(name + "-kept"); now != uid {
		t.Errorf("mending it made the ConfigMap anew: uid %q, then %q", uid, now)
	}
}

// place puts files where an App has them, and fills in its name. DECLARE is a
// declaration with another path, and after @ another branch.
func (s *stand) place(name string, files map[string]string, spec []string) map[string]string {
	placed := map[string]string{}
	for file, content := range files {
		content = s.fill(name, content)
		if what, is := strings.CutPrefix(content, "DECLARE "); is {
			folder, branch, _ := strings.Cut(what, " @")
			content = s.declare(name, append([]string{fmt.Sprintf("source: {path: %s, git: {branch: %q}}", folder, branch)}, spec...)...)
		}
		placed[path.Join(name, s.fill(name, file))] = content
	}
	return placed
}

func (s *stand) fill(name, text string) string {
	return strings.NewReplacer("NAMESPACE", s.namespace, "NAME", name).Replace(text)
}

// failed waits until the history tells of a commit that it failed, and why.
func (s *stand) failed(t *testing.T, name, commit string) {
	t.Helper()
	until(t, "the history to tell of "+commit, func() string {
		releases, err := s.Releases(t.Context(), history.Query{App: s.id(name), Commit: commit})
		for _, r := range releases {
			if r.Outcome == release.Failed && r.Reason != "" {
				return ""
			}
		}
		return fmt.Sprintf("%+v %v", releases, err)
	})
}

// told holds the command line to telling people the same, with the codes that
// docs/cli.md promises.
func (s *stand) told(t *testing.T, name string, texts []string) {
	t.Helper()
	app := s.says("get", "app", s.id(name))
	if app.code != 0 || app.err != "" {
		t.Errorf("plumb get app: code %d, %s", app.code, app.err)
	}
	unbroken := strings.Join(strings.Fields(app.out), " ")
	wantAll(t, "plumb get app", unbroken, texts...)
}
