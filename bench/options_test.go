package main

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestOptions(t *testing.T) {
	o, err := parseOptions([]string{"-only", "S1, s2", "-apps=50", "-idle=10m", "-sizes=100,5000"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if o.apps != 50 || o.idle != 10*time.Minute || o.storm.commits != 50 {
		t.Errorf("%+v", o)
	}
	if diff := cmp.Diff([]string{"S1", "s2"}, o.only); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int{100, 5000}, o.sizes); diff != "" {
		t.Error(diff)
	}
	for _, bad := range [][]string{{"-apps=3"}, {"-sizes=many"}, {"-idle=1ms"}, {"-rounds=0"}, {"S1"}, {"-no-such-thing"}} {
		if _, err := parseOptions(bad, io.Discard); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
}

func TestScenariosAreChosenByName(t *testing.T) {
	chosen, err := choose([]string{"s7", "S1"})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range chosen {
		names = append(names, s.name)
	}
	if diff := cmp.Diff([]string{"S1", "S7"}, names); diff != "" {
		t.Error(diff)
	}
	if all, err := choose(nil); err != nil || len(all) != len(scenarios()) {
		t.Errorf("without names: %d scenarios, %v", len(all), err)
	}
	if _, err := choose([]string{"S1", "S10"}); err == nil || !strings.Contains(err.Error(), "S9") {
		t.Errorf("S9: %v", err)
	}
}

func TestOnlyCountsFailASmokeTest(t *testing.T) {
	slow := figure("time", seconds, 9).within(1)
	wrong := counted("renders", "renders", 2).exactly(1)
	for name, c := range map[string]struct {
		smoke bool
		rows  []row
		fails bool
	}{
		"a slow machine":         {true, []row{slow}, false},
		"a wrong count":          {true, []row{slow, wrong}, true},
		"a wrong count, no test": {false, []row{wrong}, false},
	} {
		if err := (options{smoke: c.smoke}).judge(c.rows); (err != nil) != c.fails {
			t.Errorf("%s: %v", name, err)
		}
	}
}
