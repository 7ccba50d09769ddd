// Package kube holds a Kubernetes cluster in line, by server-side apply with
// the field manager plumb, and watches it.
//
//   - resolve.go fits declared objects to the cluster.
//   - record.go reduces a live object to what is kept of it.
//   - watch.go keeps those records (internal/sight) up to date: one label-selected
//     watch for each kind in use.
//   - apply.go and check.go change and ask; package limit holds them to what the
//     server can take.
//   - put.go applies one object; takeover.go leaves it to the tool that holds it,
//     or changes the owners of its fields; makeway.go deletes what can't be
//     changed, where that is allowed.
//   - explain.go turns the server's refusals into what people can act on.
//
// Works with any kubeconfig: nothing is assumed of the cluster but server-side
// apply. Objects that don't carry the label plumb.dev/app are never listed,
// watched or deleted.
package kube
