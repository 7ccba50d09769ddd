// Package e2e tests Plumb from end to end: the built program, run as a process, between a real Git repository (local, or served over HTTP by git's
// own backend) and a real Kubernetes control plane.
//
// A test changes Git or the cluster, waits until the daemon says that all is in line, and then believes none of it: it works out by other means
// what Git says (kustomize on a checkout, or the plain files), compares every declared field with what is live, and looks through every kind
// for objects that should not be there. And it asks the history, which must tell one release for each change, and nothing else.
//
// Details of one package are not tested here but beside its code. There is nothing to import: the package is its tests.
package e2e
