package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRecord(t *testing.T) {
	tests := []struct {
		name, in, out string
		count         Count
		fails         string
	}{
		{
			name: "a passing package is one line",
			in: `{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"p","Test":"TestA/b","Output":"noise\n"}
{"Action":"pass","Package":"p","Test":"TestA/b"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"skip","Package":"p","Test":"TestC"}
{"Action":"output","Package":"p","Output":"PASS\n"}
{"Action":"output","Package":"p","Output":"ok  \tp\t0.1s\n"}
{"Action":"pass","Package":"p"}
`,
			out:   "ok  \tp\t0.1s\n",
			count: Count{Passed: 2, Skipped: 1},
		},
		{
			name: "a package without tests is none",
			in: `{"Action":"output","Package":"p","Output":"?   \tp\t[no test files]\n"}
{"Action":"skip","Package":"p"}
`,
		},
		{
			name: "a failed test says all it has to say",
			in: `{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"--- FAIL: TestA\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"    because\n"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t0.1s\n"}
{"Action":"fail","Package":"p"}
`,
			out:   "--- FAIL: TestA\n    because\nFAIL\tp\t0.1s\n",
			count: Count{Failed: 1},
			fails: "1 failed",
		},
		{
			name: "a package that doesn't build is a failure",
			in: `{"ImportPath":"p","Action":"build-output","Output":"p.go:1: no\n"}
{"ImportPath":"p","Action":"build-fail"}
{"Action":"output","Package":"p","Output":"FAIL\tp [build failed]\n"}
{"Action":"fail","Package":"p","FailedBuild":"p"}
`,
			out:   "p.go:1: no\nFAIL\tp [build failed]\n",
			count: Count{Failed: 1},
			fails: "1 failed",
		},
		{
			name: "a crash shows the test that it hit",
			in: `{"Action":"output","Package":"p","Test":"TestA","Output":"panic: no\n"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t0.1s\n"}
{"Action":"fail","Package":"p"}
`,
			out:   "FAIL\tp\t0.1s\npanic: no\n",
			count: Count{Failed: 1},
			fails: "1 failed",
		},
		{name: "what is no event is passed on", in: "go: downloading\n{odd\nno newline", out: "go: downloading\n{odd\nno newline"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "counts")
			var out strings.Builder
			err := run([]string{file}, strings.NewReader(test.in), &out)
			if message := errorText(err); message != test.fails {
				t.Errorf("error %q, want %q", message, test.fails)
			}
			if diff := cmp.Diff(test.out, out.String()); diff != "" {
				t.Errorf("output (-want +got):\n%s", diff)
			}
			count, err := show(strings.NewReader(test.in), &strings.Builder{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.count, count); diff != "" {
				t.Errorf("count (-want +got):\n%s", diff)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestSum(t *testing.T) {
	file := filepath.Join(t.TempDir(), "counts")
	for _, count := range []Count{{Passed: 2, Skipped: 1}, {Passed: 3, Failed: 1}} {
		if err := appendLine(file, count); err != nil {
			t.Fatal(err)
		}
	}
	var out strings.Builder
	if err := run([]string{"-sum", file}, nil, &out); err != nil {
		t.Fatal(err)
	}
	if want := "1 skipped\n5 passed, 1 failed\n"; out.String() != want {
		t.Errorf("sum prints %q, want %q", out.String(), want)
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{nil, {"-x"}, {"a", "b"}, {"-sum"}} {
		if err := run(args, nil, &strings.Builder{}); err == nil {
			t.Errorf("run(%q) takes it", args)
		}
	}
}
