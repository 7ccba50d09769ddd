package gitobject

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Person is who made a commit.
type Person struct{ Name, Email string }

// String is Name <email>.
func (p Person) String() string { return p.Name + " <" + p.Email + ">" }

// ParsePerson reads Name <email>.
func ParsePerson(s string) (Person, error) {
	name, rest, ok := strings.Cut(s, "<")
	email, after, closed := strings.Cut(rest, ">")
	p := Person{Name: strings.TrimSpace(name), Email: strings.TrimSpace(email)}
	if !ok || !closed || strings.TrimSpace(after) != "" {
		return Person{}, fmt.Errorf("%q is not of the form Name <email>", s)
	}
	return p, p.Check()
}

// Check turns down what would read as another person, or as another header.
func (p Person) Check() error {
	switch {
	case strings.TrimSpace(p.Name) == "" || strings.TrimSpace(p.Email) == "":
		return fmt.Errorf("%q lacks a name or an address: write Name <email>", p.String())
	case strings.ContainsFunc(p.Name+p.Email, func(r rune) bool { return r < ' ' || r == 0x7f || r == '<' || r == '>' || r == utf8.RuneError }):
		return fmt.Errorf("%q holds a character that the name of a commit's author can't have", p.String())
	}
	return nil
}

// Draft is a commit before it has a name.
type Draft struct {
	Tree      string
	Parents   []string
	Author    Person
	Committer Person
	Time      time.Time // of both
	Message   string
	// Signature is armored text over what Encode makes without it.
	Signature string
}

// Encode writes the commit object.
func (d Draft) Encode() ([]byte, error) {
	if err := errors.Join(d.Author.Check(), d.Committer.Check()); err != nil {
		return nil, err
	}
	for _, id := range append([]string{d.Tree}, d.Parents...) {
		if !IsID(id) {
			return nil, fmt.Errorf("%q is not the id of an object", id)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "tree %s\n", d.Tree)
	for _, p := range d.Parents {
		fmt.Fprintf(&b, "parent %s\n", p)
	}
	at := fmt.Sprintf("%d %s", d.Time.Unix(), d.Time.Format("-0700"))
	fmt.Fprintf(&b, "author %s %s\ncommitter %s %s\n", d.Author, at, d.Committer, at)
	if d.Signature != "" {
		b.WriteString(d.signatureHeader())
	}
	b.WriteString("\n" + tidied(d.Message))
	return []byte(b.String()), nil
}

// signatureHeader continues its lines with a space; its name tells which
// format's bytes were signed.
func (d Draft) signatureHeader() string {
	name := "gpgsig"
	if FormatOf(d.Tree) == SHA256 {
		name = "gpgsig-sha256"
	}
	lines := strings.Split(strings.TrimRight(d.Signature, "\n"), "\n")
	return name + " " + strings.Join(lines, "\n ") + "\n"
}

// tidied is a message as git commit leaves it: text, without spaces at the ends
// of lines, more than one empty line in a row, or NUL, which would end it.
func tidied(message string) string {
	var kept []string
	for line := range strings.Lines(strings.ToValidUTF8(strings.ReplaceAll(message, "\x00", ""), "\ufffd")) {
		line = strings.TrimRight(line, " \t\r\n")
		if line == "" && (len(kept) == 0 || kept[len(kept)-1] == "") {
			continue
		}
		kept = append(kept, line)
	}
	return strings.TrimRight(strings.Join(kept, "\n"), "\n") + "\n"
}
