// Package generate makes the values of Secrets that Git only asks for: which
// keys, and of what kind (Parse). It says which of them are to be made and which
// are there already (Spec.Fill), when they are to be made anew (DueOf), and which
// workloads use them (Uses).
//
// It asks no server, and keeps and shows no value: what it makes goes into the
// object that is applied, and nowhere else. Randomness and the time are handed in.
package generate
