package drift

import (
	"testing"
	"time"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
)

func TestFight(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	ago := func(d time.Duration, field, owner string) take {
		return take{field: field, owner: owner, at: now.Add(-d)}
	}
	for _, tc := range []struct {
		name  string
		takes []take
		who   string
		truce time.Duration // from now
	}{
		{"nobody took anything", nil, "", 0},
		{"two takes are chance", []take{ago(2*time.Second, "a", "x"), ago(0, "a", "x")}, "", 0},
		{"three are a fight", []take{ago(4*time.Second, "a", "x"), ago(2*time.Second, "a", "x"), ago(0, "a", "x")}, "x", firstTruce},
		{"four wait twice as long", []take{ago(6*time.Second, "a", "x"), ago(4*time.Second, "a", "x"), ago(2*time.Second, "a", "x"), ago(0, "a", "x")}, "x", 2 * firstTruce},
		{"different managers", []take{ago(4*time.Second, "a", "x"), ago(2*time.Second, "a", "y"), ago(0, "a", "z")}, "", 0},
		{"different fields", []take{ago(4*time.Second, "a", "x"), ago(2*time.Second, "b", "x"), ago(0, "c", "x")}, "", 0},
		{"long ago", []take{ago(time.Hour, "a", "x"), ago(2*time.Second, "a", "x"), ago(0, "a", "x")}, "", 0},
		{"one fights among others", []take{ago(5*time.Second, "a", "x"), ago(4*time.Second, "b", "y"), ago(3*time.Second, "a", "x"), ago(0, "a", "x")}, "x", firstTruce},
	} {
		worst, until := fight(tc.takes, now)
		if worst.owner != tc.who || (tc.who != "" && until.Sub(now) != tc.truce) {
			t.Errorf("%s: %q until %v, want %q until %v", tc.name, worst.owner, until.Sub(now), tc.who, tc.truce)
		}
	}
	var many []take
	for i := range 1000 {
		many = append(many, ago(time.Duration(1000-i)*100*time.Millisecond, "a", "x"))
	}
	if _, until := fight(many, now); until.Sub(now) > lastTruce {
		t.Errorf("a truce of %v is too long", until.Sub(now))
	}
}

func TestAFightSaysHowToLeaveTheField(t *testing.T) {
	t.Parallel()
	key := object.Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var a Account
	for i := range fightTakes {
		if got := a.Fight(key, now); got != "" {
			t.Errorf("after %d takes there is a fight: %s", i, got)
		}
		a.PutRight([]plan.Field{{Path: "spec.replicas", Pointer: "/spec/replicas", Owner: "hpa"}}, now)
	}
	got := a.Fight(key, now)
	want := "hpa takes spec.replicas of Deployment/shop/web again and again; it is left alone for 5s. To leave it to them, add to the App: " +
		"ignore: [{kind: Deployment, name: web, fields: [/spec/replicas]}]"
	if got != want {
		t.Errorf("the message is\n%s\nwant\n%s", got, want)
	}
}

func TestASpellIsToldOnceAndClearsItself(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var a Account
	if !a.AlertAt().IsZero() {
		t.Error("an object in line is to be told")
	}
	a.Drifts(now)
	a.Drifts(now.Add(time.Second))
	if got := a.AlertAt(); got != now.Add(AlertAfter) {
		t.Errorf("drift is told at %v", got)
	}
	a.Alerted = true
	if !a.AlertAt().IsZero() {
		t.Error("drift is told twice")
	}
	if !a.Ends(now.Add(time.Hour)) || a.Alerted {
		t.Error("an alert doesn't clear itself")
	}
	a.Drifts(now.Add(2 * time.Hour))
	a.PutRight([]plan.Field{{Path: "x", Owner: "y"}}, now.Add(2*time.Hour))
	if a.Ends(now.Add(2 * time.Hour)) {
		t.Error("what may become a fight is forgotten")
	}
}
