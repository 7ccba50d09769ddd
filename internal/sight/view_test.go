package sight

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
)

func keyOf(name string) object.Key {
	if strings.HasPrefix(name, "secret") {
		return object.Key{Kind: "Secret", Namespace: "shop", Name: name}
	}
	return object.Key{Kind: "ConfigMap", Namespace: "shop", Name: name}
}

// recordOf reads NAME@VERSION, with =LABEL where it isn't app, and ? for an
// answer to our own write, whose health is yet to come.
func recordOf(t *testing.T, text string) plan.Live {
	t.Helper()
	text, provisional := strings.CutSuffix(text, "?")
	text, label, other := strings.Cut(text, "=")
	if !other {
		label = "app"
	}
	name, version, _ := strings.Cut(text, "@")
	return plan.Live{Key: keyOf(name), UID: "u", Version: versionOf(version), App: label, Own: true, Provisional: provisional}
}

// told writes what a view holds, as recordOf reads it, with ! for what is being deleted.
func told(v *View) string {
	var all []string
	for _, l := range v.records {
		text := fmt.Sprintf("%s@%d", l.Key.Name, l.Version)
		if l.App != "app" {
			text += "=" + l.App
		}
		if l.Provisional {
			text += "?"
		}
		if l.Deleting {
			text += "!"
		}
		all = append(all, text)
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// play lets a story happen to a view: put RECORD, remove NAME@VERSION,
// deleting NAME UID, list KIND VERSION RECORD…, forget KIND.
func play(t *testing.T, v *View, story string) {
	t.Helper()
	for _, line := range strings.Split(story, ", ") {
		words := strings.Fields(line)
		switch words[0] {
		case "put":
			if l := recordOf(t, words[1]); l.Provisional {
				v.Answered(l)
			} else {
				v.Put(l)
			}
		case "remove":
			gone := recordOf(t, words[1])
			v.Remove(gone.Key, gone.Version)
		case "deleting":
			v.Deleting(keyOf(words[1]), words[2])
		case "list":
			var list []plan.Live
			for _, word := range words[3:] {
				list = append(list, recordOf(t, word))
			}
			v.Replace(schema.GroupKind{Kind: words[1]}, list, versionOf(words[2]))
		case "forget":
			v.Forget(schema.GroupKind{Kind: words[1]})
		default:
			t.Fatalf("nobody knows how to %s", words[0])
		}
	}
}

func TestTheNewestRecordWins(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, story, want string }{
		{"one after another", "put a@1, put a@2, put b@3", "a@2 b@3"},
		{"out of order", "put a@2, put a@1", "a@2"},
		{"repeated", "put a@2, put a@2, put a@2", "a@2"},
		{"a version with more digits is newer", "put a@9, put a@10", "a@10"},
		{"a version that can't be read is older than any", "put a@1, put a@x", "a@1"},

		{"our own answer comes before the watch", "put a@5?, put a@5", "a@5"},
		{"our own answer comes after the watch", "put a@5, put a@5?", "a@5"},
		{"our own answer twice, and then the watch", "put a@5?, put a@5?, put a@5", "a@5"},
		{"the watch lags behind our own write", "put a@3, put a@5?, put a@4", "a@5?"},
		{"the watch is ahead of our own write", "put a@6, put a@5?", "a@6"},

		{"it is deleted", "put a@1, put b@2, remove a@3", "b@2"},
		{"it is deleted twice", "put a@1, remove a@2, remove a@2", ""},
		{"what isn't there is deleted", "remove a@2, put a@3", "a@3"},
		{"an update comes after the deletion", "put a@1, remove a@3, put a@2", ""},
		{"the answer to our write comes after the deletion", "put a@1, remove a@3, put a@2?", ""},
		{"the last update again after the deletion", "put a@1, remove a@3, put a@3", ""},
		{"it is made anew", "put a@1, remove a@3, put a@4", "a@4"},
		{"it is made anew, and the old one's updates come late", "put a@1, remove a@3, put a@4, put a@2, remove a@3", "a@4"},
		{"a late deletion doesn't take what we wrote since", "put a@1, put a@5?, remove a@3", "a@5?"},

		{"it comes to belong to another App", "put a@1, put a@2=other", "a@2=other"},
		{"and back", "put a@1, put a@2=other, put a@3", "a@3"},
		{"it loses its label", "put a@1, put a@2=", ""},
		{"it loses its label, and older news come late", "put a@1, put a@3=, put a@2", ""},
		{"it gets its label back", "put a@1, put a@2=, put a@3", "a@3"},
		{"what never had a label", "put a@1=", ""},
		{"an old loss of the label", "put a@3, put a@2=", "a@3"},

		{"we asked for its deletion", "put a@1, deleting a u", "a@1!"},
		{"we asked for its deletion, and it is said again", "put a@1, deleting a u, put a@1", "a@1!"},
		{"we asked for the deletion of an older one", "put a@1, deleting a older", "a@1"},
		{"we asked for the deletion of what is gone", "put a@1, remove a@2, deleting a u", ""},
		{"we asked for its deletion, and it was made anew", "put a@1, deleting a u, put a@3", "a@3"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			v := New()
			play(t, v, tc.story)
			if got := told(v); got != tc.want {
				t.Errorf("the view tells %q, want %q", got, tc.want)
			}
			indexed(t, v)
		})
	}
}

func TestAListIsTheTruthAtItsVersion(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, story, want string }{
		{"it brings what there is", "list ConfigMap 5 a@1 b@2", "a@1 b@2"},
		{"what vanished is dropped", "put a@1, put b@2, list ConfigMap 5 b@2", "b@2"},
		{"an empty list drops all", "put a@1, put b@2, list ConfigMap 5", ""},
		{"what we wrote since is kept", "put a@1, put b@7?, list ConfigMap 5 a@1", "a@1 b@7?"},
		{"what we wrote since is newer than what it says", "put a@7?, list ConfigMap 5 a@3", "a@7?"},
		{"what it says is newer", "put a@3?, list ConfigMap 5 a@4", "a@4"},
		{"it confirms what we wrote", "put a@4?, list ConfigMap 5 a@4", "a@4"},
		{"it says nothing of other kinds", "put secret@1, put a@2, list ConfigMap 5", "secret@1"},
		{"it says to whom an object belongs", "put a@1, list ConfigMap 5 a@3=other", "a@3=other"},
		{"lists follow each other", "list ConfigMap 5 a@1, list ConfigMap 6 b@6, list ConfigMap 7", ""},
		{"what comes after it is newer", "list ConfigMap 5 a@1, put b@6, remove a@7", "b@6"},
		{"what was deleted and made anew", "put a@1, remove a@3, list ConfigMap 5 a@4", "a@4"},

		{"a kind that is forgotten leaves nothing", "put a@1, put a@2?, put secret@3, forget ConfigMap", "secret@3"},
		{"a kind that is forgotten can come again", "put a@9, forget ConfigMap, put a@3", "a@3"},
		{"also with what was deleted before", "put a@8, remove a@9, forget ConfigMap, list ConfigMap 5 a@3", "a@3"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			v := New()
			play(t, v, tc.story)
			if got := told(v); got != tc.want {
				t.Errorf("the view tells %q, want %q", got, tc.want)
			}
			indexed(t, v)
		})
	}
}

// indexed holds the index by label against the records.
func indexed(t *testing.T, v *View) {
	t.Helper()
	want := map[string]map[object.Key]struct{}{}
	for key, l := range v.records {
		if want[l.App] == nil {
			want[l.App] = map[object.Key]struct{}{}
		}
		want[l.App][key] = struct{}{}
	}
	if diff := cmp.Diff(want, v.byLabel); diff != "" {
		t.Errorf("the index by label is not that of the records (-records +index)\n%s", diff)
	}
}

func TestTheViewAnswersByLabel(t *testing.T) {
	t.Parallel()
	v := New()
	play(t, v, "put a@1, put b@2, put c@3=other, put d@4=third, remove d@5")
	duplicate := recordOf(t, "copy@6")
	duplicate.Own = false
	v.Put(duplicate)
	sorted := func(keys []object.Key) (names []string) {
		for _, k := range keys {
			names = append(names, k.Name)
		}
		slices.Sort(names)
		return names
	}
	labels := v.Labels()
	slices.Sort(labels)
	for name, got := range map[string][]string{
		"labels": labels, "app": sorted(v.Owned("app")), "other": sorted(v.Owned("other")), "third": sorted(v.Owned("third")),
	} {
		want := map[string][]string{"labels": {"app", "other"}, "app": {"a", "b"}, "other": {"c"}}[name]
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: a copy is nobody's and what is gone is forgotten (-want +got)\n%s", name, diff)
		}
	}
	if _, there := v.Live(keyOf("d")); there {
		t.Error("what was removed is told")
	}
	for _, tc := range []struct{ namespace, label, want string }{
		{"shop", "other", "app"}, {"elsewhere", "app", ""},
	} {
		if got := v.OthersIn(tc.namespace, tc.label); got != tc.want {
			t.Errorf("beside %s there is %q in %s, want %q", tc.label, got, tc.namespace, tc.want)
		}
	}
	play(t, v, "remove c@9")
	if got := v.OthersIn("shop", "app"); got != "" {
		t.Errorf("%q is taken for another App; only a copy is there", got)
	}
}

// taken takes the event that waits; the empty one when none does.
func taken(v *View) Event {
	select {
	case e := <-v.events:
		return e
	default:
		return Event{}
	}
}

func TestEachChangeIsToldWithTheAppsThatItConcerns(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, before, story string
		want                map[string][]string
	}{
		{"an object appears", "put x@1", "put a@2", map[string][]string{"a": {"app"}}},
		{"an object changes", "put a@1", "put a@2", map[string][]string{"a": {"app"}}},
		{"an object goes from one App to another", "put a@1", "put a@2=other", map[string][]string{"a": {"app", "other"}}},
		{"an object is deleted", "put a@1", "remove a@2", map[string][]string{"a": {"app"}}},
		{"an object loses its label", "put a@1", "put a@2=", map[string][]string{"a": {"app"}}},
		{"our own answer is confirmed", "put a@1?", "put a@1", map[string][]string{"a": {"app"}}},
		{"a deletion begins", "put a@1", "deleting a u", map[string][]string{"a": {"app"}}},
		{"old news are no news", "put a@3", "put a@2, put a@3, remove a@1", nil},
		{"what isn't there can't go", "put a@3", "remove b@4, put c@5=", nil},
		{"a list tells what changed, and only that", "put a@1, put b@2, put c@3", "list ConfigMap 9 a@1 b@8 d@7=other", map[string][]string{
			"b": {"app"}, "c": {"app"}, "d": {"other"},
		}},
		{"a kind that is forgotten", "put a@1, put secret@2", "forget ConfigMap", map[string][]string{"a": {"app"}}},
		{"several changes come as one", "put a@1, put b@2", "put a@3=other, remove a@4, put b@5", map[string][]string{"a": {"app", "other"}, "b": {"app"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			v := New()
			play(t, v, tc.before)
			taken(v)
			play(t, v, tc.story)
			e := taken(v)
			var got map[string][]string
			for key, labels := range e.Objects {
				slices.Sort(labels)
				if got == nil {
					got = map[string][]string{}
				}
				got[key.Name] = slices.Compact(labels)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if e.Kinds {
				t.Error("the kinds are said to have changed")
			}
			if again := taken(v); again.Objects != nil || again.Kinds {
				t.Errorf("after all was taken there is %+v", again)
			}
		})
	}
}

func TestNewsOfKindsAreMergedWithThoseOfObjects(t *testing.T) {
	t.Parallel()
	for _, first := range []bool{true, false} {
		v := New()
		if first {
			v.TellKinds()
		}
		play(t, v, "put a@1")
		if !first {
			v.TellKinds()
		}
		if e := taken(v); !e.Kinds || len(e.Objects) != 1 {
			t.Errorf("kinds first %v: the event is %+v", first, e)
		}
		play(t, v, "put a@2")
		if e := taken(v); e.Kinds {
			t.Error("news of kinds are told twice")
		}
	}
}

// Many write, one takes and is slow. Whoever looks only at the objects that it
// was told of knows in the end all that the view knows, and so does each App.
func TestNoNewsAreLostOnASlowTaker(t *testing.T) {
	t.Parallel()
	const writers, writes, names = 4, 2000, 30
	v := New()
	labels := []string{"app", "other", "third"}
	var writing sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			random := rand.New(rand.NewPCG(uint64(w), 7))
			for i := range writes {
				version := uint64(1 + i*writers + w)
				key := keyOf(fmt.Sprint("n", random.IntN(names)))
				switch random.IntN(10) {
				case 0:
					v.Remove(key, version)
				case 1:
					v.TellKinds()
				default:
					v.Put(plan.Live{Key: key, UID: "u", Version: version, App: labels[random.IntN(3)], Own: true})
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { writing.Wait(); close(done) }()
	mirror, byApp := map[object.Key]plan.Live{}, map[string]map[object.Key]bool{}
	take := func(e Event) {
		for key, concerned := range e.Objects {
			l, there := v.Live(key)
			mirror[key] = l
			if !there {
				delete(mirror, key)
			}
			for _, label := range concerned { // each App that is told looks whether the object is its own
				if byApp[label] == nil {
					byApp[label] = map[object.Key]bool{}
				}
				byApp[label][key] = there && l.App == label
			}
		}
	}
	for writing := true; writing; {
		select {
		case e := <-v.events:
			take(e)
		case <-done:
			take(taken(v))
			writing = false
		}
	}
	if diff := cmp.Diff(v.records, mirror); diff != "" {
		t.Errorf("who listens knows something else (-view +told)\n%s", diff)
	}
	for _, label := range labels {
		told := map[object.Key]struct{}{}
		for key, own := range byApp[label] {
			if own {
				told[key] = struct{}{}
			}
		}
		if diff := cmp.Diff(v.byLabel[label], told); diff != "" {
			t.Errorf("%s knows something else of its objects (-view +told)\n%s", label, diff)
		}
	}
	indexed(t, v)
}

// Whatever the order in which a watch's and our own news of an object arrive,
// and however often, the newest holds.
func TestNewsInAnyOrderEndTheSame(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		v := New()
		news := []string{"put a@1", "put a@2?", "put a@2", "put a@3=other", "put a@4?", "put a@4", "put a@5"}
		if random.IntN(2) == 0 {
			news = append(news, "remove a@6")
		}
		last := news[len(news)-1]
		order := append(slices.Clone(news), news[random.IntN(len(news))], news[random.IntN(len(news))])
		random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		want := "a@5"
		if last == "remove a@6" {
			order, want = append([]string{"put a@1"}, order...), "" // it was there before it went
		}
		play(t, v, strings.Join(order, ", "))
		if got := told(v); got != want {
			t.Fatalf("%s\nends with %q, want %q", strings.Join(order, ", "), got, want)
		}
	}
}

// versionOf reads a version; what is none is 0.
func versionOf(text string) uint64 {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
