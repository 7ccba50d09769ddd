// Package v1alpha1 holds the kinds of the group plumb.dev: what people declare
// in Git, with their defaults, validation and strict decoding.
//
// It knows nothing of how a declaration is carried out and imports only
// apimachinery, so that other programs can read and write declarations with it.
// A decoded and defaulted value is never changed afterwards.
package v1alpha1

// Group and Version name the API that declarations are written in.
const (
	Group      = "plumb.dev"
	Version    = "v1alpha1"
	APIVersion = Group + "/" + Version
)
