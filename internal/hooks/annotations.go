package hooks

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"plumb.dev/plumb/internal/release"
)

// The annotations that are read.
const (
	own       = "plumb.dev/hook"
	ownWeight = "plumb.dev/hook-weight"
	ownDelete = "plumb.dev/hook-delete"
	ownWave   = "plumb.dev/wave"

	helm       = "helm.sh/hook"
	helmWeight = "helm.sh/hook-weight"
	helmDelete = "helm.sh/hook-delete-policy"
	helmLog    = "helm.sh/hook-output-log-policy"
	helmKeep   = "helm.sh/resource-policy"

	argo        = "argocd.argoproj.io/hook"
	argoDelete  = "argocd.argoproj.io/hook-delete-policy"
	argoWave    = "argocd.argoproj.io/sync-wave"
	argoSync    = "argocd.argoproj.io/sync-options"
	argoCompare = "argocd.argoproj.io/compare-options"
)

// MarkRun is the annotation that a hook's object carries; see Mark.
const MarkRun = "plumb.dev/hook-run"

// skip is the hook that is nothing: the object isn't applied.
const skip = "skip"

// dialect is how one tool writes hooks.
type dialect struct {
	hook, weight, delete string
	events               map[string][]Event // by name in lower case; without events it never runs
	plain                []string           // names that mean an ordinary object
	policies             map[string]Policy
	serial               bool
}

// dialects are all there are; the first that an object speaks counts.
func dialects() []dialect {
	return []dialect{
		{
			hook: own, weight: ownWeight, delete: ownDelete,
			events: map[string][]Event{
				"pre-sync": {{Phase: PreSync}}, "sync": {{Phase: Sync}}, "post-sync": {{Phase: PostSync}}, "sync-fail": {{Phase: SyncFail}},
				"pre-delete": {{Phase: PreDelete}}, "post-delete": {{Phase: PostDelete}}, skip: nil,
			},
			policies: map[string]Policy{"before-creation": BeforeCreation, "succeeded": OnSuccess, "failed": OnFailure},
		},
		{
			hook: argo, delete: argoDelete,
			events: map[string][]Event{
				"presync": {{Phase: PreSync}}, "sync": {{Phase: Sync}}, "postsync": {{Phase: PostSync}}, "syncfail": {{Phase: SyncFail}},
				"predelete": {{Phase: PreDelete}}, "postdelete": {{Phase: PostDelete}}, skip: nil,
			},
			policies: map[string]Policy{"beforehookcreation": BeforeCreation, "hooksucceeded": OnSuccess, "hookfailed": OnFailure},
		},
		{
			hook: helm, weight: helmWeight, delete: helmDelete, serial: true,
			events: map[string][]Event{
				"pre-install": {{PreSync, release.Install}}, "post-install": {{PostSync, release.Install}},
				"pre-upgrade": {{PreSync, release.Upgrade}}, "post-upgrade": {{PostSync, release.Upgrade}},
				"pre-rollback": {{PreSync, release.Rollback}}, "post-rollback": {{PostSync, release.Rollback}},
				"pre-delete": {{Phase: PreDelete}}, "post-delete": {{Phase: PostDelete}},
				"test": nil, "test-success": nil, "test-failure": nil,
			},
			plain:    []string{"crd-install"},
			policies: map[string]Policy{"before-hook-creation": BeforeCreation, "hook-succeeded": OnSuccess, "hook-failed": OnFailure},
		},
	}
}

// reading is what an object's annotations say.
type reading struct {
	hook    *Hook // without its object; nil for an ordinary one
	notices []string
}

func (r *reading) notice(form string, args ...any) {
	r.notices = append(r.notices, fmt.Sprintf(form, args...))
}

// read reads what annotations say of hooks.
func read(annotations map[string]string) (r reading) {
	for _, d := range dialects() {
		if text := annotations[d.hook]; strings.TrimSpace(text) != "" {
			d.read(&r, text, annotations)
			return r
		}
	}
	return r
}

// read reads the annotations of one tool.
func (d dialect) read(r *reading, text string, annotations map[string]string) {
	h := Hook{Serial: d.serial}
	hook := false
	for name := range words(text) {
		events, known := d.events[name]
		switch {
		case known:
			hook = true
			h.Events = append(h.Events, events...)
		case slices.Contains(d.plain, name):
		default:
			hook = true // applied like any other object, it would run each time that it drifts
			r.notice("%s: %q is no hook that Plumb knows, and never runs", d.hook, name)
		}
	}
	if !hook {
		return
	}
	r.hook = &h
	if weight := strings.TrimSpace(annotations[d.weight]); d.weight != "" && weight != "" {
		n, err := strconv.Atoi(weight)
		if err != nil {
			r.notice("%s: %q is not a number; it counts as 0", d.weight, weight)
		}
		h.Weight = n
	}
	for name := range words(annotations[d.delete]) {
		p, known := d.policies[name]
		if !known {
			r.notice("%s: %q is no policy that Plumb knows", d.delete, name)
			continue
		}
		h.Delete = append(h.Delete, p)
	}
	if len(h.Delete) == 0 {
		h.Delete = []Policy{BeforeCreation}
	}
}

// words are the parts of a comma list, in lower case and without what is empty.
func words(list string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for word := range strings.SplitSeq(list, ",") {
			if word = strings.ToLower(strings.TrimSpace(word)); word != "" && !yield(word) {
				return
			}
		}
	}
}

// mostWave bounds waves as Kubernetes bounds what counts up: nobody has more.
const mostWave = 1 << 30

// Wave is the wave of an object; where it can't be read, 0 and why.
func Wave(annotations map[string]string) (int, error) {
	for _, name := range []string{ownWave, argoWave} {
		text, given := annotations[name]
		if !given {
			continue
		}
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n > mostWave || n < -mostWave {
			return 0, fmt.Errorf("%s: %q is not a whole number; it counts as 0", name, text)
		}
		return n, nil
	}
	return 0, nil
}
