// Command tally reads what `go test -json` prints and shows it as go test does without -v: a line for each package, and all that a failed test said.
// It appends every package's figures to a file, so that several runs (one for each module) can be summed up at the end.
//
//	go test -json ./... | tally FILE
//	tally -sum FILE
//
// It fails when a test or a package failed, for a pipe would hide that.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "tally:", err)
		os.Exit(1)
	}
}

func run(args []string, in io.Reader, out io.Writer) error {
	switch {
	case len(args) == 2 && args[0] == "-sum":
		return sum(args[1], out)
	case len(args) == 1 && !strings.HasPrefix(args[0], "-"):
		return record(args[0], in, out)
	}
	return errors.New("usage: tally FILE, or tally -sum FILE")
}

// Count is what one run did. A package that fails without a failed test (it doesn't build, it crashes) counts as one failure.
type Count struct{ Passed, Failed, Skipped int }

func record(name string, in io.Reader, out io.Writer) error {
	count, err := show(in, out)
	if err != nil {
		return err
	}
	if err := appendLine(name, count); err != nil {
		return err
	}
	if count.Failed > 0 {
		return fmt.Errorf("%d failed", count.Failed)
	}
	return nil
}

func appendLine(name string, count Count) error {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(json.NewEncoder(file).Encode(count), file.Close())
}

func sum(name string, out io.Writer) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	var total Count
	for decoder := json.NewDecoder(file); ; {
		var count Count
		switch err := decoder.Decode(&count); {
		case errors.Is(err, io.EOF):
			if total.Skipped > 0 {
				fmt.Fprintf(out, "%d skipped\n", total.Skipped)
			}
			fmt.Fprintf(out, "%d passed, %d failed\n", total.Passed, total.Failed)
			return nil
		case err != nil:
			return fmt.Errorf("%s: %w", name, err)
		}
		total.Passed += count.Passed
		total.Failed += count.Failed
		total.Skipped += count.Skipped
	}
}

// event is one line of `go test -json`; `go doc test2json` describes it.
type event struct {
	Action, Package, ImportPath, Test, Output string
	FailedBuild                               string
}

type test struct{ pkg, name string }

// view holds what each running test has said, until it is known whether anyone wants to hear it.
type view struct {
	out    io.Writer
	said   map[test][]string
	failed map[string]bool // packages with a failed test
	count  Count
}

func show(in io.Reader, out io.Writer) (Count, error) {
	v := view{out: out, said: map[test][]string{}, failed: map[string]bool{}}
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			v.line(line)
		}
		if errors.Is(err, io.EOF) {
			return v.count, nil
		}
		if err != nil {
			return v.count, err
		}
	}
}

// line takes anything that is no event for a message of the go command, and passes it on.
func (v *view) line(line string) {
	var e event
	if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &e) != nil {
		fmt.Fprint(v.out, line)
		return
	}
	switch key := (test{e.Package, e.Test}); e.Action {
	case "build-output":
		fmt.Fprint(v.out, e.Output)
	case "output":
		v.output(key, e.Output)
	case "pass", "skip", "fail":
		v.ended(key, e.Action)
	}
}

func (v *view) output(key test, text string) {
	switch {
	case strings.HasPrefix(text, "=== "): // RUN, PAUSE, CONT, NAME: of use only to who reads all tests' output at once
	case key.name != "":
		v.said[key] = append(v.said[key], text)
	case text != "PASS\n" && !strings.Contains(text, "[no test files]"):
		fmt.Fprint(v.out, text)
	}
}

func (v *view) ended(key test, action string) {
	said := v.said[key]
	delete(v.said, key)
	switch {
	case key.name == "" && action == "fail":
		v.crashed(key.pkg)
		if !v.failed[key.pkg] {
			v.count.Failed++
		}
	case key.name == "":
	case action == "pass":
		v.count.Passed++
	case action == "skip":
		v.count.Skipped++
	case action == "fail":
		v.count.Failed++
		v.failed[key.pkg] = true
		fmt.Fprint(v.out, strings.Join(said, ""))
	}
}

// crashed shows what tests had said that never ended.
func (v *view) crashed(pkg string) {
	for key, said := range v.said {
		if key.pkg == pkg {
			fmt.Fprint(v.out, strings.Join(said, ""))
			delete(v.said, key)
		}
	}
}
