package sight

import (
	"testing"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
)

// A Job may be gone by the time that anyone looks how it ended.
func TestARunThatEndedIsKnownWhenItIsGone(t *testing.T) {
	t.Parallel()
	v := New()
	key := object.Key{Group: "batch", Kind: "Job", Namespace: "shop", Name: "migrate"}
	live := plan.Live{Key: key, UID: "u1", App: "team.shop", Version: 1, Run: &plan.Run{Token: "t"}}
	v.Put(live)
	v.Remove(key, 2)
	if _, known := v.Hooked(key); known {
		t.Error("of one that was deleted while it ran something is known")
	}
	live.Version, live.Run = 3, &plan.Run{Token: "t", Ended: true}
	v.Put(live)
	v.Remove(key, 4)
	if got, known := v.Hooked(key); !known || got.UID != "u1" || !got.Run.Ended {
		t.Errorf("of one that ended and is gone is known %+v", got)
	}
	if _, there := v.Live(key); there {
		t.Error("it counts as there")
	}
	live.Version, live.UID, live.Run = 5, "u2", &plan.Run{Token: "t2"}
	v.Put(live)
	if got, _ := v.Hooked(key); got.UID != "u2" {
		t.Errorf("the one before hides the next: %+v", got)
	}
}
