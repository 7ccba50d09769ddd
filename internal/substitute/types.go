package substitute

import (
	"encoding/json"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/scheme"
)

// A text that is nothing but expressions, such as replicas: ${REPLICAS}, may be
// meant for a number. Once YAML is parsed, nobody knows whether it was quoted.
// But most fields have a type: those of the kinds of Kubernetes, and metadata of
// every kind. There, what is put in becomes what the field takes. In fields of
// other kinds it becomes a number, true or false if it reads as one, as with
// Flux, and a value in quotes stays text.

// fieldType is what a field takes.
type fieldType int

const (
	anything fieldType = iota // it isn't known
	text
	whole   // a whole number
	decimal // a number
	toggle  // true or false
	either  // a whole number or a text
)

// typeOf is the type of a field of an object.
func typeOf(apiVersion, kind string, path []string) fieldType {
	if len(path) > 1 && path[0] == "metadata" {
		return below(reflect.TypeFor[metav1.ObjectMeta](), path[1:])
	}
	gv, err := schema.ParseGroupVersion(apiVersion)
	if err == nil {
		if o, err := scheme.Scheme.New(gv.WithKind(kind)); err == nil {
			return below(reflect.TypeOf(o), path)
		}
	}
	return guess(path)
}

// below follows a path through a type of the API.
func below(t reflect.Type, path []string) fieldType {
	for _, name := range path {
		for t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		switch t.Kind() {
		case reflect.Map:
			t = t.Elem()
		case reflect.Slice:
			t = t.Elem()
		case reflect.Struct:
			field, known := fieldOf(t, name)
			if !known {
				return anything
			}
			t = field
		default:
			return anything
		}
	}
	return leaf(t)
}

// fieldOf is the type of the field that JSON knows by a name.
func fieldOf(t reflect.Type, name string) (reflect.Type, bool) {
	for i := range t.NumField() {
		f := t.Field(i)
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if tag == name && tag != "" {
			return f.Type, true
		}
		if tag == "" && f.Anonymous {
			if found, known := fieldOf(f.Type, name); known {
				return found, true
			}
		}
	}
	return nil, false
}

// leaf is what a type takes that ends a path.
func leaf(t reflect.Type) fieldType {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t {
	case reflect.TypeFor[intstr.IntOrString]():
		return either
	case reflect.TypeFor[resource.Quantity]():
		return text // it takes both, and tells texts
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) && t.Kind() == reflect.Struct {
		if t.PkgPath() == reflect.TypeFor[metav1.Time]().PkgPath() {
			return text // times and durations
		}
		return anything
	}
	switch t.Kind() {
	case reflect.String, reflect.Slice: // bytes are written as text
		return text
	case reflect.Bool:
		return toggle
	case reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint8, reflect.Uint32, reflect.Uint64:
		return whole
	case reflect.Float32, reflect.Float64:
		return decimal
	}
	return anything
}

// texts are mappings and lists of texts, by the names that they have in most
// kinds that other people made.
var texts = []string{"labels", "annotations", "matchLabels", "nodeSelector", "args", "command"}

// guess is the type of a field of a kind that isn't known.
func guess(path []string) fieldType {
	n := len(path)
	switch {
	case n == 1 && (path[0] == "apiVersion" || path[0] == "kind"):
		return text
	case n >= 2 && slices.Contains(texts, path[n-2]):
		return text
	case n >= 3 && path[n-1] == "value" && path[n-3] == "env":
		return text
	}
	return anything
}

var (
	wholeNumber   = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,17})$`)
	decimalNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,14})\.[0-9]{1,15}$`)
)

// typed is a text as a field of a type takes it.
func typed(s string, as fieldType) any {
	switch {
	case as == text:
		return s
	case wholeNumber.MatchString(s) && as != toggle:
		n, err := strconv.ParseInt(s, 10, 64)
		if err == nil {
			return n
		}
	case decimalNumber.MatchString(s) && (as == decimal || as == anything):
		f, err := strconv.ParseFloat(s, 64)
		if err == nil && (as == decimal || strconv.FormatFloat(f, 'f', -1, 64) == s) { // 1.10 is a version
			return f
		}
	case (s == "true" || s == "false") && (as == toggle || as == anything):
		return s == "true"
	case as == anything:
		if inner, quoted := unquoted(s); quoted {
			return inner
		}
	}
	return s
}

// unquoted is what stands in quotes, where a text is that.
func unquoted(s string) (string, bool) {
	n := len(s)
	if n < 2 || s[0] != s[n-1] || s[0] != '"' && s[0] != '\'' || strings.Contains(s[1:n-1], s[:1]) {
		return s, false
	}
	return s[1 : n-1], true
}
