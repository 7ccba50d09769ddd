package adopt

import (
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"plumb.dev/plumb/internal/object"
)

// Holder is another tool that holds an object as its own.
type Holder struct {
	Tool string // Helm, Flux or Argo CD
	What string // release, Kustomization, HelmRelease or application
	Name string // NAMESPACE/NAME, as far as it is known
}

// String is such as: the Helm release shop/web.
func (h Holder) String() string { return "the " + h.Tool + " " + h.What + " " + h.Name }

// IsZero says that nobody else holds it.
func (h Holder) IsZero() bool { return h == Holder{} }

// The marks by which tools know what is theirs.
const (
	helmRelease   = "meta.helm.sh/release-name"
	helmNamespace = "meta.helm.sh/release-namespace"
	managedBy     = "app.kubernetes.io/managed-by"
	instance      = "app.kubernetes.io/instance"
	argoTracking  = "argocd.argoproj.io/tracking-id"
	argoInstall   = "argocd.argoproj.io/installation-id"
	lastApplied   = "kubectl.kubernetes.io/last-applied-configuration"
	fluxKustomize = "kustomize.toolkit.fluxcd.io/"
	fluxHelm      = "helm.toolkit.fluxcd.io/"
)

// HolderOf is the tool that holds an object, or zero where none visibly does.
// What only looks like a mark, such as a label that a chart writes into
// everything, or a mark that a controller copied from another object, counts as none.
func HolderOf(key object.Key, o metav1.Object) Holder {
	labels, annotations := o.GetLabels(), o.GetAnnotations()
	for _, flux := range []struct{ prefix, what string }{{fluxHelm, "HelmRelease"}, {fluxKustomize, "Kustomization"}} {
		if name := labels[flux.prefix+"name"]; name != "" {
			return Holder{Tool: "Flux", What: flux.what, Name: named(labels[flux.prefix+"namespace"], name)}
		}
	}
	if name := annotations[helmRelease]; name != "" {
		return Holder{Tool: "Helm", What: "release", Name: named(annotations[helmNamespace], name)}
	}
	if app, of, ok := strings.Cut(annotations[argoTracking], ":"); ok && tracks(of, key) {
		return Holder{Tool: "Argo CD", What: "application", Name: app}
	}
	if name := labels[instance]; name != "" && slices.ContainsFunc(o.GetManagedFields(), isArgo) {
		return Holder{Tool: "Argo CD", What: "application", Name: name}
	}
	return Holder{}
}

// tracks says whether Argo's GROUP/KIND:NAMESPACE/NAME names an object.
func tracks(of string, key object.Key) bool {
	kind, name, _ := strings.Cut(of, ":")
	namespace, name, _ := strings.Cut(name, "/")
	return kind == key.Group+"/"+key.Kind && name == key.Name && (key.Namespace == "" || namespace == key.Namespace)
}

func isArgo(e metav1.ManagedFieldsEntry) bool { return strings.HasPrefix(e.Manager, "argocd") }

func named(namespace, name string) string {
	if namespace == "" {
		return name
	}
	return namespace + "/" + name
}

// marksOf are the labels and annotations by which other tools would know an
// object again as theirs. They go with whoever wrote them.
func marksOf(o metav1.Object, holder Holder) (labels, annotations []string) {
	for name, value := range o.GetLabels() {
		switch {
		case name == fluxKustomize+"name", name == fluxKustomize+"namespace", name == fluxHelm+"name", name == fluxHelm+"namespace",
			name == managedBy && value == "Helm" && o.GetAnnotations()[helmRelease] != "",
			name == instance && holder.Tool == "Argo CD" && value == holder.Name:
			labels = append(labels, name)
		}
	}
	for name := range o.GetAnnotations() {
		switch name {
		case lastApplied, helmRelease, helmNamespace, argoTracking, argoInstall:
			annotations = append(annotations, name)
		}
	}
	return labels, annotations
}
