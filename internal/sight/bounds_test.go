package sight

import (
	"fmt"
	"testing"
)

// The answer to a write of ours may come late: after others have deleted what
// we wrote, the watch was lost, and a list has told that nothing is there. No
// watch would ever take out what it brings back.
func TestALateAnswerBringsBackNothingThatAListHasMissed(t *testing.T) {
	t.Parallel()
	for _, story := range []string{
		"list ConfigMap 12, put a@10?",
		"put a@10, remove a@11, list ConfigMap 12, put a@10?",
		"put a@10, list ConfigMap 12, put a@10?",
		"put a@10=, list ConfigMap 12, put a@10?",
	} {
		v := New()
		play(t, v, story)
		if got := told(v); got != "" {
			t.Errorf("%s: the view tells %q, want nothing", story, got)
		}
		play(t, v, "put a@13?")
		if got := told(v); got != "a@13?" {
			t.Errorf("%s, and a newer write of ours: the view tells %q, want a@13?", story, got)
		}
	}
}

func TestWhatIsGoneCostsNoMemory(t *testing.T) {
	t.Parallel()
	v := New()
	const jobs = 1000 // such as Jobs with a new name at every commit
	for i := range jobs {
		version := uint64(2 * i)
		play(t, v, fmt.Sprintf("put job%d@%d, remove job%d@%d", i, version+1, i, version+2))
		taken(v)
	}
	if n := len(v.records) + len(v.byLabel) + len(v.told); n > 1 {
		t.Errorf("of %d objects that came and went, %d are remembered", jobs, n)
	}
}

func TestNewsThatNobodyTakesDoNotPileUp(t *testing.T) {
	t.Parallel()
	v := New()
	for i := range 1000 {
		play(t, v, fmt.Sprintf("put a@%d", i+1))
	}
	if n := len(taken(v).Objects[keyOf("a")]); n > 10 {
		t.Errorf("one App is told %d times of one object", n)
	}
}
