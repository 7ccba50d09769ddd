package gate

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"plumb.dev/plumb/api/v1alpha1"
)

// trailers are the lines of a commit's message that name who made it as well.
var trailers = regexp.MustCompile(`(?mi)^(?:Co-authored-by|Asked for by): *(.+?)\s*$`)

// Authors are all who made a commit, one in a line: its author, and whom the
// message names beside. A commit that Plumb makes names who asked for it.
func Authors(author, message string) string {
	authors := []string{author}
	for _, named := range trailers.FindAllStringSubmatch(message, -1) {
		authors = append(authors, named[1])
	}
	return strings.Join(authors, "\n")
}

// Authorise says why someone's approval doesn't count, or nil where it does.
// Each line of author is "Name <address>", or what people write in its place.
func Authorise(a Approval, rule v1alpha1.Approval, author string) error {
	switch {
	case !rule.NotAuthor:
		return nil
	case strings.TrimSpace(a.By) == "":
		return errors.New("someone other than the commit's author has to approve, and it isn't known who approves")
	case strings.TrimSpace(author) == "":
		return errors.New("someone other than the commit's author has to approve, and it isn't known who the author is")
	case slices.ContainsFunc(strings.Split(author, "\n"), func(one string) bool { return samePerson(a.By, one) }):
		return fmt.Errorf("%s made the commit, so someone else has to approve it (sync.approval.notAuthor)", a.By)
	}
	return nil
}

// samePerson says whether two people are one as far as can be told: they have
// a name or an address in common, or one is given by the name of an account
// alone (ada, ada@laptop) that the other's address begins with.
func samePerson(a, b string) bool {
	x, y := calledBy(a), calledBy(b)
	return x.shares(y) || x.isAccountOf(y) || y.isAccountOf(x)
}

// person is what someone is called.
type person struct {
	names   []string
	account string // what an address begins with
	bare    bool   // nothing but an account is given, or nothing that tells it from one
}

// calledBy reads "Name <address>", or what people write in its place.
func calledBy(text string) (p person) {
	name, rest, bracketed := strings.Cut(text, "<")
	address, _, _ := strings.Cut(rest, ">")
	for _, called := range []string{text, name, address} {
		if called = strings.Join(strings.Fields(called), " "); called != "" {
			p.names = append(p.names, called)
		}
	}
	if p.bare = !bracketed; p.bare {
		address = strings.TrimSpace(text)
	}
	p.account, _, _ = strings.Cut(address, "@")
	return p
}

func (p person) shares(other person) bool { return overlap(p.names, other.names) }

func (p person) isAccountOf(other person) bool {
	return p.bare && p.account != "" && overlap([]string{p.account}, append(other.names, other.account))
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(x string) bool {
		return slices.ContainsFunc(b, func(y string) bool { return strings.EqualFold(x, y) })
	})
}
