// Package keys is `plumb keys`: the keys that a daemon opens secrets with.
//
// Public halves are asked of the daemon. What has to do with private ones is
// done in its data folder, on its machine: they travel over no API.
//
// Invariants: a private key is written to a file of mode 0600 or, where that
// was asked for by name, to the output, and is told nowhere else; no passphrase
// is taken from the command line or the environment.
package keys
