package deliver

import (
	"testing"
	"time"
)

func TestBackoffGrowsAndIsBounded(t *testing.T) {
	t.Parallel()
	random := newRandom()
	for failures, most := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second, 50: lastRetry, 1 << 40: lastRetry} {
		for range 100 {
			if got := backoff(failures, random); got > most || got <= most/2-1 {
				t.Fatalf("after %d failures it waits %v, want between %v and %v", failures, got, most/2, most)
			}
		}
	}
}
