package deliver

import (
	"testing"
	"time"

	"plumb.dev/plumb/internal/object"
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
	got := fightMessage(key, take{field: "spec.replicas", pointer: "/spec/replicas", owner: "hpa"}, 5*time.Second)
	want := "hpa takes spec.replicas of Deployment/shop/web again and again; it is left alone for 5s. To leave it to them, add to the App: " +
		"ignore: [{kind: Deployment, name: web, fields: [/spec/replicas]}]"
	if got != want {
		t.Errorf("the message is\n%s\nwant\n%s", got, want)
	}
}

func TestBackoffGrowsAndIsBounded(t *testing.T) {
	t.Parallel()
	random := newRandom()
	for failures, most := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second, 50: lastRetry, 1 << 40: lastRetry} {
		for range 100 {
			if got := backoff(failures, random); got > most || got <= most/2-1 {
				t.Fatalf("after %d failures it waits %v, want between %v and %v", failures, got, most/2, most)
			}
		}
	}
}
