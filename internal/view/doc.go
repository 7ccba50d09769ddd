// Package view shows people what the daemon tells: Apps, releases, pauses,
// rollbacks, where fields come from, what happens.
//
// It decides nothing and asks nobody; what is printed for programs is not its
// business. Plans and comparisons show themselves (package plan).
//
// Invariants: what others wrote steers no terminal (see package terminal); this
// output may change, and nothing reads it but people.
package view
