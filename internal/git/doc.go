// Package git speaks to Git repositories by way of the git program: it keeps a
// bare mirror per repository URL, and reads commits, trees and blobs from it.
//
// The program runs closed off: no system or user configuration, no hooks, no
// prompts, one transport, and credentials for the one host they were given for,
// never in an argument or a file that stays. A URL is checked before any program
// starts. Nothing is ever checked out.
//
// A mirror is a cache: whatever happens to it, it can be fetched again, and is.
// The package knows nothing of Apps, polling or webhooks; package
// source/gitrepo follows repositories with it.
package git
