package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// options say what is measured, and how much of it.
type options struct {
	only    []string      // names of scenarios; none: those of the smoke test, or all
	apps    int           // that are declared in S1 to S4 and S6
	sizes   []int         // numbers of Apps that S5 goes through
	rounds  int           // repeats of S1, of which the median counts
	edits   int           // commits of S2; edits and deletions of S3
	idle    time.Duration // that S4 looks at nothing happening
	storm   storm         // of S6
	objects int           // of the one App of S7
	renders int           // of each kind in S8
	charts  int           // Apps of S9
	tools   string        // the folder of helm and kustomize
	plumb   string        // the program
	out     string        // file for the results as JSON
	smoke   bool          // counts must be right; times are not judged
}

// storm is a series of commits, each on an App of its own.
type storm struct {
	commits  int
	span     time.Duration
	brokenOf int // every so manieth commit breaks its App
}

// leastApps is how many the scenarios need to touch a fresh App each time.
const leastApps = 10

func parseOptions(args []string, usage io.Writer) (options, error) {
	o := options{storm: storm{commits: 100, span: time.Minute, brokenOf: 20}}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(usage)
	only := f.String("only", "", "scenarios to run, such as S1,S2 (default all)")
	sizes := f.String("sizes", "100,500,1000", "numbers of Apps that S5 goes through")
	f.IntVar(&o.apps, "apps", 500, "Apps that are followed in S1 to S4 and S6")
	f.IntVar(&o.rounds, "rounds", 3, "repeats of S1, of which the median counts")
	f.IntVar(&o.edits, "edits", 25, "commits of S2; edits and deletions of S3")
	f.DurationVar(&o.idle, "idle", time.Minute, "how long S4 watches nothing happen")
	f.IntVar(&o.objects, "objects", 10_000, "objects of the one App of S7")
	f.IntVar(&o.renders, "renders", 1000, "renders of each kind in S8")
	f.IntVar(&o.charts, "charts", 200, "Apps of S9")
	f.StringVar(&o.tools, "tools", "bin", "folder of the commands helm and kustomize, for S8; make renderers builds them")
	f.StringVar(&o.plumb, "plumb", filepath.Join("bin", "plumb"), "the program to measure")
	f.StringVar(&o.out, "out", filepath.Join(".cache", "bench.json"), "file for the results as JSON")
	f.BoolVar(&o.smoke, "smoke", false, "a short run at 100 Apps that fails when objects, renders or requests are not as many as they should be")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("%q is no option; see bench -h", f.Arg(0))
	}
	o.only = words(*only)
	for _, size := range words(*sizes) {
		n, err := strconv.Atoi(size)
		if err != nil || n < leastApps {
			return o, fmt.Errorf("-sizes: %q is no number of Apps of at least %d", size, leastApps)
		}
		o.sizes = append(o.sizes, n)
	}
	if o.smoke {
		o.shorten()
	}
	return o, o.validate()
}

// shorten makes it a smoke test.
func (o *options) shorten() {
	o.apps, o.rounds, o.edits, o.idle = 100, 1, 10, 3*time.Second
	o.storm = storm{commits: 20, span: 4 * time.Second, brokenOf: 10}
	if len(o.only) == 0 {
		o.only = []string{"S1", "S2", "S3", "S4", "S6"}
	}
}

func (o *options) validate() error {
	// In a storm every commit has an App of its own.
	o.storm.commits = min(o.storm.commits, o.apps)
	switch {
	case o.apps < leastApps:
		return fmt.Errorf("-apps must be at least %d", leastApps)
	case o.rounds < 1 || o.edits < 1 || o.objects < 1 || o.renders < 1 || o.charts < 1 || len(o.sizes) == 0:
		return errors.New("-rounds, -edits, -objects, -renders, -charts and -sizes must be at least one")
	case o.idle < time.Second:
		return errors.New("-idle must be at least 1s")
	}
	var err error
	if o.plumb, err = filepath.Abs(o.plumb); err != nil {
		return err
	}
	o.out, err = filepath.Abs(o.out)
	return err
}

// judge says what a smoke test found wrong.
func (o options) judge(rows []row) error {
	if !o.smoke {
		return nil
	}
	var wrong []string
	for _, r := range rows {
		if r.Exact && r.Verdict == miss {
			wrong = append(wrong, fmt.Sprintf("%s: %s: %s, and should be %s", r.Scenario, r.What, r.measured(), r.Goal))
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("not as it should be:\n  %s", strings.Join(wrong, "\n  "))
	}
	return nil
}

// words splits what commas or blanks part.
func words(list string) []string {
	return slices.DeleteFunc(strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' }), func(s string) bool { return s == "" })
}
