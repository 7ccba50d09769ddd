package vet

import (
	"cmp"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/object"
)

// duplicates finds what two Apps declare: one of them would be left without it.
func (k *check) duplicates() {
	type claim struct {
		app    string
		origin object.Origin
	}
	claims := map[object.Key]claim{}
	releases := map[[2]string]claim{}
	for _, u := range k.units {
		if u.name == "" {
			continue
		}
		if name := releaseOf(u.app); name != "" {
			id := [2]string{u.app.Spec.Target.Namespace, name}
			if first, twice := releases[id]; twice {
				k.add(Finding{Level: Error, Rule: Duplicate, File: u.origin.File, Line: u.origin.Line, App: u.name,
					Message: fmt.Sprintf("is the Helm release %s in the namespace %s, and so is the App %s (%s): give one of them another spec.render.helm.releaseName",
						name, id[0], first.app, first.origin)})
			} else {
				releases[id] = claim{u.name, u.origin}
			}
		}
		for _, o := range u.objects {
			key := o.Key()
			switch namespaced := k.schemas.Namespaced(schema.GroupKind{Group: key.Group, Kind: key.Kind}); {
			case !namespaced:
				key.Namespace = ""
			case key.Namespace == "":
				key.Namespace = u.app.Spec.Target.Namespace
			}
			if first, twice := claims[key]; twice && first.app != u.name {
				k.add(Finding{Level: Error, Rule: Duplicate, File: o.Origin.File, Line: o.Origin.Line, App: u.name, Object: &key,
					Message: fmt.Sprintf("is declared by the App %s too (%s): remove it from one of the two", first.app, first.origin)})
				continue
			}
			claims[key] = claim{u.name, o.Origin}
		}
	}
}

// releaseOf is the name of the Helm release that an App says it is; empty where
// it doesn't say that it is one.
func releaseOf(app v1alpha1.App) string {
	switch {
	case app.Spec.Render.Helm != nil:
		return cmp.Or(app.Spec.Render.Helm.ReleaseName, app.Name)
	case app.Spec.Source.Chart != nil:
		return app.Name
	}
	return ""
}
