// Package kube holds a Kubernetes cluster in line, by server-side apply with
// the field manager plumb, and watches it.
//
//   - resolve.go fits declared objects to the cluster.
//   - watch.go has a watch (internal/watch) for each kind in use, which keeps the
//     records of live objects (internal/sight) up to date.
//   - apply.go and check.go change and ask; package limit holds them to what the
//     server can take.
//   - put.go applies one object; takeover.go leaves it to the tool that holds it,
//     or changes the owners of its fields; amend.go writes what an apply can't
//     come to; makeway.go deletes what can't be changed, where that is allowed.
//   - explain.go tells a server that can't be reached from one that refuses
//     (internal/refusal says what that means).
//
// Works with any kubeconfig: nothing is assumed of the cluster but server-side
// apply. Objects that don't carry the label plumb.dev/app are never listed,
// watched or deleted.
package kube
