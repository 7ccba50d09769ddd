package helm

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"github.com/BurntSushi/toml"
	"github.com/Masterminds/sprig/v3"
	"sigs.k8s.io/yaml"
	goyaml "sigs.k8s.io/yaml/goyaml.v3"
)

// functions are those of templates, metered: the library's own, and those that
// rewrite calls. What isn't among them is the library's and needs no meter.
func (m *meter) functions() template.FuncMap {
	functions := template.FuncMap{
		callEnter: m.enter, callLeave: m.leave, callTurn: m.turn, callPrint: m.print, callText: m.text,
	}
	for name, f := range sprig.TxtFuncMap() {
		switch name {
		case "env", "expandenv", "getHostByName", "fail": // which the library takes away, or has its own of
		default:
			functions[name] = m.metered(name, f)
		}
	}
	for name, f := range formats() {
		functions[name] = m.metered(name, f)
	}
	for name, f := range printers() {
		functions[name] = m.metered(name, f)
	}
	return functions
}

// printers are functions of Go's templates that make text of their arguments.
func printers() template.FuncMap {
	return template.FuncMap{
		"print": fmt.Sprint, "printf": fmt.Sprintf, "println": fmt.Sprintln,
		"html": template.HTMLEscaper, "js": template.JSEscaper, "urlquery": template.URLQueryEscaper,
	}
}

// metered is a function that fails where what it is given or yields is too large.
func (m *meter) metered(name string, f any) any {
	v := reflect.ValueOf(f)
	t := v.Type()
	in := make([]reflect.Type, t.NumIn())
	for i := range in {
		in[i] = t.In(i)
	}
	failure := reflect.TypeFor[error]()
	made := reflect.FuncOf(in, []reflect.Type{t.Out(0), failure}, t.IsVariadic())
	call := v.Call
	if t.IsVariadic() {
		call = v.CallSlice
	}
	none := reflect.Zero(failure)
	return reflect.MakeFunc(made, func(args []reflect.Value) []reflect.Value {
		err := m.before(name, args)
		if err != nil {
			return []reflect.Value{reflect.Zero(t.Out(0)), reflect.ValueOf(&err).Elem()}
		}
		out := call(args)
		if len(out) > 1 && !out[1].IsNil() {
			return out[:2]
		}
		if err = m.after(out[0]); err != nil {
			return []reflect.Value{reflect.Zero(t.Out(0)), reflect.ValueOf(&err).Elem()}
		}
		return []reflect.Value{out[0], none}
	}).Interface()
}

// before counts a call, and refuses one that would come to too much.
func (m *meter) before(name string, args []reflect.Value) error {
	steps := 1
	if slices.Contains(costly(), name) {
		steps = m.bounds.steps / 40
	}
	if changing(name) {
		m.random[name] = true
	}
	if err := m.spend(steps, 0); err != nil {
		return err
	}
	if err := m.given(name, args); err != nil {
		return err
	}
	if size := yields(name, args); size > m.bounds.value {
		return m.stop("%s would yield more than %d bytes; let it make less", name, m.bounds.value)
	}
	return nil
}

// given holds what a function goes through to its bounds. Charts give the whole
// of what templates see to those that copy and merge, with all subcharts in it.
func (m *meter) given(name string, args []reflect.Value) error {
	most := m.bounds.value
	switch strings.TrimPrefix(name, "must") {
	case "merge", "Merge", "mergeOverwrite", "MergeOverwrite":
		return m.merged(args)
	case "deepCopy", "DeepCopy":
		most = m.bounds.copies
	default:
		if !walks(name) {
			return nil
		}
	}
	for _, arg := range args {
		if _, err := m.weighWithin(most, arg); err != nil {
			return err
		}
	}
	return nil
}

// merged holds a merge to its bounds: of the first mapping with each of the list.
func (m *meter) merged(args []reflect.Value) error {
	s := scale{left: m.bounds.copies, depth: m.bounds.depth}
	for i := range args[1].Len() {
		if !s.merging(args[0].Interface(), args[1].Index(i).Interface(), 0) {
			return m.tooLarge(m.bounds.copies)
		}
	}
	return nil
}

// after counts what a function yielded. Large values are made of others, which
// were counted: only their outermost level is new.
func (m *meter) after(v reflect.Value) error {
	if v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	size := scalar
	switch v.Kind() {
	case reflect.String:
		size = v.Len()
	case reflect.Slice, reflect.Map:
		size = scalar * v.Len()
	}
	if size > m.bounds.value {
		return m.stop("a value has more than %d bytes; make it smaller", m.bounds.value)
	}
	return m.spend(0, size)
}

// costly are functions that take about a tenth of a second or more.
func costly() []string {
	return []string{
		"bcrypt", "htpasswd", "derivePassword", "genPrivateKey", "genCA", "genCAWithKey", "genSelfSignedCert", "genSelfSignedCertWithKey",
		"genSignedCert", "genSignedCertWithKey",
	}
}

// changing says whether a function yields something else each time.
func changing(name string) bool {
	return strings.HasPrefix(name, "rand") || strings.HasPrefix(name, "gen") ||
		slices.Contains([]string{"uuidv4", "bcrypt", "htpasswd", "encryptAES", "shuffle", "now", "ago"}, name)
}

// shallow are functions that look at the outermost level of their arguments
// alone, or at none, and are called often.
var shallow = map[string]bool{
	"default": true, "empty": true, "coalesce": true, "all": true, "any": true, "ternary": true, "hasKey": true, "get": true, "set": true, "unset": true, "dict": true,
	"list": true, "tuple": true, "keys": true, "pick": true, "omit": true, "values": true, "dig": true, "first": true, "rest": true, "last": true,
	"initial": true, "append": true, "push": true, "prepend": true, "concat": true, "kindOf": true, "kindIs": true, "typeOf": true, "typeIs": true,
	"typeIsLike": true, "slice": true, "reverse": true, "chunk": true, "pluck": true, "max": true, "min": true,
}

// walks says whether a function goes through all of its arguments, so that they
// have to be weighed first.
func walks(name string) bool { return !shallow[name] }

// yields is how large the result of a function is at most, where that is more
// than a few times what it is given.
func yields(name string, args []reflect.Value) int {
	text := func(i int) string {
		if i < len(args) && args[i].Kind() == reflect.String {
			return args[i].String()
		}
		return ""
	}
	switch strings.TrimPrefix(name, "must") {
	case "repeat":
		return product(number(args[0]), len(text(1)))
	case "indent", "nindent":
		return product(number(args[0]), strings.Count(text(1), "\n")+1)
	case "until":
		return product(number(args[0]), scalar)
	case "untilStep":
		return product(span(args[0], args[1])/max(1, number(args[2])), scalar)
	case "seq":
		return sequence(args[0])
	case "randAlphaNum", "randAlpha", "randNumeric", "randAscii", "randBytes":
		return number(args[0])
	case "replace":
		return product(strings.Count(text(2), text(0)), len(text(1)))
	case "join":
		return product(len(text(0)), length(args[1]))
	case "wrapWith":
		return product(len(text(1)), len(text(2)))
	case "regexReplaceAll", "regexReplaceAllLiteral", "RegexReplaceAll", "RegexReplaceAllLiteral":
		return product(len(text(1)), len(text(2))) / 16
	case "split", "splitList":
		return product(strings.Count(text(1), text(0)), 64)
	case "splitn":
		return product(strings.Count(text(2), text(0)), 64)
	case "regexFindAll", "regexSplit", "RegexFindAll", "RegexSplit":
		return product(len(text(1)), scalar)
	case "printf":
		return widths(text(0), length(args[1]))
	}
	return 0
}

func number(v reflect.Value) int {
	if v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	switch {
	case v.CanInt():
		return int(max(0, min(v.Int(), math.MaxInt32), -v.Int()))
	case v.CanFloat():
		return int(max(0, min(math.Abs(v.Float()), math.MaxInt32)))
	}
	return 0
}

func span(from, to reflect.Value) int {
	if from.CanInt() && to.CanInt() {
		return int(min(math.Abs(float64(to.Int())-float64(from.Int())), math.MaxInt32))
	}
	return math.MaxInt32
}

func length(v reflect.Value) int {
	if v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.Slice, reflect.Array, reflect.Map:
		return v.Len()
	}
	return 1
}

// product is a product that doesn't overflow.
func product(a, b int) int {
	if a != 0 && b > math.MaxInt/a {
		return math.MaxInt
	}
	return a * b
}

// sequence is how much text the numbers of seq come to.
func sequence(v reflect.Value) int {
	const digits = 12
	largest := 0
	for i := range length(v) {
		largest = max(largest, number(v.Index(i)))
	}
	return product(largest, digits)
}

var width = regexp.MustCompile(`[0-9]+|\*`)

// widths is how much a format may pad what it prints.
func widths(format string, args int) int {
	sum := 0
	for _, w := range width.FindAllString(format, -1) {
		n, err := strconv.Atoi(w)
		if err != nil {
			const most = 1_000_000 // as the format package allows
			n = most
		}
		sum += min(n, 1_000_000)
	}
	return sum
}

// formats are the library's own functions for YAML, JSON and TOML, which it has
// for itself. They do the same: what can't be written is empty, and what can't
// be read tells why in what is yielded.
func formats() template.FuncMap {
	return template.FuncMap{
		"toYaml":       func(v any) string { s, _ := toYAML(v); return s },
		"mustToYaml":   toYAML,
		"toYamlPretty": toPrettyYAML,
		"toJson":       func(v any) string { s, _ := toJSON(v); return s },
		"mustToJson":   toJSON,
		"toToml": func(v any) string {
			s, err := toTOML(v)
			if err != nil {
				return err.Error()
			}
			return s
		},
		"mustToToml": toTOML,
		"fromYaml": func(s string) map[string]any {
			return readMap(s, func(b []byte, v any) error { return yaml.Unmarshal(b, v) })
		},
		"fromJson":      func(s string) map[string]any { return readMap(s, json.Unmarshal) },
		"fromToml":      func(s string) map[string]any { return readMap(s, toml.Unmarshal) },
		"fromYamlArray": func(s string) []any { return readList(s, func(b []byte, v any) error { return yaml.Unmarshal(b, v) }) },
		"fromJsonArray": func(s string) []any { return readList(s, json.Unmarshal) },
	}
}

func toYAML(v any) (string, error) {
	b, err := yaml.Marshal(v)
	return strings.TrimSuffix(string(b), "\n"), err
}

func toPrettyYAML(v any) string {
	var b strings.Builder
	e := goyaml.NewEncoder(&b)
	e.SetIndent(2)
	if e.Encode(v) != nil {
		return ""
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func toJSON(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}

func toTOML(v any) (string, error) {
	var b strings.Builder
	err := toml.NewEncoder(&b).Encode(v)
	return b.String(), err
}

func readMap(s string, read func([]byte, any) error) map[string]any {
	m := map[string]any{}
	if err := read([]byte(s), &m); err != nil {
		m["Error"] = err.Error()
	}
	return m
}

func readList(s string, read func([]byte, any) error) []any {
	list := []any{}
	if err := read([]byte(s), &list); err != nil {
		list = []any{err.Error()}
	}
	return list
}
