package manifest

import (
	"bytes"

	"plumb.dev/plumb/internal/object"
)

// chunk is the text of one document of a file, from its first line with content
// on, and the number of that line in the file, counting from 1.
type chunk struct {
	file string
	line int
	text []byte
}

// origin is the place of the chunk's nth line, counting from 1. The YAML
// libraries know other line breaks than everyone else, so n may be too large.
func (c chunk) origin(n int) object.Origin {
	lines := bytes.Count(bytes.TrimRight(c.text, "\n"), []byte("\n")) + 1
	return object.Origin{File: c.file, Line: c.line + max(1, min(n, lines)) - 1}
}

// split cuts a file where YAML documents end, at lines of --- and ..., and
// leaves out the parts that hold nothing but comments. Such a line can't be part
// of a value: YAML allows it nowhere inside a document.
func split(file string, data []byte) []chunk {
	var chunks []chunk
	start, line := -1, 0 // start of the chunk under way, or -1 before its first content
	var first int        // the line at start
	closeAt := func(end int) {
		if start >= 0 {
			chunks = append(chunks, chunk{file: file, line: first, text: data[start:end]})
		}
		start = -1
	}
	for at := 0; at < len(data); {
		next := lineEnd(data, at)
		text := data[at:next]
		line++
		if marker(text) {
			closeAt(at)
			text = text[len("---"):]
			if bytes.HasPrefix(data[at:], []byte("...")) {
				text = nil
			}
		}
		if start < 0 && hasContent(text) {
			start, first = at, line
		}
		at = next
	}
	closeAt(len(data))
	return chunks
}

// lineEnd is where the line that starts at i ends, behind its line break.
func lineEnd(data []byte, i int) int {
	if n := bytes.IndexByte(data[i:], '\n'); n >= 0 {
		return i + n + 1
	}
	return len(data)
}

// marker says whether a line is one of --- or ..., which part documents. What
// follows --- on its line belongs to the document that it starts.
func marker(line []byte) bool {
	if len(line) < 3 || (line[0] != '-' && line[0] != '.') {
		return false
	}
	if three := string(line[:3]); three != "---" && three != "..." {
		return false
	}
	return len(line) == 3 || bytes.IndexByte([]byte(" \t\r\n"), line[3]) >= 0
}

// hasContent says whether a line, before any content, is more than a space, a
// comment or a directive.
func hasContent(line []byte) bool {
	rest := bytes.TrimLeft(line, " \t\r\n")
	return len(rest) > 0 && rest[0] != '#' && line[0] != '%'
}
