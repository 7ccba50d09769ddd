package v1alpha1

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

func validateValuesFrom(s *sink, field string, from []Given) {
	for i, g := range from {
		at := fmt.Sprintf("%s[%d]", field, i)
		validateGiven(s, at, g)
		if g.Key != "" && len(validation.IsConfigMapKey(g.Key)) > 0 {
			s.add(at+".key", fmt.Sprintf("%q is not a key that one can have", g.Key), "use letters, digits, -, _ and .")
		}
		if why := badValuePath(g.At); why != "" {
			s.add(at+".at", fmt.Sprintf("%q %s", g.At, why), `write it like image.tag or hosts[0].name, with \. for a dot in a name`)
		}
	}
}

// maxValuePath bounds the path of a value.
const maxValuePath = 256

// badValuePath says why a path names no value of a chart's.
func badValuePath(p string) string {
	switch {
	case p == "":
		return ""
	case len(p) > maxValuePath:
		return "is too long"
	case strings.ContainsAny(p, "=,{}") || hasControl(p):
		return "has a character that no path has"
	}
	for name := range strings.SplitSeq(strings.ReplaceAll(p, `\.`, "x"), ".") {
		if name == "" {
			return "has an empty name in it"
		}
	}
	return ""
}
