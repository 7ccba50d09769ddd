package yamledit

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// chunk is the text of one document of a file, from the line of its first
// content on.
type chunk struct {
	start int // where it starts in the file
	line  int // the number of its first line, counting from 1
	text  []byte
	json  bool
}

// cut finds the documents of a file, with its byte order mark taken away.
func cut(data []byte) []chunk {
	if chunks, isJSON := cutJSON(data); isJSON {
		return chunks
	}
	return cutYAML(data)
}

// cutJSON finds the values of a file that holds nothing but JSON.
func cutJSON(data []byte) ([]chunk, bool) {
	if first := bytes.TrimLeft(data, " \t\r\n"); len(first) == 0 || first[0] != '{' && first[0] != '[' {
		return nil, false
	}
	var chunks []chunk
	d := json.NewDecoder(bytes.NewReader(data))
	for d.More() {
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return nil, false
		}
		start := int(d.InputOffset()) - len(raw)
		chunks = append(chunks, chunk{start: start, line: 1 + bytes.Count(data[:start], []byte("\n")), text: raw, json: true})
	}
	return chunks, len(bytes.TrimSpace(data[d.InputOffset():])) == 0
}

// cutYAML cuts at the lines of --- and ..., which can't be part of a value, and
// leaves out what holds nothing but comments.
func cutYAML(data []byte) []chunk {
	var chunks []chunk
	start, first, line := -1, 0, 0
	end := func(at int) {
		if start >= 0 {
			chunks = append(chunks, chunk{start: start, line: first, text: data[start:at]})
		}
		start = -1
	}
	for at := 0; at < len(data); {
		next := lineEnd(data, at)
		text := data[at:next]
		line++
		if isMarker(text) {
			end(at)
			if text[0] == '.' {
				text = nil
			} else {
				text = text[len("---"):]
			}
		}
		if start < 0 && hasContent(text) {
			start, first = at, line
		}
		at = next
	}
	end(len(data))
	return chunks
}

// isMarker says whether a line parts documents.
func isMarker(line []byte) bool {
	if !bytes.HasPrefix(line, []byte("---")) && !bytes.HasPrefix(line, []byte("...")) {
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

// lineEnd is where the line around i ends, behind its line break.
func lineEnd(text []byte, i int) int {
	if n := bytes.IndexByte(text[i:], '\n'); n >= 0 {
		return i + n + 1
	}
	return len(text)
}

// lineStart is where the line around i starts.
func lineStart(text []byte, i int) int { return bytes.LastIndexByte(text[:i], '\n') + 1 }

// withoutBreak is the end of a line less its line break.
func withoutBreak(text []byte, end int) int {
	if end > 0 && text[end-1] == '\n' {
		end--
		if end > 0 && text[end-1] == '\r' {
			end--
		}
	}
	return end
}

// lineBreak is the one that a text uses.
func lineBreak(text []byte) string {
	if i := bytes.IndexByte(text, '\n'); i > 0 && text[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// starts are the places where lines start, as the YAML library counts them: it
// knows more line breaks than everyone else.
func starts(text []byte) []int {
	lines := []int{0}
	for i := 0; i < len(text); {
		n := breakAt(text[i:])
		if n == 0 {
			_, size := utf8.DecodeRune(text[i:])
			i += size
			continue
		}
		i += n
		lines = append(lines, i)
	}
	return lines
}

// breakAt is the length of the line break that a text begins with, or 0.
func breakAt(text []byte) int {
	switch {
	case bytes.HasPrefix(text, []byte("\r\n")), bytes.HasPrefix(text, []byte("\u0085")):
		return 2
	case len(text) > 0 && (text[0] == '\n' || text[0] == '\r'):
		return 1
	case bytes.HasPrefix(text, []byte("\u2028")), bytes.HasPrefix(text, []byte("\u2029")):
		return 3
	}
	return 0
}

// skipSpace is where the first thing from i on stands that is neither a blank,
// nor a line break, nor a comment.
func skipSpace(text []byte, i int) int {
	for i < len(text) {
		switch n := breakAt(text[i:]); {
		case n > 0:
			i += n
		case text[i] == ' ' || text[i] == '\t':
			i++
		case text[i] == '#' && (i == 0 || isBlank(text[i-1])):
			for i < len(text) && breakAt(text[i:]) == 0 {
				i++
			}
		default:
			return i
		}
	}
	return i
}

func isBlank(b byte) bool { return b == ' ' || b == '\t' || b == '\n' || b == '\r' }

// indentOf is how many spaces the line at i begins with.
func indentOf(text []byte, i int) int {
	n := 0
	for i+n < len(text) && text[i+n] == ' ' {
		n++
	}
	return n
}
