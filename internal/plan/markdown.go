package plan

import (
	"fmt"
	"strings"
	"unicode"

	"plumb.dev/plumb/internal/object"
)

// mostOfMarkdown bounds a comment: code hosts refuse more than 65,536 characters.
const mostOfMarkdown = 60_000

// Markdown shows a plan as a comment of a pull request: a heading with the
// counts, and each change folded away. Nothing that comes from an object or a
// commit is read as Markdown or HTML, mentions anyone, or ends its block.
func (p Plan) Markdown(v View) string {
	var out strings.Builder
	out.WriteString("### Plan for " + code(p.App) + "\n\n**" + p.Summary() + "**")
	if !p.InLine() {
		out.WriteString(" · plan " + code(p.Short()))
	}
	if p.Revision != "" {
		out.WriteString(" · commit " + code(p.Revision[:min(len(p.Revision), 8)]))
	}
	if p.Cluster != "" {
		out.WriteString(" · " + code(p.Cluster))
	}
	out.WriteString("\n\n")
	for i, c := range p.Changes {
		block := v.block(c)
		if out.Len()+len(block) > mostOfMarkdown {
			fmt.Fprintf(&out, "… and %s: the plan is too long to be shown here.\n\n", count(len(p.Changes)-i, "more change", "more changes"))
			break
		}
		out.WriteString(block)
	}
	writeList(&out, "Hooks", len(p.Hooks), func(i int) string { return code(p.Hooks[i].Key.String()) + " " + code(p.Hooks[i].when()) })
	writeList(&out, "Could not be told", len(p.Problems), func(i int) string {
		problem := p.Problems[i]
		text := code(problem.Message)
		if problem.Key.Kind != "" {
			text = code(problem.Key.String()) + " " + text
		}
		if problem.Origin.File != "" {
			text = code(problem.Origin.String()) + " " + text
		}
		return text
	})
	writeList(&out, "Left alone", len(p.Extra), func(i int) string {
		return code(p.Extra[i].Key.String()) + " " + code(p.Extra[i].Reason)
	})
	if v.Next != "" && p.Applicable && !p.InLine() {
		out.WriteString(code(v.Next) + "\n")
	}
	return strings.TrimRight(out.String(), "\n") + "\n"
}

// mostListed bounds the lists of a comment.
const mostListed = 50

func writeList(out *strings.Builder, title string, n int, item func(i int) string) {
	if n == 0 {
		return
	}
	out.WriteString("**" + title + "**\n\n")
	for i := range min(n, mostListed) {
		out.WriteString("- " + item(i) + "\n")
	}
	if more := n - mostListed; more > 0 {
		fmt.Fprintf(out, "- … and %d more\n", more)
	}
	out.WriteString("\n")
}

// block is one change, folded away.
func (v View) block(c Change) string {
	summary := string(c.Action) + " " + code(c.Key.String())
	if c.Reason != "" {
		summary += " " + code(c.Reason)
	}
	t := &text{View: View{Full: v.Full}}
	for i, f := range c.Fields {
		if !v.Full && i == foldFields {
			break
		}
		t.diff(f)
	}
	if more := len(c.Fields) - min(len(c.Fields), foldFields); !v.Full && more+c.More > 0 {
		t.line(0, fmt.Sprintf("… and %d more fields", more+c.More))
	}
	if t.out.Len() == 0 && c.Origin.File == "" {
		return "- " + summary + "\n\n"
	}
	body := ""
	if c.Origin.File != "" {
		body = code(c.Origin.String()) + "\n\n"
	}
	if t.out.Len() > 0 {
		fence := fenceFor(t.out.String())
		body += fence + "diff\n" + t.out.String() + fence + "\n\n"
	}
	return "<details><summary>" + summary + "</summary>\n\n" + body + "</details>\n\n"
}

// diff writes a field as code hosts colour it: a sign at the beginning of the line.
func (t *text) diff(f Field) {
	path := printable(f.Path)
	if f.Owner != "" && f.Owner != object.FieldManager {
		path += "  (by " + printable(f.Owner) + ")"
	}
	before, shortBefore := f.Before.inLine()
	after, shortAfter := f.After.inLine()
	if f.Before == nil && f.After == nil {
		t.line(0, "! "+path)
		return
	}
	if shortBefore && shortAfter {
		if f.Before != nil {
			t.line(0, "- "+path+": "+before)
		}
		if f.After != nil {
			t.line(0, "+ "+path+": "+after)
		}
		return
	}
	t.line(0, "  "+path+":")
	block := &text{View: t.View}
	block.lines(f.Before, f.After)
	for line := range strings.Lines(block.out.String()) {
		t.out.WriteString(strings.TrimPrefix(line, strings.Repeat(indent, valueDepth)))
	}
}

// fenceFor is a fence that no line of a text can close.
func fenceFor(text string) string {
	longest, run := 2, 0
	for _, r := range text {
		if r != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return strings.Repeat("`", longest+1)
}

// code is text as code, in which no host looks for mentions and links. Each
// character that could mean anything to Markdown or HTML is written as its number.
func code(s string) string {
	var out strings.Builder
	out.WriteString("<code>")
	for _, r := range printable(s) {
		if r == ' ' || r < unicode.MaxASCII && strings.ContainsRune("-/,;=+%", r) || unicode.IsLetter(r) || unicode.IsDigit(r) {
			out.WriteRune(r)
			continue
		}
		fmt.Fprintf(&out, "&#%d;", r)
	}
	out.WriteString("</code>")
	return out.String()
}
