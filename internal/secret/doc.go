// Package secret has the private keys that a daemon was handed or made for
// itself, for those who open with them what stands encrypted in Git: variants
// below it know the formats.
//
// Keys come from files that are named, from the data folder, and from nowhere
// else: no environment, no home folder, no program that is started. Files are
// read by package private, and again when they change. A key that a cloud keeps
// is asked of SOPS' own key service, which has the credentials for it.
//
// Invariants: nothing here tells of a private key more than its public name,
// and no error repeats what a file holds; private keys leave in a backup alone;
// the daemon's own keys are never lost by a change, and whether there is a backup
// of them is known; what was opened is never written anywhere by these packages.
package secret
