package queue

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// get takes a key that must be there.
func get[K comparable](t *testing.T, q *Queue[K]) K {
	t.Helper()
	if q.Len() == 0 {
		t.Fatal("no key waits")
	}
	key, ok := q.Get(t.Context())
	if !ok {
		t.Fatal("Get gave no key")
	}
	return key
}

// Each case is a story in words: add KEY FLOW, get KEY, done KEY, len N.
func TestQueue(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, story string }{
		{"keys of one flow come in the order of adding", "add a f, add b f, add c f, get a, get b, get c, len 0"},
		{"a key stands in the queue once", "add a f, add a f, add a f, len 1, get a, len 0"},
		{"a key that waits keeps its place", "add a f, add b f, add a f, get a, get b, len 0"},
		{"a key that waits keeps its flow", "add x f, add a f, add a g, add b g, get x, get b, get a, len 0"},
		{"a key that is worked on doesn't wait", "add a f, get a, add a f, len 0"},
		{"and comes again when the work is done", "add a f, get a, add a f, done a, len 1, get a, done a, len 0"},
		{"once, however often it was added", "add a f, get a, add a f, add a f, add a f, done a, get a, done a, len 0"},
		{"in the flow that it was added to last", "add a f, get a, add a f, add a g, add b f, add c f, done a, get b, get a, get c"},
		{"behind those who came meanwhile", "add a f, get a, add a f, add b f, done a, get b, get a"},
		{"work that is done does not come again by itself", "add a f, get a, done a, len 0"},
		{"a key can be added anew after its work", "add a f, get a, done a, add a f, get a"},
		{"flows take turns", "add a1 a, add a2 a, add a3 a, add b1 b, add b2 b, add c1 c, get a1, get b1, get c1, get a2, get b2, get a3"},
		{"a flow that ran empty takes its turn behind the others", "add a1 a, add b1 b, add b2 b, get a1, add a2 a, get b1, get a2, get b2"},
		{"a key in work does not use up its flow's turn", "add a1 a, add b1 b, get a1, add a1 a, add a2 a, get b1, get a2, done a1, get a1"},
		{"a flow may have no name", "add a f, add b , get a, get b, len 0"},
		{"done for a key that nobody has changes nothing", "done a, add a f, done b, len 1, get a"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			q := New[string]()
			for i, line := range strings.Split(tc.story, ", ") {
				word, rest, _ := strings.Cut(line, " ")
				key, flow, _ := strings.Cut(rest, " ")
				switch word {
				case "add":
					q.Add(key, flow)
				case "done":
					q.Done(key)
				case "get":
					if got := get(t, q); got != key {
						t.Fatalf("line %d: %s came, want %s", i+1, got, key)
					}
				case "len":
					if got := fmt.Sprint(q.Len()); got != key {
						t.Fatalf("line %d: %s keys wait, want %s", i+1, got, key)
					}
				}
			}
		})
	}
}

func TestAHugeFlowDelaysAnotherByOneKey(t *testing.T) {
	t.Parallel()
	const many = 10_000
	q := New[string]()
	for i := range many {
		q.Add(fmt.Sprint("huge", i), "huge")
	}
	for i := range 100 { // in the middle of the huge flow's work, too
		key := fmt.Sprint("small", i)
		q.Add(key, "small")
		first, second := get(t, q), get(t, q)
		if first != key && second != key {
			t.Fatalf("%s and %s came before %s", first, second, key)
		}
		q.Done(first)
		q.Done(second)
	}
	if q.Len() != many-100 {
		t.Errorf("%d keys of the huge flow are left, want %d", q.Len(), many-100)
	}
}

func TestNothingIsKeptOfWhatIsDone(t *testing.T) {
	t.Parallel()
	q := New[int]()
	for i := range 1000 {
		q.Add(i, fmt.Sprint("flow", i))
		get(t, q)
		q.Add(i, "again")
		q.Done(i)
		get(t, q)
		q.Done(i)
	}
	left := map[string]int{"flows": len(q.flows), "turn": len(q.turn), "waiting": len(q.waiting), "busy": len(q.busy), "again": len(q.again)}
	if diff := cmp.Diff(map[string]int{"flows": 0, "turn": 0, "waiting": 0, "busy": 0, "again": 0}, left); diff != "" {
		t.Errorf("an empty queue remembers (-want +got)\n%s", diff)
	}
}

func TestGetEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := New[string]()
		ctx, cancel := context.WithCancel(t.Context())
		var ended atomic.Int32
		for range 5 {
			go func() {
				if key, ok := q.Get(ctx); ok {
					t.Errorf("%s came from an empty queue", key)
				}
				ended.Add(1)
			}()
		}
		synctest.Wait()
		if n := ended.Load(); n != 0 {
			t.Fatalf("%d of 5 did not wait", n)
		}
		cancel()
		synctest.Wait()
		if n := ended.Load(); n != 5 {
			t.Errorf("%d of 5 ended with their context", n)
		}
		q.Add("a", "f") // those who left must not have taken the signal with them
		if key, ok := q.Get(t.Context()); !ok || key != "a" {
			t.Errorf("after that comes %q, %v", key, ok)
		}
	})
}

func TestEveryWaitingWorkerIsWoken(t *testing.T) {
	t.Parallel()
	const workers = 20
	synctest.Test(t, func(t *testing.T) {
		q := New[int]()
		var mu sync.Mutex
		var got []int
		for range workers {
			go func() {
				key, ok := q.Get(t.Context())
				if !ok {
					t.Error("Get ended without a key")
				}
				mu.Lock()
				defer mu.Unlock()
				got = append(got, key)
			}()
		}
		synctest.Wait()
		want := make([]int, workers)
		for i := range workers {
			want[i] = i
			q.Add(i, "f") // all at once: nobody had time to take one
		}
		synctest.Wait()
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("each worker takes one key and is busy with it (-want +got)\n%s", diff)
		}
	})
}

// Many workers and many who add, at random. Each key counts how often it was
// added; a worker notes the count that it saw. In the end the last count of
// each key was seen, and no key was ever with two workers at once.
func TestNothingIsLostAndNoKeyIsWithTwoWorkers(t *testing.T) {
	t.Parallel()
	const keys, workers, adders, adds = 50, 8, 8, 3000
	var added, seen [keys]atomic.Int64
	var held [keys]atomic.Bool
	q := New[int]()
	ctx, stop := context.WithCancel(t.Context())
	var working, adding sync.WaitGroup
	pending := make(chan struct{}, 1) // a worker made progress
	for range workers {
		working.Go(func() {
			for {
				key, ok := q.Get(ctx)
				if !ok {
					return
				}
				if held[key].Swap(true) {
					t.Errorf("key %d is with two workers", key)
				}
				seen[key].Store(added[key].Load())
				held[key].Store(false)
				q.Done(key)
				select {
				case pending <- struct{}{}:
				default:
				}
			}
		})
	}
	for i := range adders {
		adding.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 1))
			for range adds {
				key := random.IntN(keys)
				added[key].Add(1)
				q.Add(key, fmt.Sprint(random.IntN(5)))
			}
		})
	}
	adding.Wait()
	deadline := time.After(2 * time.Minute)
	for behind := -1; behind != 0; {
		behind = 0
		for key := range keys {
			if seen[key].Load() != added[key].Load() {
				behind++
			}
		}
		if behind > 0 {
			select {
			case <-pending:
			case <-deadline:
				t.Fatalf("the last word on %d keys was never seen", behind)
			}
		}
	}
	stop()
	working.Wait()
	if q.Len() != 0 {
		t.Errorf("%d keys are left", q.Len())
	}
}

// What one key costs, from its adding to its end, with many flows.
func BenchmarkKey(b *testing.B) {
	for _, flows := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprintf("%d flows", flows), func(b *testing.B) {
			q := New[int]()
			names := make([]string, flows)
			for i := range names {
				names[i] = fmt.Sprint("flow", i)
				q.Add(-1-i, names[i]) // each flow has a key that waits
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				q.Add(i, names[i%flows])
				key, _ := q.Get(b.Context())
				q.Done(key)
				i++
			}
		})
	}
}
