package gitobject

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Commit is one commit, as far as anyone asks.
type Commit struct {
	ID   string
	Tree string
	// Author is Name <email>.
	Author string
	// Message is cut after MaxMessage bytes.
	Message string
	// Time is the committer's.
	Time time.Time
}

// MaxMessage bounds what is kept of a commit's message.
const MaxMessage = 4096

// ParseCommit reads a commit object. Whatever anyone wrote into it, the result
// is valid UTF-8 and bounded; what can't be read is left empty, but for the tree.
func ParseCommit(id string, content []byte) (Commit, error) {
	headers, message, _ := strings.Cut(string(content), "\n\n")
	c := Commit{ID: id}
	for line := range strings.SplitSeq(headers, "\n") {
		key, value, _ := strings.Cut(line, " ")
		switch {
		case key == "tree" && c.Tree == "":
			c.Tree = value
		case key == "author" && c.Author == "":
			c.Author, _ = parsePerson(value)
		case key == "committer" && c.Time.IsZero():
			_, c.Time = parsePerson(value)
		}
	}
	if !IsID(c.Tree) {
		return Commit{}, fmt.Errorf("commit %s names no tree", id)
	}
	c.Message = Printable(strings.TrimSpace(message), MaxMessage)
	return c, nil
}

// parsePerson reads Name <email> SECONDS ZONE.
func parsePerson(s string) (string, time.Time) {
	const longest = 256
	end := strings.LastIndexByte(s, '>')
	if end < 0 {
		return Printable(s, longest), time.Time{}
	}
	person := Printable(s[:end+1], longest)
	seconds, zone, _ := strings.Cut(strings.TrimSpace(s[end+1:]), " ")
	at, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return person, time.Time{}
	}
	return person, time.Unix(at, 0).In(parseZone(zone))
}

// parseZone reads +hhmm.
func parseZone(s string) *time.Location {
	n, err := strconv.Atoi(s)
	if err != nil || n < -2400 || n > 2400 {
		return time.UTC
	}
	offset := n/100*3600 + n%100*60
	if offset == 0 {
		return time.UTC
	}
	return time.FixedZone("", offset)
}

// Printable cuts s and leaves out what is not text, so that whatever a stranger
// wrote can be shown.
func Printable(s string, longest int) string {
	s = s[:min(len(s), longest)]
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || r >= ' ' && r != 0x7f && r != 0xfffd {
			return r
		}
		return -1
	}, strings.ToValidUTF8(s, ""))
}
