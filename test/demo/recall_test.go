package main

import "testing"

func TestRecall(t *testing.T) {
	var r recall
	if got := r.in("plumb approve web 0123456789ab", true); got != "plumb approve web 0123456789ab" {
		t.Errorf("before anything was printed: %s", got)
	}
	r.learn([]string{"plan 0123456789ab of 11112222", "and 3333333333334"}, []string{"plan ffffffffffff of eeeeeeee", "and 5555555555556"})
	r.learn([]string{"another number 11112223 of them"}, []string{"dddddddd, aaaaaaaaaaaa, and cccccccc"})
	for _, test := range []struct {
		command string
		guess   bool
		want    string
	}{
		{"plumb approve web 0123456789ab", false, "plumb approve web ffffffffffff"},
		{"git show 11112222 0123456789ab", false, "git show eeeeeeee ffffffffffff"},
		{"git show 11112223", false, "git show 11112223"},
		{"git show 11112223", true, "git show cccccccc"},
		{"plumb approve web 0123456789ac", true, "plumb approve web aaaaaaaaaaaa"},
		{"plumb history --id 3", true, "plumb history --id 3"},
	} {
		if got := r.in(test.command, test.guess); got != test.want {
			t.Errorf("%s: %s, want %s", test.command, got, test.want)
		}
	}
}
