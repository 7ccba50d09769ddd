package queue

import (
	"math/rand/v2"
	"time"
)

// The bounds of the time between two attempts at what fails.
const (
	firstRetry = time.Second
	lastRetry  = 5 * time.Minute
)

// Backoff is how long to wait with adding what failed, after a number of failures in a row: twice as
// long each time, less a random part of up to a half, so that Apps which failed
// together don't try again together.
func Backoff(failures int, random *rand.Rand) time.Duration {
	const most = 9 // 2^9 seconds is beyond lastRetry
	wait := min(lastRetry, firstRetry<<min(max(failures-1, 0), most))
	return wait - time.Duration(random.Int64N(int64(wait)/2))
}
