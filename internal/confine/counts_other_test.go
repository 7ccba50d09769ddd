//go:build !linux

package confine

const kernelCounts = false
