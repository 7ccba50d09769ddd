//go:build !race

package confine

// countsMemory says whether the kernel's limit of memory means what it says.
const countsMemory = true
