package hostile_test

import (
	"fmt"
	"strings"
	"testing"

	"plumb.dev/plumb/internal/git/gittest"
	"plumb.dev/plumb/internal/status"
)

// troubled waits until the root tells of a problem at a place, with all of some
// texts in it.
func (s *stand) troubled(t *testing.T, where string, texts ...string) {
	t.Helper()
	until(t, fmt.Sprintf("the root to say %q at %s", texts, where), func() string {
		root, err := s.Root(t.Context())
		if err != nil {
			return err.Error()
		}
		for _, p := range root.Problems {
			if p.Where == where && containsAll(p.Message, texts) {
				return ""
			}
		}
		return fmt.Sprintf("%+v", root)
	})
	got := s.says("get", "root")
	if got.code != 0 || got.err != "" {
		t.Errorf("plumb get root: code %d, %s", got.code, got.err)
	}
	wantAll(t, "plumb get root", strings.Join(strings.Fields(got.out), " "), append(texts, where)...)
	t.Logf("the root says:\n%s", got.out)
}

// untroubled waits until the root tells of no problem.
func (s *stand) untroubled(t *testing.T) {
	t.Helper()
	until(t, "the root to be in order", func() string {
		root, err := s.Root(t.Context())
		if err == nil && len(root.Problems) == 0 && root.Revision != "" {
			return ""
		}
		return fmt.Sprintf("%+v %v", root, err)
	})
}

func containsAll(text string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

// TestBadDeclarationAmongGoodOnes breaks one declaration after another. The App
// that it declared goes on as it was declared before; so do the others, with
// new ones among them.
func TestBadDeclarationAmongGoodOnes(t *testing.T) {
	t.Parallel()
	s := newStand(t, how{}, func(s *stand) map[string]string {
		return map[string]string{
			"apps/shop.yaml": s.declare("shop"), "shop/map.yaml": paint("shop", "color-0"),
			"apps/good.yaml": s.declare("good"), "good/map.yaml": paint("good", "color-0"),
		}
	})
	s.synced(t, "shop", "")
	s.synced(t, "good", "")
	_, uid := s.color("shop")
	bad := []struct {
		name, text, where string
		says              []string
	}{
		{"YAML that does not parse", s.declare("shop") + " x: [\n", "apps/shop.yaml:6", []string{"is not valid YAML", "correct it"}},
		{"no kind", strings.Replace(s.declare("shop"), "kind: App\n", "", 1), "apps/shop.yaml:1", []string{"kind", "use App"}},
		{"an unknown field", s.declare("shop", "sync: {prun: false}"), "apps/shop.yaml:6", []string{"spec.sync.prun: there is no such field; did you mean prune?"}},
		{"a field of the wrong type", s.declare("shop", "sync: {prune: maybe}"), "apps/shop.yaml:6", []string{"spec.sync.prune", "true or false"}},
		{"a value that there is not", s.declare("shop", "sync: {mode: sometimes}"), "apps/shop.yaml:6", []string{`spec.sync.mode: "sometimes"`, "use auto, approve or observe"}},
		{"a path that leaves the repository", s.declare("shop", "source: {path: ../../etc}"), "apps/shop.yaml:5", []string{`spec.source.path: "../../etc" has .. in it`, "name a folder in the repository"}},
		{"an absolute path", s.declare("shop", "source: {path: /etc}"), "apps/shop.yaml:5", []string{`spec.source.path: "/etc" is absolute`}},
		{"a kind to come", strings.Replace(s.declare("shop"), "kind: App\n", "kind: AppSet\n", 1), "apps/shop.yaml:2", []string{"AppSet is not supported yet", "declare each App"}},
		{"a version that there is not", strings.Replace(s.declare("shop"), "v1alpha1", "v9", 1), "apps/shop.yaml:1", []string{"there is no plumb.dev/v9", "use plumb.dev/v1alpha1"}},
		{"a password in the URL", s.declare("shop", `source: {git: {url: "https://ada:hunter2@git.example.com/x"}}`), "apps/shop.yaml:5", []string{"has a password in it", "credentials are given to the daemon"}},
	}
	for i, b := range bad {
		color := fmt.Sprintf("color-%d", i+1)
		fresh := fmt.Sprintf("fresh-%d", i)
		s.commit(map[string]string{
			"apps/shop.yaml": b.text, "good/map.yaml": paint("good", color), "shop/map.yaml": paint("shop", color),
			"apps/fresh.yaml": s.declare(fresh), fresh + "/map.yaml": paint(fresh, color),
		})
		s.troubled(t, b.where, b.says...)
		s.painted(t, "good", color)
		s.painted(t, fresh, color)
		s.painted(t, "shop", color)
		held := s.complains(t, "shop", append(b.says, b.where)...)
		if held.Sync == status.Synced {
			t.Errorf("%s: the App counts as in line", b.name)
		}
		if root, err := s.Root(t.Context()); err != nil || strings.Contains(fmt.Sprint(root), "hunter2") {
			t.Errorf("%s: the root tells the password: %+v %v", b.name, root, err)
		}
		if apps := s.says("get", "apps"); !strings.Contains(apps.err, "1 problem in the root; `plumb get root` shows what and where") {
			t.Errorf("%s: plumb get apps doesn't mention it: %s", b.name, apps.err)
		}
	}
	if _, now := s.color("shop"); now != uid {
		t.Errorf("the ConfigMap of the broken App was made anew: uid %q, then %q", uid, now)
	}
	s.commit(map[string]string{"apps/shop.yaml": s.declare("shop"), "shop/map.yaml": paint("shop", "mended")})
	s.untroubled(t)
	s.painted(t, "shop", "mended")
	s.synced(t, "shop", "")
}

// TestTwoAppsOfOneName: neither counts, and what was there of it stays.
func TestTwoAppsOfOneName(t *testing.T) {
	t.Parallel()
	s := newStand(t, how{}, func(s *stand) map[string]string {
		return map[string]string{
			"apps/shop.yaml": s.declare("shop"), "shop/map.yaml": paint("shop", "red"),
			"apps/good.yaml": s.declare("good"), "good/map.yaml": paint("good", "red"),
			"other/map.yaml": paint("other", "red"),
		}
	})
	s.synced(t, "shop", "")
	s.synced(t, "good", "")
	_, uid := s.color("shop")

	s.commit(map[string]string{
		"apps/again.yaml": "# once more\n" + s.declare("shop", "source: {path: other}"),
		"good/map.yaml":   paint("good", "green"),
	})
	says := []string{"the App " + s.id("shop") + " is declared at", "so neither counts; rename or remove one of them"}
	s.troubled(t, "apps/again.yaml:2", append(says, "apps/shop.yaml:1")...)
	s.troubled(t, "apps/shop.yaml:1", append(says, "apps/again.yaml:2")...)
	s.complains(t, "shop", "apps/again.yaml:2", "apps/shop.yaml:1", "rename or remove one of them")
	s.painted(t, "good", "green")
	if color, now := s.color("shop"); color != "red" || now != uid {
		t.Errorf("the ConfigMap of the App was touched: it is %q, uid %q, then %q", color, uid, now)
	}
	if color, _ := s.color("other"); color != "" {
		t.Error("the second declaration was followed")
	}

	s.commit(map[string]string{"apps/again.yaml": gittest.Remove, "shop/map.yaml": paint("shop", "blue")})
	s.untroubled(t)
	s.painted(t, "shop", "blue")
	s.synced(t, "shop", "")
}

// TestTwoAppsThatClaimOneObject: who has it keeps it, and the other one says
// so, naming both, and goes on with the rest of its objects.
func TestTwoAppsThatClaimOneObject(t *testing.T) {
	t.Parallel()
	s := newStand(t, how{}, func(s *stand) map[string]string {
		return map[string]string{
			"apps/shop.yaml": s.declare("shop"), "shop/map.yaml": paint("till", "red"),
			"apps/bar.yaml": s.declare("bar"), "bar/map.yaml": paint("bar", "red"),
		}
	})
	s.synced(t, "shop", "")
	s.synced(t, "bar", "")
	_, uid := s.color("till")

	s.commit(map[string]string{"bar/till.yaml": paint("till", "stolen"), "bar/map.yaml": paint("bar", "green"), "shop/map.yaml": paint("till", "green")})
	d := s.complains(t, "bar", "bar/till.yaml:1: ConfigMap/"+s.namespace+"/till", s.id("shop"), s.id("bar"), "remove it from one of the two")
	if d.Sync != status.OutOfSync {
		t.Errorf("bar stands as %s", d.Sync)
	}
	s.painted(t, "bar", "green")
	s.painted(t, "till", "green")
	s.synced(t, "shop", "")

	s.commit(map[string]string{"shop/map.yaml": gittest.Remove, "shop/own.yaml": paint("shop", "red")})
	s.painted(t, "till", "stolen") // it is bar's now: handed over, not deleted
	s.synced(t, "bar", "")
	s.synced(t, "shop", "")
	if _, now := s.color("till"); now != uid {
		t.Errorf("the ConfigMap was made anew on its way: uid %q, then %q", uid, now)
	}
}

// TestRootThatDeclaresNothingAnyMore: it is more often the wrong branch than meant.
func TestRootThatDeclaresNothingAnyMore(t *testing.T) {
	t.Parallel()
	s := newStand(t, how{}, func(s *stand) map[string]string {
		return map[string]string{"apps/shop.yaml": s.declare("shop"), "shop/map.yaml": paint("shop", "red")}
	})
	s.synced(t, "shop", "")
	_, uid := s.color("shop")
	s.root.Orphan(map[string]string{"README.md": "Nothing here.\n"})
	s.troubled(t, s.root.Dir, "it declares no App any more, so the 1 that it declared are held")
	s.complains(t, "shop", "declares no App any more")
	if color, now := s.color("shop"); color != "red" || now != uid {
		t.Errorf("the ConfigMap was touched: it is %q, uid %q, then %q", color, uid, now)
	}
	s.commit(map[string]string{"apps/shop.yaml": s.declare("shop"), "shop/map.yaml": paint("shop", "blue")})
	s.untroubled(t)
	s.painted(t, "shop", "blue")
	s.synced(t, "shop", "")
}
