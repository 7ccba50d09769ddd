//go:build race

package sqlite

// raceDetector says whether the race detector is at work.
const raceDetector = true
