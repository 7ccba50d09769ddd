// Package lease keeps two daemons from holding the same root in line at once:
// one holds a Lease of the cluster, and the other stands by until that one is
// gone.
//
// It decides who holds a root, and nothing of what that means: whoever asks is
// told each time that it changes. It never takes a lease from a holder that
// answers.
package lease
