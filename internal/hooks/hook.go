package hooks

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/release"
)

// Phase is a moment of a release at which hooks run.
type Phase string

// The phases.
const (
	PreSync    Phase = "pre-sync"    // before anything is applied
	Sync       Phase = "sync"        // with the objects of its wave
	PostSync   Phase = "post-sync"   // when all is applied and healthy
	SyncFail   Phase = "sync-fail"   // when the release failed
	PreDelete  Phase = "pre-delete"  // before the objects of a removed App are deleted
	PostDelete Phase = "post-delete" // when they are gone
)

// Event is a moment at which a hook runs.
type Event struct {
	Phase Phase
	Only  release.Occasion // empty is any
}

// Policy says when the object of a hook is deleted.
type Policy string

// The policies.
const (
	BeforeCreation Policy = "before-creation" // before it is made again
	OnSuccess      Policy = "succeeded"       // when the phase is over, and it had succeeded
	OnFailure      Policy = "failed"          // when the phase is over, and it had failed
)

// Hook is an object that a release makes once.
type Hook struct {
	Desired plan.Desired // its wave included
	Events  []Event
	Weight  int
	// Serial says that nothing of the same phase runs beside it, as is Helm's way.
	Serial bool
	Delete []Policy
	// Generated says that its name ends otherwise in each release.
	Generated bool
	// Limit is how long it may take by its own word; 0 is the App's health.timeout.
	Limit time.Duration
}

// Deletes says whether a policy is the hook's.
func (h Hook) Deletes(p Policy) bool { return slices.Contains(h.Delete, p) }

// runs says whether the hook runs at a phase of a release.
func (h Hook) runs(at Phase, o release.Occasion) bool {
	return slices.ContainsFunc(h.Events, func(e Event) bool { return e.Phase == at && (e.Only == "" || e.Only == o) })
}

// ForDeletion says whether the hook runs when its App is removed.
func (h Hook) ForDeletion() bool {
	return slices.ContainsFunc(h.Events, func(e Event) bool { return e.Phase == PreDelete || e.Phase == PostDelete })
}

// Of lists the hooks of a phase in the order they run: by wave, weight, what
// others rely on, and name.
func Of(all []Hook, at Phase, o release.Occasion) []Hook {
	var list []Hook
	for _, h := range all {
		if h.runs(at, o) {
			list = append(list, h)
		}
	}
	slices.SortStableFunc(list, func(a, b Hook) int {
		return cmp.Or(rank(a, b), strings.Compare(a.Desired.Key.Kind, b.Desired.Key.Kind), strings.Compare(a.Desired.Key.Name, b.Desired.Key.Name))
	})
	return list
}

// rank compares what decides whether one hook waits for another.
func rank(a, b Hook) int {
	return cmp.Or(cmp.Compare(a.Desired.Wave, b.Desired.Wave), cmp.Compare(a.Weight, b.Weight), cmp.Compare(a.Desired.Stage, b.Desired.Stage))
}

// together says whether two hooks that follow each other run side by side.
func together(a, b Hook) bool { return rank(a, b) == 0 && !a.Serial && !b.Serial }

// Planned lists the hooks that a release would run if all goes well, as a plan
// shows them.
func Planned(all []Hook, o release.Occasion, phases ...Phase) (planned []plan.Hook) {
	for _, phase := range phases {
		for _, h := range Of(all, phase, o) {
			d := h.Desired
			planned = append(planned, plan.Hook{Phase: string(phase), Key: d.Key, Origin: d.Origin, Wave: d.Wave, Digest: d.Digest})
		}
	}
	return planned
}

// Kinds lists the kinds of some hooks, each once.
func Kinds(all []Hook) (kinds []schema.GroupKind) {
	for _, h := range all {
		if gk := h.Desired.Key.GroupKind(); !slices.Contains(kinds, gk) {
			kinds = append(kinds, gk)
		}
	}
	return kinds
}
