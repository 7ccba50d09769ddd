//go:build race

package e2e

// withRace says whether the tests were built with the race detector; then the daemon is too.
const withRace = true
