package drift

import (
	"fmt"
	"testing"
	"time"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
)

var dawn = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// fields are some that one manager took.
func fields(owner string, names ...string) (taken []plan.Field) {
	for _, name := range names {
		taken = append(taken, plan.Field{Path: name, Pointer: "/" + name, Owner: owner})
	}
	return taken
}

// Someone takes the field again as soon as it is put right. The truces grow to
// the longest one, and stay there for as long as he goes on.
func TestAFightThatGoesOnIsLeftAloneLongerAndLonger(t *testing.T) {
	t.Parallel()
	var a Account
	now, longest := dawn, time.Duration(0)
	for round := range 60 {
		a.Drifts(now)
		a.PutRight(fields("hpa", "spec.replicas"), now)
		a.Ends(now)
		truce := time.Duration(0)
		if until := a.Truce(now); !until.IsZero() {
			truce = until.Sub(now)
		}
		if truce < longest {
			t.Fatalf("in round %d the truce is %v, after one of %v", round, truce, longest)
		}
		longest = truce
		now = now.Add(truce + time.Second)
	}
	if longest != lastTruce {
		t.Errorf("after 60 rounds the truce is %v, want %v", longest, lastTruce)
	}
}

// Two tools that hold the whole object take all its fields each time.
func TestAFightOverManyFieldsIsOneToo(t *testing.T) {
	t.Parallel()
	for _, many := range []int{1, 5, 11, 50} {
		var names []string
		for i := range many {
			names = append(names, fmt.Sprint("field", i))
		}
		var a Account
		now := dawn
		for range 10 {
			a.PutRight(fields("helm", names...), now)
			now = now.Add(time.Second)
		}
		if a.Truce(now).IsZero() {
			t.Errorf("%d fields that were taken ten times in ten seconds are no fight", many)
		}
	}
}

func TestAnotherEditMeanwhileIsNotPartOfTheFight(t *testing.T) {
	t.Parallel()
	var a Account
	now := dawn
	for range fightTakes {
		a.PutRight(fields("hpa", "spec.replicas"), now)
		now = now.Add(time.Second)
	}
	now = now.Add(5 * time.Minute) // the fight has been over for long
	a.PutRight(fields("ada", "spec.paused"), now)
	if until := a.Truce(now); !until.IsZero() {
		t.Errorf("one edit by another one is left alone for %v", until.Sub(now))
	}
}

func TestAnAccountStaysSmall(t *testing.T) {
	t.Parallel()
	var a Account
	for i := range 10_000 {
		a.PutRight(fields(fmt.Sprint("manager", i), "a", "b"), dawn.Add(time.Duration(i)*time.Second))
	}
	if len(a.takes) > mostTakes || cap(a.takes) > 4*mostTakes {
		t.Errorf("%d takes are kept, in room for %d", len(a.takes), cap(a.takes))
	}
}

func TestASpellCountsItsOwnAttempts(t *testing.T) {
	t.Parallel()
	var a Account
	for spell := range 3 {
		now := dawn.Add(time.Duration(spell) * time.Hour)
		a.Drifts(now)
		if a.Attempts != 0 || !a.Since.Equal(now) {
			t.Errorf("spell %d begins with %d attempts, at %v", spell, a.Attempts, a.Since)
		}
		a.PutRight(fields("ada", "a"), now)
		a.Drifts(now.Add(time.Second)) // it wasn't enough
		a.PutRight(fields("ada", "a"), now.Add(time.Second))
		if a.Attempts != 2 || !a.Since.Equal(now) {
			t.Errorf("spell %d has %d attempts and began at %v, want 2 and %v", spell, a.Attempts, a.Since, now)
		}
		if forget := a.Ends(now.Add(fightWindow)); forget {
			t.Error("what may still become a fight is forgotten")
		}
		if a.Reason != "" || !a.AlertAt().IsZero() {
			t.Errorf("after the spell it is told of %q at %v", a.Reason, a.AlertAt())
		}
	}
	if !a.Ends(dawn.Add(24 * time.Hour)) {
		t.Error("what is long over is kept")
	}
}

func TestAFightIsToldWhileItIsLeftAlone(t *testing.T) {
	t.Parallel()
	var a Account
	now := dawn
	for range fightTakes {
		a.PutRight(fields("", "spec.replicas"), now)
	}
	key := object.Key{Kind: "Deployment", Name: "web"}
	if got := a.Fight(key, now); got == "" {
		t.Error("a fight with nobody known is not told")
	}
	if got := a.Fight(key, a.Truce(now)); got != "" {
		t.Errorf("when the truce is over it is told that %s", got)
	}
	if !a.Truce(now.Add(-time.Hour)).Equal(now.Add(firstTruce)) {
		t.Error("a clock that jumps back ends a truce")
	}
}
