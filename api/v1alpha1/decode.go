package v1alpha1

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Decode reads a document of the group plumb.dev that declares an App,
// strictly: every field has to be known and of its type. It says all that is
// wrong, the values' meaning included. Defaults are not filled in.
//
// The document holds what JSON can, as k8s.io/apimachinery decodes it.
func Decode(document map[string]any) (App, []FieldError) {
	var a App
	if wrong := decode(document, KindApp, &a); len(wrong) > 0 {
		return App{}, wrong
	}
	return a, Validate(a)
}

// DecodeProject reads a document that declares a Project, as Decode reads one
// that declares an App.
func DecodeProject(document map[string]any) (Project, []FieldError) {
	var p Project
	if wrong := decode(document, KindProject, &p); len(wrong) > 0 {
		return Project{}, wrong
	}
	return p, ValidateProject(p)
}

// decode holds a document to a kind and its fields, and reads it into a value
// of its type.
func decode[T any](document map[string]any, kind string, into *T) []FieldError {
	s := sink{kind: kind}
	if !s.of(document) {
		return s.errs
	}
	if document["spec"] == nil {
		s.add("spec", "is missing", map[string]string{
			KindApp:     "say at least which folder to deliver, in spec.source.path",
			KindProject: "say what holds for its Apps, such as spec.windows",
		}[kind])
	}
	s.structure(nil, withoutServerFields(document), reflect.TypeFor[T]())
	if len(s.errs) > 0 {
		return s.errs
	}
	b, err := json.Marshal(withoutServerFields(document))
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		return []FieldError{{Path: []string{"spec"}, What: err.Error(), Do: "correct it"}} // structure let it pass
	}
	return nil
}

// of says whether the document is of the sink's kind, in this version.
func (s *sink) of(document map[string]any) bool {
	apiVersion, kind := document["apiVersion"], document["kind"]
	later, isLater := notYet["kind="+fmt.Sprint(kind)]
	switch {
	case apiVersion != APIVersion:
		s.add("apiVersion", fmt.Sprintf("there is no %v", apiVersion), "use "+APIVersion)
	case kind == s.kind:
		return true
	case isLater:
		s.add("kind", later.what, later.do)
	case kind == KindApp, kind == KindProject:
		s.add("kind", fmt.Sprintf("is %v, not %s", kind, s.kind), "use "+s.kind)
	default:
		what := fmt.Sprintf("there is no %v in %s", kind, APIVersion)
		if kind == nil {
			what = "is missing"
		}
		s.add("kind", what, "use "+KindApp+" or "+KindProject)
	}
	return false
}

// withoutServerFields is a copy of the document without what an API server
// adds. People commit what kubectl printed.
func withoutServerFields(document map[string]any) map[string]any {
	clean := make(map[string]any, len(document))
	for k, v := range document {
		if k != "status" {
			clean[k] = v
		}
	}
	metadata, isMap := clean["metadata"].(map[string]any)
	if !isMap {
		return clean
	}
	kept := make(map[string]any, len(metadata))
	for k, v := range metadata {
		switch k {
		case "creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "finalizers", "generation", "managedFields",
			"ownerReferences", "resourceVersion", "selfLink", "uid":
		default:
			kept[k] = v
		}
	}
	clean["metadata"] = kept
	return clean
}

// metadata is what of metav1.ObjectMeta people write.
type metadata struct {
	Name        string            `json:"name"`
	Namespace   string            `json:"namespace"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

// structure holds a value to the fields and types of a Go type. Null is let
// through everywhere: it means that a field is left out.
func (s *sink) structure(path []string, v any, t reflect.Type) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == reflect.TypeFor[metav1.ObjectMeta]() {
		t = reflect.TypeFor[metadata]()
	}
	switch {
	case v == nil:
	case t == reflect.TypeFor[metav1.Duration]():
		s.duration(path, v)
	case t.Kind() == reflect.Struct:
		s.fields(path, v, t)
	case t.Kind() == reflect.Slice:
		s.items(path, v, t)
	case t.Kind() == reflect.Map && t.Elem().Kind() == reflect.Interface:
		if _, isMap := v.(map[string]any); !isMap {
			s.wrong(path, v, "a mapping")
		}
	case t.Kind() == reflect.Map:
		s.texts(path, v)
	case t.Kind() == reflect.Bool:
		if _, isBool := v.(bool); !isBool {
			s.wrong(path, v, "true or false")
		}
	case t.Kind() == reflect.Int:
		if !isWhole(v) {
			s.wrong(path, v, "a whole number")
		}
	default:
		if _, isText := v.(string); !isText {
			s.wrong(path, v, "text")
		}
	}
}

func isWhole(v any) bool {
	f, isFloat := v.(float64)
	_, isInt := v.(int64)
	return isInt || isFloat && f == math.Trunc(f) && math.Abs(f) < 1<<53
}

func (s *sink) at(path []string, what, do string) {
	s.errs = append(s.errs, FieldError{Path: append([]string(nil), path...), What: what, Do: do})
}

// wrong notes a value of the wrong type.
func (s *sink) wrong(path []string, v any, want string) {
	do := "make it " + want
	switch v.(type) {
	case bool, int64, float64:
		if want == "text" {
			do = "quote it"
		}
	}
	s.at(path, "is "+typeName(v)+", not "+want, do)
}

func typeName(v any) string {
	switch v.(type) {
	case string:
		return "text"
	case bool:
		return "true or false"
	case []any:
		return "a list"
	case map[string]any:
		return "a mapping"
	}
	return "a number"
}

func (s *sink) duration(path []string, v any) {
	text, isText := v.(string)
	if !isText {
		s.at(path, "is "+typeName(v)+", not a duration", "write it like 30s, 5m or 1h")
		return
	}
	d, err := time.ParseDuration(text)
	switch {
	case err != nil:
		s.at(path, fmt.Sprintf("%q is not a duration", text), "write it like 30s, 5m or 1h")
	case d <= 0:
		s.at(path, fmt.Sprintf("%q is too short", text), "give at least 1s")
	}
}

func (s *sink) items(path []string, v any, t reflect.Type) {
	list, isList := v.([]any)
	if !isList {
		s.wrong(path, v, "a list")
		return
	}
	for i, item := range list {
		below := append(path[:len(path):len(path)], strconv.Itoa(i))
		if item == nil {
			s.at(below, "is empty", "complete or remove it")
			continue
		}
		s.structure(below, item, t.Elem())
	}
}

func (s *sink) texts(path []string, v any) {
	m, isMap := v.(map[string]any)
	if !isMap {
		s.wrong(path, v, "a mapping")
		return
	}
	for _, k := range sortedKeys(m) {
		if _, isText := m[k].(string); !isText {
			s.wrong(append(path[:len(path):len(path)], k), m[k], "text")
		}
	}
}

func (s *sink) fields(path []string, v any, t reflect.Type) {
	m, isMap := v.(map[string]any)
	if !isMap {
		s.wrong(path, v, "a mapping")
		return
	}
	known := fieldTypes(t)
	for _, k := range sortedKeys(m) {
		below := append(path[:len(path):len(path)], k)
		if ft, isKnown := known[k]; isKnown {
			s.structure(below, m[k], ft)
			continue
		}
		what, do := s.unknown(FieldError{Path: below}.Field(), known)
		s.at(below, what, do)
	}
}

// fieldTypes are the fields of a struct by their names in YAML, those of
// embedded structs included.
func fieldTypes(t reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" && f.Anonymous {
			for name, ft := range fieldTypes(f.Type) {
				fields[name] = ft
			}
			continue
		}
		if name != "-" {
			fields[name] = f.Type
		}
	}
	return fields
}
