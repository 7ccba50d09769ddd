package git

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// fakes is where processes come from that do nothing.
type fakes struct{ started, closed atomic.Int64 }

type fake struct{ of *fakes }

func (f *fake) close() { f.of.closed.Add(1) }

func (f *fakes) start() (*fake, error) {
	f.started.Add(1)
	return &fake{of: f}, nil
}

func (f *fakes) check(t *testing.T, when string, started, closed int64) {
	t.Helper()
	if s, c := f.started.Load(), f.closed.Load(); s != started || c != closed {
		t.Errorf("%s: %d processes were started and %d ended, want %d and %d", when, s, c, started, closed)
	}
}

func fine(*fake) error { return nil }

func TestPoolEndsIdleProcesses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fakes{}
		p := newPool(f.start)
		for range 3 {
			_ = p.use(fine)
			<-time.After(idleTime / 2)
		}
		f.check(t, "in use now and then", 1, 0)
		<-time.After(idleTime)
		f.check(t, "unused for long", 1, 1)
		_ = p.use(fine)
		f.check(t, "used again", 2, 1)
		p.close()
		f.check(t, "closed", 2, 2)
		if err := p.use(fine); !errors.Is(err, errClosed) {
			t.Errorf("after the end: got %v", err)
		}
	})
}

func TestPoolIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fakes{}
		p := newPool(f.start)
		defer p.close()
		hold := make(chan struct{})
		for range 3 * maxReaders {
			go func() { _ = p.use(func(*fake) error { <-hold; return nil }) }()
		}
		synctest.Wait()
		f.check(t, "when more want one", maxReaders, 0)
		close(hold)
	})
}

func TestPoolReplacesTheDead(t *testing.T) {
	t.Parallel()
	died := &failure{args: []string{"cat-file"}, err: errors.New("it was killed")}
	tests := map[string]struct {
		answers []error // of one use after the other
		want    error
		started int64
	}{
		"an answer":               {[]error{nil}, nil, 1},
		"an error that is no end": {[]error{errMissing}, errMissing, 1},
		"a death":                 {[]error{died, nil}, nil, 2},
		"a death, then an error":  {[]error{died, errMissing}, errMissing, 2},
		"two deaths":              {[]error{died, died}, died, 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakes{}
			p := newPool(f.start)
			defer p.close()
			n := -1
			err := p.use(func(*fake) error { n++; return test.answers[n] })
			if !errors.Is(err, test.want) || f.started.Load() != test.started {
				t.Errorf("got %v after %d starts, want %v after %d", err, f.started.Load(), test.want, test.started)
			}
		})
	}
}

// TestPoolRenews: after a mirror was made anew, no process reads the old one,
// not even one that was at work meanwhile.
func TestPoolRenews(t *testing.T) {
	t.Parallel()
	f := &fakes{}
	p := newPool(f.start)
	defer p.close()
	_ = p.use(func(*fake) error {
		p.renew()
		return nil
	})
	f.check(t, "at work when renewed", 1, 1)
	_ = p.use(fine)
	f.check(t, "after that", 2, 1)
	p.renew()
	f.check(t, "free when renewed", 2, 2)
}
