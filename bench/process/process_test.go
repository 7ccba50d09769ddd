package process

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseStat(t *testing.T) {
	const line = "4242 (a (strange) name) S 17 4242 4242 0 -1 4194560 1500 900 0 0 120 30 7 5 20 0 9 0 100 1000 200 18446744073709551615"
	got, err := parseStat(line)
	if err != nil {
		t.Fatal(err)
	}
	want := Process{Parent: 17, Own: 1500 * time.Millisecond, Waited: 120 * time.Millisecond}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"", "1 (a) S 1", "1 (a) S x 1 1 0 -1 1 1 1 1 1 1 1 1 1 1"} {
		if _, err := parseStat(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestUsageCountsChildrenThatRun(t *testing.T) {
	sleeper := exec.Command("cat")
	in, err := sleeper.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := sleeper.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := in.Write([]byte{1}); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil { // or else it may not run yet
		t.Fatal(err)
	}
	u, err := ReadUsage(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if u.Resident == 0 || u.Peak < u.Resident || u.ChildrenNow == 0 {
		t.Errorf("usage of this test with one child: %+v", u)
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	if err := sleeper.Wait(); err != nil {
		t.Error(err)
	}
}
