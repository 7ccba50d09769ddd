package adopt

import (
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// firstApply is what the API server calls the owner of all that was there
// before it kept managed fields.
const firstApply = "before-first-apply"

// deployers are the field managers of tools that deploy, and of people's hands.
// A name that ends in * stands for all that begin so.
var deployers = []string{
	"kubectl", "kubectl-*", "k9s", "node-fetch", "dashboard", // people; node-fetch is Lens
	"helm", "terraform-provider-helm*",
	"kustomize-controller", "helm-controller", "flux", "flux-client-side-apply",
	"argocd", "argocd-*",
	"Terraform", "HashiCorp", "terraform-provider-kubernetes*", "pulumi*", "kapp", "kapp-server-side-apply", "fleetagent", "werf", "skaffold", "kustomize",
}

// isDeployer says whether an entry of the managed fields is to be handed over.
// What goes through a subresource is a controller's, or meant for one.
func isDeployer(e metav1.ManagedFieldsEntry, holder Holder) bool {
	if e.Subresource != "" {
		return false
	}
	if holder.Tool == "Helm" && e.Manager == "Go-http-client" { // Helm before 3.2 had no name of its own
		return true
	}
	return slices.ContainsFunc(deployers, func(name string) bool {
		prefix, open := strings.CutSuffix(name, "*")
		return e.Manager == name || open && strings.HasPrefix(e.Manager, prefix)
	})
}
