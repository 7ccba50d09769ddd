// Package tree is the read-only file system over one commit that everything
// reads declarations and manifests from, and the record of what was read.
//
// There is no host file system behind a tree: paths are resolved here, object
// by object, from the commit's root. Whatever a repository holds ("..",
// absolute or looping links), nothing outside the commit can be reached. This
// is the one guarded way to read; rendering code must not open files itself.
package tree
