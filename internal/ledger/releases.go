package ledger

import (
	"fmt"
	"strings"

	"plumb.dev/plumb/api/v1alpha1"
)

// Releases are which App has which release of Helm's: two Apps with one would write over
// each other's objects, and each take the other's for its own. The zero Releases
// is empty. It is used by one at a time.
type Releases struct {
	holder map[string]string // of a release, NAMESPACE/NAME
	of     map[string]string // of an App: the release that it holds or is refused
	old    map[string]bool   // Apps that had applied objects when they claimed
}

// Claim makes the release of an App that was rendered as a chart its own, unless
// another has it; then the error names both. An App that has applied objects
// comes before one that hasn't. Those are returned that should claim again, for
// they can have theirs now, or have lost it.
func (r *Releases) Claim(app v1alpha1.App, renderer string, applied bool) (again []string, err error) {
	if r.holder == nil {
		r.holder, r.of, r.old = map[string]string{}, map[string]string{}, map[string]bool{}
	}
	id, release := app.ID(), ""
	if renderer == v1alpha1.RendererHelm {
		release = app.Spec.Target.Namespace + "/" + app.Spec.ReleaseName()
	}
	if before := r.of[id]; before != release {
		again = r.Leave(id)
	}
	if release == "" {
		return again, nil
	}
	other, held := r.holder[release]
	r.of[id], r.old[id] = release, applied
	switch {
	case !held || other == id:
		r.holder[release] = id
	case applied && !r.old[other]:
		r.holder[release] = id
		again = append(again, other)
	default:
		namespace, name, _ := strings.Cut(release, "/")
		err = fmt.Errorf("the Apps %s and %s both are the release %s in the namespace %s, and %s has it already; give one of them another name in spec.render.helm.releaseName",
			other, id, name, namespace, other)
	}
	return again, err
}

// Leave gives up what an App claims. It returns those who were refused it.
func (r *Releases) Leave(app string) (again []string) {
	release, claims := r.of[app]
	delete(r.of, app)
	delete(r.old, app)
	if !claims || r.holder[release] != app {
		return nil
	}
	delete(r.holder, release)
	for other, wants := range r.of {
		if wants == release {
			again = append(again, other)
		}
	}
	return again
}
