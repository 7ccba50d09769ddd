package replace

import (
	"regexp"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Fixed are the fields of an object that can't be changed, as the API server
// names them; the zero Fixed are none.
type Fixed struct {
	Fields []string // such as spec.selector; those inside of them are meant, too
	except []string // fields that may be changed although they lie inside
}

// says are the words by which built-in kinds and most custom ones say that a
// field can't be changed.
var says = []string{
	"immutable", "may not change", "may not be changed", "cannot change", "cannot be changed", "can not be changed", "can't be changed",
	"updates to ", "may not be updated", "cannot be updated", "pod updates may not", "can not be less than", "cannot be less than", "may not add or remove",
}

// quoted are the fields that a message names as those that may be changed.
var quoted = regexp.MustCompile("['`]([a-zA-Z.\\[\\]*]+)['`]")

// FixedBy reads a refusal. It is zero unless every cause of it is a field that
// can't be changed: an object with another mistake in it would be refused anew.
func FixedBy(said metav1.Status) Fixed {
	if said.Reason != metav1.StatusReasonInvalid || said.Details == nil {
		return Fixed{}
	}
	var f Fixed
	for _, cause := range said.Details.Causes {
		message := strings.ToLower(cause.Message)
		if !slices.ContainsFunc(says, func(words string) bool { return strings.Contains(message, words) }) {
			return Fixed{}
		}
		if !slices.Contains(f.Fields, cause.Field) {
			f.Fields = append(f.Fields, cause.Field)
		}
		if plain(cause.Field) == "spec.clusterIPs" { // who declares a Service's address declares the first of them
			f.Fields = append(f.Fields, "spec.clusterIP")
		}
		if strings.Contains(message, "other than") || strings.Contains(message, "except") {
			for _, name := range quoted.FindAllStringSubmatch(cause.Message, -1) {
				f.except = append(f.except, cause.Field+"."+strings.TrimPrefix(name[1], cause.Field+"."))
			}
		}
	}
	return f
}

// Any says whether there are any.
func (f Fixed) Any() bool { return len(f.Fields) > 0 }

// Has says whether a path, as a plan writes it, leads to such a field.
func (f Fixed) Has(path string) bool {
	path = plain(path)
	within := func(field string) bool {
		field = plain(field)
		return path == field || strings.HasPrefix(path, field+".") || strings.HasPrefix(field, path+".")
	}
	return slices.ContainsFunc(f.Fields, within) && !slices.ContainsFunc(f.except, func(field string) bool {
		field = plain(field)
		return path == field || strings.HasPrefix(path, field+".")
	})
}

var brackets = regexp.MustCompile(`\[[^\]]*\]`)

// plain is a path without the elements of lists.
func plain(path string) string { return brackets.ReplaceAllString(path, "") }
