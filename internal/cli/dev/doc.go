// Package dev is `plumb dev`: a real control plane on this machine, to develop
// with and to try things out.
//
// It knows the command line of it alone; how a control plane is run is package
// controlplane's.
//
// Invariants: what stands in the folder that was named is touched, and nothing
// else of the machine.
package dev
