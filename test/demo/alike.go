package main

import (
	"regexp"
	"slices"
	"strings"
)

// varying is what no two runs have in common, with what stands for it.
var varying = []struct {
	pattern *regexp.Regexp
	name    string
}{
	{regexp.MustCompile(`\b\d{4}-\d\d-\d\dT[0-9:.]+Z`), "TIME"},
	{regexp.MustCompile(`\b\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?\b`), "TIME"},
	{regexp.MustCompile(`\b[A-Z][a-z]{2} [A-Z][a-z]{2} +\d+ [0-9:]{8} \d{4} [+-]\d{4}\b`), "TIME"}, // as git writes it
	{regexp.MustCompile(`\b[0-9a-f]{64}\b`), "HASH"},
	{regexp.MustCompile(`\b[0-9a-f]{40}\b`), "COMMIT"},
	{regexp.MustCompile(`\b[0-9a-f]{12}\b`), "HASH"},
	{regexp.MustCompile(`\b[0-9a-f]{8}\b`), "COMMIT"},
	{regexp.MustCompile(`\b127\.0\.0\.1:\d+`), "ADDRESS"},
	{regexp.MustCompile(`\b(\d+(\.\d+)?(ms|µs|[dhms]))+\b`), "SPAN"}, // an age, or how long something took
	{regexp.MustCompile(`  +`), "  "},                                // columns, which are as wide as what is in them
}

// progress is what a command tells while it waits: how much of it depends on when it happens to look.
var progress = regexp.MustCompile(`^[a-z0-9-]+/[a-z0-9-]+: Pending: `)

// withoutProgress is an output without what depends on when the command looked.
func withoutProgress(lines []string) []string {
	return slices.DeleteFunc(lines, progress.MatchString)
}

// alike says whether two outputs are the same but for what no two runs have in common.
func alike(a, b []string) bool {
	return constant(a) == constant(b)
}

// constant is what runs have in common.
func constant(lines []string) string {
	text := strings.TrimRight(strings.Join(lines, "\n"), " \n")
	for _, v := range varying {
		text = v.pattern.ReplaceAllString(text, v.name)
	}
	return text
}
