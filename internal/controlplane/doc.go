// Package controlplane runs a real Kubernetes control plane on this machine: etcd, API server, controller manager, scheduler and simulated
// nodes, as processes on loopback. It is what `plumb dev` and the project's own tests stand on.
//
// It is not for production, and not for reaching a cluster that someone else runs: everything else in Plumb takes a kubeconfig and does not
// care where it came from.
//
// A control plane lives in one folder, which holds its keys, data, logs, kubeconfig and the state file that says which processes belong to it.
// [Up] makes what the folder describes run, [Down] stops it, [Read] looks. What holds:
//
//   - Every connection is TLS with the control plane's own authorities, checked at both ends; authorisation is RBAC.
//   - A process is known by its id and its time of start, so that one whose id was given to another program is never touched.
//   - A process that is not yet written down dies with the one that started it: a kill at any moment leaves nothing that the folder does not know.
//   - Calls that change a folder exclude each other, also between processes.
package controlplane
