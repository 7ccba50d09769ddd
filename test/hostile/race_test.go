//go:build race

package hostile_test

// raceEnabled says that these tests, and so the daemon, run under the race detector.
const raceEnabled = true
