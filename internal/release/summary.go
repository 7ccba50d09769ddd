package release

import (
	"fmt"
	"strings"
)

// Summary counts what a release did.
type Summary struct{ Created, Updated, Replaced, Pruned int }

// Summary counts the changes. What a guard kept and what was left to another
// App is not among them.
func (r Release) Summary() Summary {
	var s Summary
	for _, c := range r.Changes {
		switch c.Action {
		case "create":
			s.Created++
		case "update":
			s.Updated++
		case "replace":
			s.Replaced++
		case "prune":
			s.Pruned++
		}
	}
	return s
}

// String is +CREATED ~UPDATED ±REPLACED -PRUNED, without what is zero.
func (s Summary) String() string {
	var parts []string
	for _, p := range []struct {
		sign string
		n    int
	}{{"+", s.Created}, {"~", s.Updated}, {"±", s.Replaced}, {"-", s.Pruned}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%s%d", p.sign, p.n))
		}
	}
	return strings.Join(parts, " ")
}
