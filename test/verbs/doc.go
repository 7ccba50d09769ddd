// Package verbs tests the commands of those who operate as they are used: each
// script in testdata/script has a daemon, a repository on a Git server over
// HTTP that asks for passwords, and a namespace of a real cluster.
//
// What a command prints in each case is tested in internal/cli; that it does
// what it says is tested here.
package verbs
