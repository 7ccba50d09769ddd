package queue

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestBackoffGrowsAndIsBounded(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for failures, most := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second, 50: lastRetry, 1 << 40: lastRetry} {
		for range 100 {
			if got := Backoff(failures, random); got > most || got <= most/2-1 {
				t.Fatalf("after %d failures it waits %v, want between %v and %v", failures, got, most/2, most)
			}
		}
	}
}
