// Package hooks holds what a release does once beside applying objects: which
// objects are hooks, when each runs, and what is next of them. It knows the
// annotations of Plumb, of Helm and of Argo CD, and with the hooks all that
// these say of an object: waves, what keeps it from being deleted, how it is applied.
//
// It is pure. Making objects, watching them, reading logs and recording what
// ran is others' business; what comes of webhooks is internal/hook's.
//
// Invariants: a rendered object is either a hook or ordinary, never both; what
// an annotation asks for and Plumb doesn't do is told, never dropped without a
// word; of one release no hook is started twice for the same phase, and which
// were is decided by the release's record alone.
package hooks
