package health

import (
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/status"
)

// Judge judges objects: by the rules of their App, or else by the built-in rule
// for their kind, or else by the habits that controllers share. It reads and
// compiles a rule when it meets the first object of its kind. It is safe for
// concurrent use.
type Judge struct {
	language func() (language, error)
	custom   *rule // of custom kinds that no rule is for

	mu      sync.RWMutex
	builtin map[schema.GroupKind]*rule // of the kinds met so far; nil where there is none
	shared  map[v1alpha1.HealthRule]*sharedRule
	apps    map[string]map[schema.GroupKind]v1alpha1.HealthRule
}

// sharedRule is a rule that some Apps have in common.
type sharedRule struct {
	*rule
	apps int
}

// NewJudge is a Judge that knows the built-in rules.
func NewJudge() *Judge {
	j := &Judge{
		language: lazily(newLanguage), builtin: map[schema.GroupKind]*rule{},
		shared: map[v1alpha1.HealthRule]*sharedRule{}, apps: map[string]map[schema.GroupKind]v1alpha1.HealthRule{},
	}
	j.custom = j.ruleFor(schema.GroupKind{Group: anyGroup, Kind: "*"})
	return j
}

// Of judges a whole object of an App, named by its label.
func (j *Judge) Of(app string, o *unstructured.Unstructured) Verdict {
	if o.GetDeletionTimestamp() != nil {
		return DeletingAs(o)
	}
	gk := o.GroupVersionKind().GroupKind()
	if r := j.find(app, gk); r != nil {
		if v, decided := r.judge(o); decided {
			return v
		}
	}
	v := byHabit(o)
	if v.Health != status.Healthy || isKubernetes(gk.Group) {
		return v
	}
	v, _ = j.custom.judge(o)
	return v
}

// find is the rule for a kind in an App, or nil.
func (j *Judge) find(app string, gk schema.GroupKind) *rule {
	j.mu.RLock()
	own, isOwn := j.apps[app][gk]
	shared := j.shared[own]
	found, met := j.builtin[gk]
	j.mu.RUnlock()
	switch {
	case isOwn && shared != nil:
		return shared.rule
	case met:
		return found
	}
	found = j.ruleFor(gk)
	j.mu.Lock()
	defer j.mu.Unlock()
	if before, met := j.builtin[gk]; met {
		return before
	}
	j.builtin[gk] = found
	return found
}

// Set gives an App, named by its label, rules of its own in place of those that
// it had. It returns the kinds whose objects are to be judged anew. The rules
// were checked before.
func (j *Judge) Set(app string, rules []v1alpha1.HealthRule) (changed []schema.GroupKind) {
	j.mu.Lock()
	defer j.mu.Unlock()
	before, after := j.apps[app], map[schema.GroupKind]v1alpha1.HealthRule{}
	for _, r := range rules {
		if gk := (schema.GroupKind{Group: r.Group, Kind: r.Kind}); after[gk] == (v1alpha1.HealthRule{}) {
			after[gk] = r // the first of a kind counts
		}
	}
	for gk, r := range after {
		if before[gk] != r {
			changed = append(changed, gk)
		}
		j.share(r)
	}
	for gk, r := range before {
		if _, still := after[gk]; !still {
			changed = append(changed, gk)
		}
		j.unshare(r)
	}
	if len(after) == 0 {
		delete(j.apps, app)
	} else {
		j.apps[app] = after
	}
	slices.SortFunc(changed, func(a, b schema.GroupKind) int { return strings.Compare(a.String(), b.String()) })
	return changed
}

func (j *Judge) share(r v1alpha1.HealthRule) {
	if j.shared[r] == nil {
		j.shared[r] = &sharedRule{rule: newRule(j.language, r)}
	}
	j.shared[r].apps++
}

func (j *Judge) unshare(r v1alpha1.HealthRule) {
	if j.shared[r].apps--; j.shared[r].apps == 0 {
		delete(j.shared, r)
	}
}
