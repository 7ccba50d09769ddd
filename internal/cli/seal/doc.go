// Package seal is `plumb seal` and `plumb unseal`: Secrets on their way into Git
// and, for those who hold a key, out of it.
//
// It knows no format: how a file is encrypted, and what a repository's rules
// say of it, is handed in. Keys of clusters are asked of their daemons.
//
// Invariants: what is plain stays in memory, but for what unseal was asked to
// write; a file is whole or as it was; no value is part of an error.
package seal
