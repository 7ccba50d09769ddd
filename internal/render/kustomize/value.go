package kustomize

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/kustomize/api/resource"
)

// unstructuredOf is a resource as objects hold it. The way through JSON is the
// one that `kustomize build` takes to print it, so nothing can differ.
func unstructuredOf(r *resource.Resource) (*unstructured.Unstructured, error) {
	b, err := r.MarshalJSON()
	if err != nil {
		return nil, err
	}
	u := &unstructured.Unstructured{}
	return u, json.Unmarshal(b, &u.Object)
}
