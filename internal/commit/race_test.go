package commit_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"plumb.dev/plumb/internal/commit"
	"plumb.dev/plumb/internal/git"
	"plumb.dev/plumb/internal/git/gittest"
)

// racing serves the repository such that someone else pushes first, at a moment
// of each of the next pushes.
func (f *fixture) racing(moment string, times int) {
	n := 0
	race := gittest.Race(moment, times, func() {
		n++
		f.repo.Commit(map[string]string{"theirs-" + strconv.Itoa(n): "1", "count": "their" + strconv.Itoa(n)})
	})
	f.server.Wrap(func(next http.Handler) http.Handler { return race(accounts(next)) })
}

// TestLostRaces: the edit is made anew of what they pushed, and nothing of it is lost.
func TestLostRaces(t *testing.T) {
	t.Parallel()
	for _, moment := range []string{gittest.BeforePush, gittest.DuringPush} {
		for lost := range 4 {
			t.Run(moment+" "+strconv.Itoa(lost), func(t *testing.T) {
				t.Parallel()
				f := start(t, commit.Options{Jitter: func() float64 { return 0 }})
				f.repo.Commit(map[string]string{"count": "their0"})
				f.racing(moment, lost)
				calls := 0
				done, err := f.commit(commit.Request{Branch: "main", Edit: count(&calls)})
				if err != nil || done.Tries != lost+1 || calls != lost+1 {
					t.Fatalf("got %+v, %v after %d calls", done, err, calls)
				}
				if got, want := f.show("main", "count"), "their"+strconv.Itoa(lost)+"+1"; got != want {
					t.Errorf("count: got %s, want %s", got, want)
				}
				for n := 1; n <= lost; n++ {
					f.show("main", "theirs-"+strconv.Itoa(n))
				}
				if got := f.repo.Git("rev-list", "--count", "--author", "Plumb", "main"); got != "1" {
					t.Errorf("%s commits of ours are on the branch", got)
				}
				f.repo.Git("fsck", "--strict", "--no-dangling")
			})
		}
	}
}

// TestAlwaysLosing: it ends, says so, and has changed nothing.
func TestAlwaysLosing(t *testing.T) {
	t.Parallel()
	f := start(t, commit.Options{Jitter: func() float64 { return 0 }})
	f.repo.Commit(map[string]string{"count": "0"})
	f.racing(gittest.DuringPush, 1000)
	calls := 0
	_, err := f.commit(commit.Request{Branch: "main", Edit: count(&calls)})
	if !errors.Is(err, git.ErrRaced) || calls != 5 || !strings.Contains(err.Error(), "5 times in a row") {
		t.Errorf("got %v after %d calls", err, calls)
	}
	if got := f.repo.Git("rev-list", "--count", "--author", "Plumb", "main"); got != "0" {
		t.Errorf("%s commits of ours are on the branch", got)
	}
}

// TestTheyDidIt: who pushed first made the very change, so there is none left.
func TestTheyDidIt(t *testing.T) {
	t.Parallel()
	f := start(t, commit.Options{})
	f.repo.Commit(map[string]string{"x": "1"})
	race := gittest.Race(gittest.DuringPush, 1, func() { f.repo.Commit(map[string]string{"x": "2"}) })
	f.server.Wrap(func(next http.Handler) http.Handler { return race(accounts(next)) })
	if _, err := f.commit(commit.Request{Branch: "main", Edit: files(map[string]commit.File{"x": put("2")})}); !errors.Is(err, commit.ErrNothing) {
		t.Errorf("got %v", err)
	}
}

// TestARaceForANewBranch: someone makes the branch first; we go on from there.
func TestARaceForANewBranch(t *testing.T) {
	t.Parallel()
	f := start(t, commit.Options{})
	f.repo.Commit(map[string]string{"count": "0"})
	race := gittest.Race(gittest.DuringPush, 1, func() { f.repo.CommitTo("fix", map[string]string{"count": "theirs"}) })
	f.server.Wrap(func(next http.Handler) http.Handler { return race(accounts(next)) })
	calls := 0
	done, err := f.commit(commit.Request{Branch: "fix", From: &git.Ref{Branch: "main"}, Edit: count(&calls)})
	if err != nil || done.Tries != 2 || f.show("fix", "count") != "theirs+1" {
		t.Errorf("got %+v, %v", done, err)
	}
}

// TestGivingUpWhileWaiting: the wait between tries ends with the context.
func TestGivingUpWhileWaiting(t *testing.T) {
	t.Parallel()
	gaveUp := errors.New("gave up")
	ctx, cancel := context.WithCancelCause(t.Context())
	f := start(t, commit.Options{Jitter: func() float64 {
		cancel(gaveUp)
		return 1e6
	}})
	f.repo.Commit(map[string]string{"count": "0"})
	f.racing(gittest.DuringPush, 1000)
	calls := 0
	if _, err := f.writer.Commit(ctx, commit.Request{URL: f.url, Edit: count(&calls)}); !errors.Is(err, gaveUp) || calls != 1 {
		t.Errorf("got %v after %d calls", err, calls)
	}
}

// TestAnAnswerThatWasLost: the push arrived and nobody heard; it isn't done twice.
func TestAnAnswerThatWasLost(t *testing.T) {
	t.Parallel()
	f := start(t, commit.Options{})
	f.repo.Commit(map[string]string{"count": "0"})
	f.server.Wrap(func(next http.Handler) http.Handler {
		return accounts(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if !gittest.IsPush(req) || req.Method != http.MethodPost {
				next.ServeHTTP(w, req)
				return
			}
			next.ServeHTTP(nowhere{http.Header{}}, req)
			http.Error(w, "the proxy lost it", http.StatusBadGateway)
		}))
	})
	calls := 0
	done, err := f.commit(commit.Request{Branch: "main", Edit: count(&calls)})
	if err != nil || calls != 1 || f.repo.Head() != done.Commit || f.show("main", "count") != "0+1" {
		t.Errorf("got %+v, %v after %d calls", done, err, calls)
	}
}

// nowhere takes an answer that nobody gets.
type nowhere struct{ header http.Header }

func (n nowhere) Header() http.Header       { return n.header }
func (nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (nowhere) WriteHeader(int)             {}

// TestInterrupted: a push that is broken off at any moment leaves the repository
// whole, and the next one works.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	f := start(t, commit.Options{})
	head := f.repo.Commit(map[string]string{"count": "0"})
	calls := 0
	for _, moment := range []string{gittest.BeforePush, gittest.DuringPush} {
		ctx, cancel := context.WithCancel(t.Context())
		f.server.Wrap(func(next http.Handler) http.Handler {
			return accounts(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				if gittest.IsPush(req) && req.Method == moment {
					cancel()
					<-ctx.Done()
					return
				}
				next.ServeHTTP(w, req)
			}))
		})
		if _, err := f.writer.Commit(ctx, commit.Request{URL: f.url, Edit: count(&calls)}); !errors.Is(err, context.Canceled) || f.repo.Head() != head {
			t.Errorf("%s: got %v, the branch is %s", moment, err, f.repo.Head())
		}
		cancel()
	}
	f.server.Wrap(accounts)
	done, err := f.commit(commit.Request{Edit: count(&calls)})
	if err != nil || f.repo.Head() != done.Commit || f.show("main", "count") != "0+1" {
		t.Errorf("afterwards: got %+v, %v", done, err)
	}
	f.repo.Git("fsck", "--strict", "--no-dangling")
}
