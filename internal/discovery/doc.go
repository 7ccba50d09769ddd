// Package discovery knows which kinds a Kubernetes API server serves, and how.
//
// It asks when it has to, keeps the answer, and hears of changes from a watch of
// the cluster's CRDs. It knows nothing of objects, neither ours nor others'.
//
// A group whose own server is away hides no other, and is never taken for gone.
package discovery
