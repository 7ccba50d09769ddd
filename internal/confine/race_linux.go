//go:build race

package confine

// countsMemory says whether the kernel's limit of memory means what it says:
// the race detector takes several times the program's own.
const countsMemory = false
