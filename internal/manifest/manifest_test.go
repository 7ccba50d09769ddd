package manifest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// read is what Read yields, one line for each document or error.
func read(data string) []string {
	var out []string
	for d, err := range Read("f.yaml", []byte(data)) {
		if err != nil {
			out = append(out, err.Error())
			continue
		}
		out = append(out, fmt.Sprintf("%d: %v", d.Origin.Line, d.Value))
	}
	return out
}

func TestRead(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		data string
		want []string
	}{
		"empty":                        {"", nil},
		"only spaces and comments":     {"\n  \n# nothing\n---\n# here\n---\n\n", nil},
		"null":                         {"a: 1\n---\nnull\n---\n~\n", []string{"1: map[a:1]"}},
		"one":                          {"a: 1", []string{"1: map[a:1]"}},
		"after a comment":              {"# says\n\na: 1\n", []string{"3: map[a:1]"}},
		"several":                      {"---\na: 1\n---\n# c\nb: 2\n--- # and\nc: 3\n", []string{"2: map[a:1]", "5: map[b:2]", "7: map[c:3]"}},
		"on the marker's line":         {"a: 1\n--- {b: 2}\n", []string{"1: map[a:1]", "2: map[b:2]"}},
		"ended by dots":                {"a: 1\n...\nb: 2\n...\n", []string{"1: map[a:1]", "3: map[b:2]"}},
		"directive":                    {"%YAML 1.2\n---\na: 1\n", []string{"3: map[a:1]"}},
		"no marker":                    {"a: |\n  ---\n  x\nb: ---x\n", []string{"1: map[a:---\nx\n b:---x]"}},
		"windows":                      {"a: |\r\n  x\r\n  y\r\n---\r\nb: 2\r\n", []string{"1: map[a:x\ny\n]", "5: map[b:2]"}},
		"byte order mark":              {"\xef\xbb\xbfa: 1\n", []string{"1: map[a:1]"}},
		"utf-16":                       {"\xff\xfea\x00", []string{"f.yaml: is UTF-16; save it as UTF-8"}},
		"binary":                       {"\x89PNG\xff", []string{"f.yaml: is not UTF-8 text; save it as UTF-8, or keep it out of the folder"}},
		"alias":                        {"a: &x {b: 1}\nc: *x\n", []string{"1: map[a:map[b:1] c:map[b:1]]"}},
		"merge":                        {"a: &x {b: 1, d: 2}\nc:\n  <<: *x\n  b: 3\n", []string{"1: map[a:map[b:1 d:2] c:map[b:3 d:2]]"}},
		"json":                         {`{"a": 1}`, []string{"1: map[a:1]"}},
		"json, several":                {"{\"a\": 1}\n\n{\"b\":\n2} {\"c\": 3}", []string{"1: map[a:1]", "3: map[b:2]", "4: map[c:3]"}},
		"json, marked":                 {"{\"a\": 1}\n---\n{\"b\": 2}\n", []string{"1: map[a:1]", "3: map[b:2]"}},
		"yaml that looks like json":    {"{a: 1, b: [x]}\n", []string{"1: map[a:1 b:[x]]"}},
		"list":                         {"kind: List\nitems:\n- a: 1\n# c\n-\n  b: 2\n", []string{"3: map[a:1]", "6: map[b:2]"}},
		"list in json":                 {"{\"kind\": \"List\",\n\"items\": [{\"a\": 1},\n{\"b\": 2}]}", []string{"2: map[a:1]", "3: map[b:2]"}},
		"list in a list":               {"kind: List\nitems:\n- kind: List\n  items:\n  - a: 1\n- b: 2\n", []string{"5: map[a:1]", "6: map[b:2]"}},
		"list without items":           {"kind: List\n", nil},
		"list with empty items":        {"kind: ConfigMapList\nitems:\n", nil},
		"typed list":                   {"kind: ConfigMapList\napiVersion: v1\nitems:\n- {a: 1}\n", []string{"4: map[a:1 apiVersion:v1 kind:ConfigMap]"}},
		"a kind that is called a list": {"kind: AllowList\nspec: {}\n", []string{"1: map[kind:AllowList spec:map[]]"}},

		"item that is no object": {"kind: List\nitems:\n- a: 1\n- x\n- b: 2\n", []string{
			"3: map[a:1]", "f.yaml:4: an item of the List is not an object; remove or correct it", "5: map[b:2]",
		}},
		"broken among good ones": {"a: 1\n---\nb: [\n---\nc: 3\n", []string{
			"1: map[a:1]", "f.yaml:3: is not valid YAML: did not find expected node content; correct it there or just above", "5: map[c:3]",
		}},
		"given twice":            {"# c\na: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n", []string{`f.yaml:6: key "c" is given twice; keep one of them`}},
		"given twice, and merge": {"a: &x {b: 1}\nc:\n  <<: *x\n  d: 1\n  d: 2\n", []string{`f.yaml:5: key "d" is given twice; keep one of them`}},
		"given twice as text":    {"a:\n  1: x\n  \"1\": y\n", []string{`f.yaml:2: the key "1" is given twice; keep one of them`}},
		"given twice in json":    {"{\"a\": {\n\"b\": 1,\n\"b\": 2}}", []string{`f.yaml:2: duplicate field "a.b"; keep one of them`}},
		"tabs":                   {"a:\n\tb: 1\n", []string{"f.yaml:2: is not valid YAML: found character that cannot start any token; YAML is indented by spaces: replace the tabs"}},
		"template": {"a: {{ .Values.a }}\n", []string{
			"f.yaml:1: is not valid YAML: a key must be text, not a mapping or list; it looks like a template: if it belongs to a Helm chart, name the chart's folder in spec.source.path; else keep templates out of the folder",
		}},
		"conflict": {"a: 1\n<<<<<<< HEAD\nb: 2\n=======\nb: 3\n>>>>>>> x\n", []string{
			"f.yaml:3: is not valid YAML: could not find expected ':'; it has conflict markers of a merge: resolve them",
		}},
		"a list":         {"- a\n", []string{"f.yaml:1: the document is a list, not a mapping with apiVersion and kind; make it a Kubernetes object, or keep the file out of the folder"}},
		"a list in json": {"[1]", []string{"f.yaml:1: the document is a list, not a mapping with apiVersion and kind; make it a Kubernetes object, or keep the file out of the folder"}},
		"a text":         {"\nhello\n", []string{"f.yaml:2: the document is a text, not a mapping with apiVersion and kind; make it a Kubernetes object, or keep the file out of the folder"}},
		"infinite":       {"a:\n- 1\n- .inf\n", []string{"f.yaml:3: the number +Inf can't be given to an API server; quote it if it is meant as text"}},
		"null as key":    {"a:\n  ~: 1\n", []string{"f.yaml:1: the key null is not text; quote it"}},
		"list as key":    {"? [a]\n: b\n", []string{`f.yaml:1: is not valid YAML: a key must be text, not a mapping or list; correct it there or just above`}},
		"unknown anchor": {"---\na: *x\n", []string{"f.yaml:2: is not valid YAML: it refers to an anchor that isn't there (a value that begins with * needs quotes); correct it there or just above"}},
		"loop":           {"a: &x\n  b: *x\n", []string{"f.yaml:2: an anchor contains an alias to itself; remove that alias"}},
		"two in flow":    {"{a: 1}\n{b: 2}\n", []string{"f.yaml:2: is not valid YAML: did not find expected <document start>; check the indentation, and put --- between documents"}},
		"dedented":       {"  a: 1\nb: 2\n", []string{"f.yaml:2: is not valid YAML: did not find expected <document start>; check the indentation, and put --- between documents"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, read(test.data)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	bomb := "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
	for i := range 9 {
		bomb += fmt.Sprintf("%[2]c: &%[2]c [%[1]s]\n", strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c, ", 'a'+i), 10), ", "), 'b'+i)
	}
	text := "a: &a " + strings.Repeat("x", 1<<20) + "\nb:\n" + strings.Repeat("- *a\n", 1000)
	for name, test := range map[string]struct {
		data string
		want []string
	}{
		"alias bomb":          {"# c\n" + bomb, []string{"f.yaml:7: the aliases of this document make it larger than 16777216 bytes; write out what it needs, with fewer aliases"}},
		"alias bomb of text":  {text, []string{"f.yaml:18: the aliases of this document make it larger than 16777216 bytes; write out what it needs, with fewer aliases"}},
		"deep":                {strings.Repeat("[", 300) + strings.Repeat("]", 300), []string{"f.yaml:1: values nest more than 200 deep; keep the file out of the folder"}},
		"deep json":           {strings.Repeat(`{"a":`, 300) + "1" + strings.Repeat("}", 300), []string{"f.yaml:1: values nest more than 200 deep; keep the file out of the folder"}},
		"deeper than parsers": {"a: " + strings.Repeat("[", 100_000), []string{"f.yaml:1: is not valid YAML: exceeded max depth of 10000; correct it there or just above"}},
		"large":               {strings.Repeat("#", MaxBytes+1), []string{"f.yaml: has 16777217 bytes, above the limit of 16777216; split it, or keep it out of the folder"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, read(test.data)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
	t.Run("documents", func(t *testing.T) {
		t.Parallel()
		got := read(strings.Repeat("a: 1\n---\n", MaxDocuments+5))
		if len(got) != MaxDocuments+1 || !strings.Contains(got[MaxDocuments], ":40001: there are more than 20000 documents") {
			t.Errorf("got %d, the last %s", len(got), got[len(got)-1])
		}
	})
}

// The values are those that kubectl would send.
func TestValues(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]any{
		"yes": true, "on": true, "y": true, "No": false, "off": false, `"yes"`: "yes", "true": true,
		"0644": int64(0o644), "0o644": int64(0o644), "0x1F": int64(31), "1_000": int64(1000), "08": int64(8), "0b11": int64(3),
		"1": int64(1), "-1": int64(-1), "1.0": int64(1), "1e3": int64(1000), "1.5": 1.5, "6.02e23": 6.02e23,
		"9223372036854775807": int64(9223372036854775807), "18446744073709551615": float64(18446744073709551615),
		"1.2.3": "1.2.3", "12:30:45": "12:30:45", "2001-01-01": "2001-01-01", "~": nil, "": nil, "null": nil, "!!str 1": "1", "!!binary aGk=": "hi",
		"|\n  x\n   y\n": "x\n y\n", ">-\n  x\n  y\n": "x y", "*x": nil,
	} {
		if text == "*x" {
			continue
		}
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			for d, err := range Read("f.yaml", []byte("v: "+text)) {
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, d.Value["v"]); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
			}
		})
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"9000: x": "9000", "on: x": "true", "1.5: x": "1.5", "18446744073709551615: x": "18446744073709551615", "'on': x": "on",
	} {
		for d, err := range Read("f.yaml", []byte(text)) {
			if err != nil {
				t.Fatal(err)
			}
			if d.Value[want] != "x" {
				t.Errorf("%s: got %v, want the key %s", text, d.Value, want)
			}
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ data, want string }{
		"sound":              {"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n", ""},
		"neither":            {"# c\nreplicas: 1\n", "f.yaml:2: the document has no apiVersion and no kind, so it is no Kubernetes object; complete it, or keep the file out of the folder"},
		"no kind":            {"apiVersion: v1\n", "f.yaml:1: the document has no kind; complete it, or keep the file out of the folder"},
		"no apiVersion":      {"kind: Pod\n", "f.yaml:1: the Pod has no apiVersion; complete it, or keep the file out of the folder"},
		"wrong apiVersion":   {"kind: Pod\napiVersion: a/b/c\n", `f.yaml:2: the apiVersion "a/b/c" is not GROUP/VERSION; correct it`},
		"kind is a number":   {"apiVersion: v1\nkind: 1\n", "f.yaml:2: the document has no kind; complete it, or keep the file out of the folder"},
		"no metadata":        {"apiVersion: v1\nkind: Pod\n", "f.yaml:1: the Pod has no metadata; give it metadata.name"},
		"no name":            {"apiVersion: v1\nkind: Pod\nmetadata:\n  labels: {}\n", "f.yaml:3: the Pod has no name; give it metadata.name"},
		"name is a number":   {"apiVersion: v1\nkind: Pod\nmetadata:\n  name: 1\n", "f.yaml:4: metadata.name of the Pod is 1, not text; quote it"},
		"generateName":       {"apiVersion: v1\nkind: Job\nmetadata:\n  generateName: a-\n", "f.yaml:4: the Job has generateName but no name, so each apply would make another one; give it metadata.name"},
		"second in a list":   {"kind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: a}}\n- apiVersion: v1\n  kind: Pod\n  metadata:\n    name: 5\n", "f.yaml:7: metadata.name of the Pod is 5, not text; quote it"},
		"second in the file": {"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\nkind: Pod\n", "f.yaml:5: the Pod has no apiVersion; complete it, or keep the file out of the folder"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ""
			for d, err := range Read("f.yaml", []byte(test.data)) {
				if err != nil {
					t.Fatal(err)
				}
				if err := d.Check(); err != nil {
					got += err.Error()
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestAt(t *testing.T) {
	t.Parallel()
	data := "# c\nkind: A\nspec:\n  list:\n  - x: 1\n  - y: &a {z: 2}\n  b: *a\n"
	for d := range Read("f.yaml", []byte(data)) {
		for path, want := range map[string]int{"kind": 2, "spec": 3, "spec list 1 y": 6, "spec list 1 y nope": 6, "spec b z": 6, "spec nope": 3, "nope": 2} {
			if got := d.At(strings.Fields(path)...).Line; got != want {
				t.Errorf("%s: line %d, want %d", path, got, want)
			}
		}
	}
}

func BenchmarkRead(b *testing.B) {
	data, err := os.ReadFile(filepath.Join("testdata", "deployment.yaml"))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		for d, err := range Read("deployment.yaml", data) {
			if err != nil || d.Check() != nil {
				b.Fatal(err, d.Check())
			}
		}
	}
}
