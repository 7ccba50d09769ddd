package manifest

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"

	"plumb.dev/plumb/internal/object"
)

// Error is one thing wrong in a file.
type Error struct {
	// Origin is the file and line; the line is 0 where it isn't known.
	Origin object.Origin
	// What is wrong, and what to Do about it.
	What, Do string
}

// Error says where, what and what to do.
func (e *Error) Error() string { return e.Origin.String() + ": " + e.Message() }

// Message is the error without the place.
func (e *Error) Message() string {
	if e.Do == "" {
		return e.What
	}
	return e.What + "; " + e.Do
}

// atLine finds the place in a message of the YAML library.
var atLine = regexp.MustCompile(`line (\d+): (.*)`)

// yamlError turns an error of the YAML library about a chunk into one that
// names the place in the file. Of several, it tells the first.
func yamlError(c chunk, err error) *Error {
	line, what := 1, strings.TrimPrefix(err.Error(), "yaml: ")
	if m := atLine.FindStringSubmatch(err.Error()); m != nil {
		line, _ = strconv.Atoi(m[1])
		what = m[2]
	}
	if strings.HasPrefix(what, "did not find expected") {
		line++ // the library's parser, other than its scanner, counts these from 0
	}
	e := &Error{Origin: c.origin(line)}
	if key, isDuplicate := strings.CutSuffix(what, " already set in map"); isDuplicate {
		e.What, e.Do = key+" is given twice", "keep one of them"
		return e
	}
	if strings.HasPrefix(what, "invalid map key") { // it doesn't say where
		what = "a key must be text, not a mapping or list"
		if before, _, isTemplate := bytes.Cut(c.text, []byte("{{")); isTemplate {
			e.Origin = c.origin(bytes.Count(before, []byte("\n")) + 1)
		}
	}
	e.What = "is not valid YAML: " + withoutValues(what)
	e.Do = advice(c.text, e.Origin.Line-c.line)
	return e
}

// quoted finds what the library quotes of the file.
var quoted = regexp.MustCompile("`[^`]*`|'[^']*'|\"[^\"]*\"")

// withoutValues is a message of the YAML library less what it quotes: that may
// be a Secret's value.
func withoutValues(what string) string {
	switch {
	case strings.HasPrefix(what, "unknown anchor"):
		return "it refers to an anchor that isn't there (a value that begins with * needs quotes)"
	case strings.HasPrefix(what, "cannot decode"):
		return "a value doesn't fit its tag"
	}
	return quoted.ReplaceAllStringFunc(what, func(part string) string {
		if len(part) <= len("':'") {
			return part // punctuation that the library expected
		}
		return "…"
	})
}

// advice guesses, from the text, what someone did who wrote invalid YAML; n
// counts the lines before the bad one.
func advice(text []byte, n int) string {
	switch {
	case bytes.Contains(text, []byte("\n<<<<<<< ")) || bytes.HasPrefix(text, []byte("<<<<<<< ")):
		return "it has conflict markers of a merge: resolve them"
	case bytes.Contains(text, []byte("{{")):
		return "it looks like a template: if it belongs to a Helm chart, name the chart's folder in spec.source.path; else keep templates out of the folder"
	}
	if lines := bytes.SplitAfterN(text, []byte("\n"), n+2); n >= 0 && n < len(lines) && startsWithTab(lines[n]) {
		return "YAML is indented by spaces: replace the tabs"
	}
	return "correct it there or just above"
}

func startsWithTab(line []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(line, " "), []byte("\t"))
}
