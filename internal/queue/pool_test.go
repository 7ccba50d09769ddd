package queue

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// notes is what was delivered.
type notes struct {
	mu   sync.Mutex
	list []string
}

func (n *notes) add(text string) { n.mu.Lock(); defer n.mu.Unlock(); n.list = append(n.list, text) }

func (n *notes) text() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	slices.Sort(n.list)
	return strings.Join(n.list, ", ")
}

func pool(n *notes) *Pool[string] {
	return NewPool(PoolOptions[string]{
		Grace: time.Minute, Deliver: func(result func()) { result() },
		Panicked: func(key string, cause any, stack []byte) func() {
			return func() {
				n.add(key + " panicked: " + cause.(string))
				if !strings.Contains(string(stack), "TestAPanicEndsOneJob") {
					n.add("the stack isn't the job's")
				}
			}
		},
	})
}

func TestAPanicEndsOneJob(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n notes
		p := pool(&n)
		p.Start("a", "flow", func(context.Context) func() { panic("boo") })
		p.Start("b", "flow", func(context.Context) func() { return func() { n.add("b") } })
		p.Start("b", "flow", func(context.Context) func() { return func() { n.add("b again") } })
		if p.Len() != 2 {
			t.Errorf("%d jobs wait", p.Len())
		}
		ctx, cancel := context.WithCancel(t.Context())
		go func() { synctest.Wait(); cancel() }()
		p.Run(ctx, 1)
		if got := n.text(); got != "a panicked: boo, b again" {
			t.Errorf("what came is %q", got)
		}
	})
}

func TestWhatWasBegunMayGoOnForAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n notes
		p := pool(&n)
		begun := make(chan struct{})
		p.Start("a", "flow", func(ctx context.Context) func() {
			close(begun)
			start := time.Now()
			<-ctx.Done()
			return func() { n.add("a ended after " + time.Since(start).String()) }
		})
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-begun; cancel() }()
		p.Run(ctx, 2)
		p.Start("b", "flow", func(context.Context) func() { return func() { n.add("b was begun") } })
		p.Run(ctx, 2)
		if got := n.text(); got != "a ended after 1m0s" {
			t.Errorf("what came is %q", got)
		}
	})
}
