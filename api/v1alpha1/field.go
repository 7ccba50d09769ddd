package v1alpha1

import (
	"fmt"
	"strconv"
	"strings"
)

// FieldError is one thing wrong with a declaration.
type FieldError struct {
	// Path leads to the field: names, and indexes of lists.
	Path []string
	// What is wrong, and what to Do about it.
	What, Do string
}

// Field is the path as people write it: spec.dependsOn[0].name.
func (e FieldError) Field() string {
	var b strings.Builder
	for i, p := range e.Path {
		if _, err := strconv.Atoi(p); err == nil && i > 0 {
			b.WriteString("[" + p + "]")
			continue
		}
		if i > 0 {
			b.WriteByte('.')
		}
		if p == "" {
			p = `""`
		}
		b.WriteString(p)
	}
	return b.String()
}

// Error says which field, what and what to do.
func (e FieldError) Error() string { return fmt.Sprintf("%s: %s; %s", e.Field(), e.What, e.Do) }

// sink collects what is wrong with a declaration of a kind.
type sink struct {
	kind string
	errs []FieldError
}

// add notes an error at a path that is written as Field writes it.
func (s *sink) add(field, what, do string) {
	path := strings.FieldsFunc(field, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
	s.errs = append(s.errs, FieldError{Path: path, What: what, Do: do})
}
