// Package renderers builds the real `helm` and `kustomize` from their own
// modules, at the versions whose libraries Plumb renders with, so that what
// Plumb makes can be compared with what they make. It is a module of its own so
// that what the two commands depend on isn't among Plumb's dependencies.
//
// It holds nothing else: `make renderers` builds bin/helm and bin/kustomize.
package renderers
