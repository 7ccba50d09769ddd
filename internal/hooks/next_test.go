package hooks

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/release"
)

// hook is one of a name, such as "a pre-sync", with what is changed of it.
func hook(name string, phase Phase, change ...func(*Hook)) Hook {
	h := Hook{Events: []Event{{Phase: phase}}, Delete: []Policy{BeforeCreation}, Desired: plan.Desired{Key: object.Key{Kind: "Pod", Name: name}, Digest: "d" + name}}
	for _, c := range change {
		c(&h)
	}
	return h
}

func weighs(n int) func(*Hook)            { return func(h *Hook) { h.Weight = n } }
func inWave(n int) func(*Hook)            { return func(h *Hook) { h.Desired.Wave = n } }
func deletes(p ...Policy) func(*Hook)     { return func(h *Hook) { h.Delete = p } }
func only(o release.Occasion) func(*Hook) { return func(h *Hook) { h.Events[0].Only = o } }
func serial(h *Hook)                      { h.Serial = true }

const token = "0123456789"

// scene is what is known of some runs, written as "PHASE NAME STATE LIVE": LIVE is
// what the view tells.
func scene(text ...string) Facts {
	f := Facts{Token: token, Occasion: release.Upgrade, Phase: PreSync, Timeout: time.Minute}
	live := map[object.Key]plan.Live{}
	for _, one := range text {
		var phase, name, state, view string
		if _, err := fmt.Sscan(one, &phase, &name, &state, &view); err != nil {
			panic(one + ": " + err.Error())
		}
		run := release.HookRun{Phase: phase, Object: object.Key{Kind: "Pod", Name: name}, State: release.HookState(state), Started: began}
		if state != string(release.HookStarting) {
			run.UID = "u-" + name
		}
		if run.State == release.HookFailed {
			run.Message = "broke"
		}
		f.Runs = append(f.Runs, run)
		l := plan.Live{Key: run.Object, UID: "u-" + name, Run: &plan.Run{Token: Mark(token, phase)}}
		switch view {
		case "gone":
			continue
		case "runs":
		case "deleting":
			l.Deleting = true
		case "succeeded":
			l.Run.Ended = true
		case "failed":
			l.Run.Ended, l.Run.Failed, l.Run.Message = true, true, "exit 1"
		case "foreign":
			l.Run = nil
		case "older":
			l.UID, l.Run.Token = "u-old", Mark("another", phase)
		}
		live[run.Object] = l
	}
	f.Live = func(key object.Key) (plan.Live, bool) { l, ok := live[key]; return l, ok }
	return f
}

var began = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// text is a decision as the table has it.
func (d Decision) text() string {
	var parts []string
	add := func(form string, args ...any) { parts = append(parts, fmt.Sprintf(form, args...)) }
	for _, h := range d.Starts {
		add("start %s", h.Desired.Key.Name)
	}
	for _, e := range d.Ends {
		add("end %d %s%s", e.Run, e.State, strings.TrimRight(": "+e.Message, ": "))
	}
	for _, i := range d.Deletes {
		add("delete %d", i)
	}
	switch {
	case d.Step == Wait:
		add("wait")
	case d.Failed != "":
		add("failed")
	case d.Step == Done:
		add("done")
	}
	return strings.Join(parts, ", ")
}

func TestNext(t *testing.T) {
	t.Parallel()
	at := func(p Phase, f Facts) Facts { f.Phase = p; return f }
	two := []Hook{hook("a", PreSync), hook("b", PreSync)}
	for _, tc := range []struct {
		name  string
		hooks []Hook
		facts Facts
		late  bool
		want  string
	}{
		{"no hooks", nil, scene(), false, "done"},
		{"hooks of other phases", []Hook{hook("a", PostSync)}, scene(), false, "done"},
		{"of one rank they start together", two, scene(), false, "start a, start b"},
		{"but Helm's one by one", []Hook{hook("b", PreSync, serial), hook("a", PreSync, serial)}, scene(), false, "start a"},
		{"and the next when it succeeded", []Hook{hook("b", PreSync, serial), hook("a", PreSync, serial)}, scene("pre-sync a Succeeded succeeded"), false, "start b"},
		{"by weight", []Hook{hook("a", PreSync, weighs(1)), hook("b", PreSync, weighs(-1))}, scene(), false, "start b"},
		{"by wave before weight", []Hook{hook("a", PreSync, weighs(-5), inWave(1)), hook("b", PreSync)}, scene(), false, "start b"},
		{"only on upgrades", []Hook{hook("a", PreSync, only(release.Install)), hook("b", PreSync, only(release.Upgrade))}, scene(), false, "start b"},
		{"one runs", two, scene("pre-sync a Running runs", "pre-sync b Succeeded succeeded"), false, "wait"},
		{"one ended", two, scene("pre-sync a Running succeeded", "pre-sync b Running runs"), false, "end 0 Succeeded"},
		{"one failed", two, scene("pre-sync a Running failed", "pre-sync b Running runs"), false, "end 0 Failed: exit 1"},
		{"the other is awaited before the phase fails", two, scene("pre-sync a Failed failed", "pre-sync b Running runs"), false, "wait"},
		{"then it fails", two, scene("pre-sync a Failed failed", "pre-sync b Succeeded succeeded"), false, "failed"},
		{"and nothing after it starts", []Hook{hook("a", PreSync), hook("b", PreSync, weighs(1))}, scene("pre-sync a Failed failed"), false, "failed"},
		{"all succeeded", two, scene("pre-sync a Succeeded gone", "pre-sync b Succeeded succeeded"), false, "done"},
		{"it was deleted while it ran", two[:1], scene("pre-sync a Running gone"), false, "end 0 Failed: it was deleted before its end was seen"},
		{"it is being deleted while it runs", two[:1], scene("pre-sync a Running deleting"), false, "end 0 Failed: it was deleted before its end was seen"},
		{"another has its name", two[:1], scene("pre-sync a Running older"), false, "end 0 Failed: it was deleted before its end was seen"},
		{"it doesn't end in time", two[:1], scene("pre-sync a Running runs"), true, "end 0 Failed: it did not end in time"},
		{"it took longer by its own word", []Hook{hook("a", PreSync, func(h *Hook) { h.Limit = time.Hour })}, scene("pre-sync a Running runs"), true, "wait"},
		{"recorded, and killed before it was made", two[:1], scene("pre-sync a Starting gone"), false, "start a"},
		{"recorded, and killed after it was made", two[:1], scene("pre-sync a Starting runs"), false, "start a"},
		{"recorded, killed, and it ended", two[:1], scene("pre-sync a Starting succeeded"), false, "end 0 Succeeded"},
		{"the one before it is being deleted", two[:1], scene("pre-sync a Starting deleting"), false, "wait"},
		{"and doesn't go", two[:1], scene("pre-sync a Starting deleting"), true, "end 0 Failed: it could not be made in time"},
		{"it isn't declared any more, and runs", nil, scene("pre-sync a Running runs"), false, "wait"},
		{"it isn't declared any more, and wasn't made", nil, scene("pre-sync a Starting gone"), false, "end 0 Failed: it was not made before it ceased to be declared"},
		{"what runs of another phase comes first", []Hook{hook("a", PreSync), hook("c", SyncFail)}, at(SyncFail, scene("pre-sync a Running runs")), false, "wait"},
		{"the same hook in two phases", []Hook{{Events: []Event{{Phase: PreSync}, {Phase: PostSync}}, Desired: hook("a", PreSync).Desired}}, at(PostSync, scene("pre-sync a Succeeded succeeded")), false, "start a"},
		{"deleted when the phase is over", []Hook{hook("a", PreSync, deletes(OnSuccess)), hook("b", PreSync, weighs(1))}, scene("pre-sync a Succeeded succeeded"), false, "start b"},
		{"which it is then", []Hook{hook("a", PreSync, deletes(OnSuccess)), hook("b", PreSync, weighs(1))}, scene("pre-sync a Succeeded succeeded", "pre-sync b Succeeded succeeded"), false, "delete 0"},
		{"kept where it failed", []Hook{hook("a", PreSync, deletes(OnSuccess))}, scene("pre-sync a Failed failed"), false, "failed"},
		{"deleted where it failed", []Hook{hook("a", PreSync, deletes(OnFailure))}, scene("pre-sync a Failed failed"), false, "delete 0"},
		{"a sync hook waits for its wave", []Hook{hook("a", Sync, inWave(1))}, at(Sync, scene()), false, "done"},
		{"and runs then", []Hook{hook("a", Sync, inWave(1))}, func() Facts { f := at(Sync, scene()); f.Wave = 1; return f }(), false, "start a"},
	} {
		now := began.Add(time.Second)
		if tc.late {
			now = began.Add(2 * time.Minute)
		}
		if got := Next(tc.hooks, tc.facts, now).text(); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}

func TestWalk(t *testing.T) {
	t.Parallel()
	all := []Hook{
		hook("pre", PreSync), hook("one", Sync, inWave(1)), hook("post", PostSync), hook("sorry", SyncFail), hook("bye", PreDelete), hook("gone", PostDelete),
	}
	pre, one := "pre-sync pre Succeeded succeeded", "sync one Succeeded succeeded"
	everywhere := func(int) bool { return true }
	nowhere := func(int) bool { return false }
	for _, tc := range []struct {
		name  string
		facts Facts
		m     Moment
		want  string
	}{
		{"nothing to do", scene(), Moment{}, "done"},
		{"something is to be applied", scene(), Moment{Left: 1, Reached: nowhere}, "start pre holds barrier 1"},
		{"only the hooks changed", scene(), Moment{Due: true, Reached: nowhere}, "start pre holds barrier 1"},
		{"only the last hook changed", scene(pre, one), Moment{Due: true, Healthy: true, Reached: everywhere}, "start post"},
		{"and something isn't healthy", scene(pre, one), Moment{Due: true, Reached: everywhere}, "done"},
		{"the first runs", scene("pre-sync pre Running runs"), Moment{Begun: true, Left: 1, Reached: nowhere}, "wait holds barrier 1"},
		{"it ended", scene(pre), Moment{Begun: true, Left: 1, Reached: nowhere}, "done barrier 1"},
		{"it failed", scene("pre-sync pre Failed failed"), Moment{Begun: true, Left: 1, Reached: nowhere}, "failed holds barrier 1"},
		{"wave 1 is there", scene(pre), Moment{Begun: true, Left: 1, Reached: everywhere}, "start one barrier 1"},
		{"its hook runs", scene(pre, "sync one Running runs"), Moment{Begun: true, Left: 1, Reached: everywhere}, "wait barrier 1"},
		{"its hook ended", scene(pre, one), Moment{Begun: true, Left: 1, Reached: everywhere}, "done"},
		{"all is applied", scene(pre, one), Moment{Begun: true, Applied: true, Reached: everywhere}, "done"},
		{"and healthy", scene(pre, one), Moment{Begun: true, Applied: true, Healthy: true, Reached: everywhere}, "start post"},
		{"but something is still to be pruned", scene(pre, one), Moment{Begun: true, Applied: true, Healthy: true, Left: 1, Reached: everywhere}, "done"},
		{"it failed, and says so", scene(pre), Moment{Begun: true, Ending: true, Left: 3, Reached: everywhere}, "start sorry holds"},
		{"and that failed too", scene("sync-fail sorry Failed failed"), Moment{Begun: true, Ending: true, Reached: everywhere}, "done holds"},
		{"the App goes", scene(), Moment{Removed: true, Left: 2}, "start bye holds"},
		{"and may go", scene("pre-delete bye Succeeded succeeded"), Moment{Removed: true, Begun: true, Left: 2}, "done"},
		{"and is gone", scene("pre-delete bye Succeeded gone"), Moment{Removed: true, Begun: true}, "start gone holds"},
		{"which had nothing", scene(), Moment{Removed: true}, "done"},
		{"it could not go", scene("pre-delete bye Failed failed"), Moment{Removed: true, Begun: true, Ending: true, Left: 2}, "done holds"},
	} {
		s := Walk(all, tc.facts, tc.m, began.Add(time.Second))
		got := s.text()
		if s.Holds {
			got += " holds"
		}
		if s.HasBarrier {
			got += fmt.Sprint(" barrier ", s.Barrier)
		}
		if got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}

// Of whatever mix of hooks, each runs once and at most once, those of a lower
// rank end before those of a higher begin, and it comes to an end.
func TestEachRunsOnce(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		var all []Hook
		for i := range 1 + r.IntN(8) {
			h := hook(fmt.Sprint("h", i), PreSync, weighs(r.IntN(3)), inWave(r.IntN(2)))
			h.Serial = r.IntN(3) == 0
			h.Delete = []Policy{[]Policy{BeforeCreation, OnSuccess, OnFailure}[r.IntN(3)]}
			all = append(all, h)
		}
		fails := r.IntN(20)
		play(t, seed, all, fails, r)
	}
}

// play runs hooks to their end; the one at the place fails.
func play(t *testing.T, seed uint64, all []Hook, fails int, r *rand.Rand) {
	t.Helper()
	live := map[object.Key]plan.Live{}
	f := Facts{Token: token, Occasion: release.Install, Phase: PreSync, Timeout: time.Hour, Live: func(k object.Key) (plan.Live, bool) { l, ok := live[k]; return l, ok }}
	made := map[object.Key]int{}
	for range 1000 {
		switch d := Next(all, f, began); d.Step {
		case Done:
			if d.Failed == "" && len(made) != len(all) {
				t.Fatalf("seed %d: %d of %d hooks ran", seed, len(made), len(all))
			}
			if fails < len(all) != (d.Failed != "") {
				t.Fatalf("seed %d: the phase ended with %q", seed, d.Failed)
			}
			return
		case Start:
			for _, h := range d.Starts {
				for _, run := range f.Runs {
					if other := hookOf(all, run, token); rank(*other, h) < 0 && run.State != release.HookSucceeded {
						t.Fatalf("seed %d: %s began before %s ended", seed, h.Desired.Key, run.Object)
					}
				}
				key := h.Key(token)
				made[key]++
				if made[key] > 1 {
					t.Fatalf("seed %d: %s began twice", seed, key)
				}
				f.Runs = append(f.Runs, release.HookRun{Phase: string(PreSync), Object: key, State: release.HookRunning, UID: "u", Started: began})
				live[key] = plan.Live{Key: key, UID: "u", Run: &plan.Run{Token: Mark(token, string(PreSync))}}
			}
		case Wait:
			for key, l := range live {
				if run := *l.Run; !run.Ended && r.IntN(2) == 0 {
					run.Ended, run.Failed = true, fails < len(all) && key == all[fails].Key(token)
					l.Run = &run
					live[key] = l
				}
			}
		case End:
			for _, e := range d.Ends {
				f.Runs[e.Run].State = e.State
			}
		case Delete:
			for _, i := range d.Deletes {
				f.Runs[i].Deleted = true
				delete(live, f.Runs[i].Object)
			}
		}
	}
	t.Fatalf("seed %d: it never ended", seed)
}
