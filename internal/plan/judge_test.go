package plan

import (
	"strings"
	"testing"

	"plumb.dev/plumb/internal/health"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/status"
)

// world is what Judge looks at: an object that is in line, changed by each case.
type world struct {
	desired Desired
	live    Live
	applied Applied
}

func inLine() world {
	key := object.Key{Kind: "ConfigMap", Namespace: "shop", Name: "a"}
	return world{
		desired: Desired{Key: key, Digest: "d1"},
		live:    Live{Key: key, UID: "u1", Version: 7, App: "shop.web", Own: true, Digest: "d1", Fingerprint: 11},
		applied: Applied{UID: "u1", Digest: "d1", Fingerprint: 11},
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		change func(*world)
		want   Standing
	}{
		{"nothing changed", func(*world) {}, InLine},

		{"it was never seen nor applied", func(w *world) { w.live, w.applied = Live{}, Applied{} }, Missing},
		{"it was applied and isn't there", func(w *world) { w.live = Live{} }, Gone},
		{"it isn't there, and was last applied otherwise", func(w *world) { w.live, w.applied.Digest = Live{}, "d0" }, Missing},

		{"another App has it", func(w *world) { w.live.App = "shop.db" }, Foreign},
		{"another App has it, though it has all that we left", func(w *world) { w.live.App = ""; w.live.Digest = "d1" }, Foreign},
		{"another App's is being deleted: still not ours", func(w *world) { w.live.App, w.live.Deleting = "shop.db", true }, Foreign},

		{"it is being deleted", func(w *world) { w.live.Deleting = true }, Terminating},
		{"it is being deleted, and declared otherwise", func(w *world) { w.live.Deleting, w.desired.Digest = true, "d2" }, Terminating},
		{"it is being deleted, and someone changed it", func(w *world) { w.live.Deleting, w.live.Fingerprint = true, 12 }, Terminating},

		{"it is declared otherwise", func(w *world) { w.desired.Digest = "d2" }, Changed},
		{"it is declared otherwise, and someone changed it", func(w *world) { w.desired.Digest, w.live.Fingerprint = "d2", 12 }, Changed},
		{"it is declared otherwise, and nothing is remembered", func(w *world) { w.desired.Digest, w.applied = "d2", Applied{} }, Changed},
		{"it is declared as it was before the last apply", func(w *world) { w.desired.Digest, w.live.Digest, w.applied.Digest = "d1", "d2", "d2" }, Changed},
		{"it carries our label, but no digest, and nothing is remembered", func(w *world) { w.live.Digest, w.applied = "", Applied{} }, Changed},

		{"someone changed a field", func(w *world) { w.live.Fingerprint = 12 }, Moved},
		{"someone took all our fields", func(w *world) { w.live.Fingerprint = 0 }, Moved},
		{"someone took the digest", func(w *world) { w.live.Digest, w.live.Fingerprint = "", 12 }, Moved},
		{"someone wrote another digest", func(w *world) { w.live.Digest, w.live.Fingerprint = "forged", 12 }, Moved},
		{"it was made anew by someone, with our marks", func(w *world) { w.live.UID = "u2" }, Moved},
		{"it was made anew by someone, with our label and other content", func(w *world) { w.live.UID, w.live.Digest = "u2", "d0" }, Moved},
		{"it is as declared, but nothing is remembered of it", func(w *world) { w.applied = Applied{} }, Unsure},
		{"what is remembered is of an older declaration", func(w *world) { w.applied.Digest = "d0" }, Unsure},
		{"no fingerprint was told at the apply", func(w *world) { w.applied.Fingerprint = 0 }, Unsure},
		{"no fingerprint then and none now: nothing to trust", func(w *world) { w.applied.Fingerprint, w.live.Fingerprint = 0, 0 }, Unsure},

		{"all is empty but the object's being there", func(w *world) { *w = world{live: Live{UID: "u1", App: "shop.web"}} }, Unsure},
		{"all is empty", func(w *world) { *w = world{} }, Missing},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := inLine()
			tc.change(&w)
			if got := Judge("shop.web", w.desired, w.live, w.applied); got != tc.want {
				t.Errorf("it stands %d, want %d", got, tc.want)
			}
		})
	}
}

func TestJudgeLooksAtNothingElse(t *testing.T) {
	t.Parallel()
	w := inLine()
	w.desired.Body, w.desired.Revision, w.desired.Stage = []byte("{}"), "c1", StageWorkload
	w.desired.Origin = object.Origin{File: "a.yaml", Line: 3}
	w.live.Version, w.live.Revision, w.live.Origin, w.live.Root = 99, "c0", "b.yaml", "elsewhere"
	w.live.Keep, w.live.Provisional, w.live.Own = true, true, false
	w.live.Health = health.Verdict{Health: status.Degraded}
	if got := Judge("shop.web", w.desired, w.live, w.applied); got != InLine {
		t.Errorf("it stands %d, want in line", got)
	}
}

// Whatever is remembered wrongly, an object is trusted only when all four agree:
// the object, the digest that it carries, the one that was applied, and a
// fingerprint that is there.
func TestOnlyWhatAgreesInEverythingIsInLine(t *testing.T) {
	t.Parallel()
	words, prints := [3]string{"", "x", "y"}, [3]uint64{0, 1, 2}
	inLine := 0
	for n := range 3 * 3 * 3 * 3 * 3 * 3 {
		l := Live{UID: words[n%3], App: "app", Digest: words[n/3%3], Fingerprint: prints[n/9%3]}
		a := Applied{UID: words[n/27%3], Digest: words[n/81%3], Fingerprint: prints[n/243]}
		got := Judge("app", Desired{Digest: "x"}, l, a) == InLine
		want := l.UID != "" && l.Fingerprint != 0 && l.Digest == "x" && a == Applied{UID: l.UID, Digest: "x", Fingerprint: l.Fingerprint}
		if got != want {
			t.Errorf("in line is %v for %+v and %+v, want %v", got, l, a, want)
		}
		if got {
			inLine++
		}
	}
	if inLine != 4 {
		t.Errorf("%d of all are in line, want 4", inLine)
	}
}

func TestStageOf(t *testing.T) {
	t.Parallel()
	kinds := map[string]Stage{
		"/Namespace": StageNamespace,
		"apiextensions.k8s.io/CustomResourceDefinition": StageDefinition,
		"/Secret":         StageFoundation,
		"/ConfigMap":      StageFoundation,
		"/ServiceAccount": StageFoundation,
		"/Service":        StageFoundation,
		"rbac.authorization.k8s.io/ClusterRoleBinding": StageFoundation,
		"scheduling.k8s.io/PriorityClass":              StageFoundation,
		"/PersistentVolumeClaim":                       StageFoundation,
		"apps/Deployment":                              StageWorkload,
		"/Pod":                                         StageWorkload,
		"batch/Job":                                    StageWorkload,
		"autoscaling/HorizontalPodAutoscaler":          StageRest,
		"networking.k8s.io/Ingress":                    StageRest,
		"example.com/Gear":                             StageRest,
		"admissionregistration.k8s.io/ValidatingWebhookConfiguration": StageAdmission,
		"admissionregistration.k8s.io/MutatingWebhookConfiguration":   StageAdmission,
		"apiregistration.k8s.io/APIService":                           StageAdmission,
		"example.com/Namespace":                                       StageRest, // only the cluster's own kinds are meant
		"example.com/CustomResourceDefinition":                        StageRest,
		"apps/Namespace":                                              StageRest,
		"/Deployment":                                                 StageRest,
		"":                                                            StageRest,
		"admissionregistration.k8s.io/ValidatingAdmissionPolicyUnheard": StageRest,
	}
	for kind, want := range kinds {
		group, name, _ := strings.Cut(kind, "/")
		if got := StageOf(object.Key{Group: group, Kind: name, Namespace: "shop", Name: "a"}); got != want {
			t.Errorf("%q is of stage %d, want %d", kind, got, want)
		}
	}
	order := []Stage{StageNamespace, StageDefinition, StageFoundation, StageWorkload, StageRest, StageAdmission}
	if len(order) != Stages {
		t.Errorf("there are %d stages, want %d", Stages, len(order))
	}
	for i, stage := range order {
		if int(stage) != i {
			t.Errorf("stage %d comes at place %d", stage, i)
		}
	}
	for kind, stage := range stageOf {
		if stage < 0 || int(stage) >= Stages || stage == StageRest {
			t.Errorf("%s is named with stage %d", kind, stage)
		}
	}
}
