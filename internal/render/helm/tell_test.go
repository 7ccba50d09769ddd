package helm

import (
	"log"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/api/v1alpha1"
)

func TestTemplatesThatFail(t *testing.T) {
	t.Parallel()
	for template, want := range map[string]string{
		"a: 1\nb: {{ .Values.x.y.z }}\n":                       `c/templates/a.yaml:2: at <.Values.x.y.z>: nil pointer evaluating interface {}.y`,
		"a: {{ required \"give it a name\" .Values.name }}\n":  "c/templates/a.yaml:1: execution error at (c/templates/a.yaml:1): give it a name",
		"a: {{ fail \"no\" }}\n":                               "c/templates/a.yaml:1: execution error at (c/templates/a.yaml:1): no",
		"a: 1\n\nb: {{ include \"bad\" . }}\n":                 "c/templates/_bad.tpl:2: at <.Values.q.r.s>: nil pointer evaluating interface {}.r (on the way from c/templates/a.yaml:3)",
		"a: {{ nope }}\n":                                      `c/templates/a.yaml:1: parse error at (c/templates/a.yaml:1): function "nope" not defined`,
		"a: {{ env \"HOME\" }}\n":                              `c/templates/a.yaml:1: parse error at (c/templates/a.yaml:1): function "env" not defined`,
		"a: {{ expandenv \"$HOME\" }}\n":                       `c/templates/a.yaml:1: parse error at (c/templates/a.yaml:1): function "expandenv" not defined`,
		"a:\n{{ if true }}\n":                                  "c/templates/a.yaml:3: parse error at (c/templates/a.yaml:3): unexpected EOF",
		"a: {{ .Values.a | nope2 \n":                           "c/templates/a.yaml:1: parse error at",
		"a: {{ tpl .Values.secretText . }}\n":                  "error calling tpl: cannot parse template a text",
		"a: [\n":                                               "c/templates/a.yaml: what it comes to can't be used: is not valid YAML",
		"a: 1\n":                                               "c/templates/a.yaml: what it comes to can't be used: the document has no apiVersion and no kind",
		"a: {{ printf \"%s\" .Values.password | int | fail }}": "c/templates/a.yaml:1",
		"a: {{ fail .Values.password }}":                       "execution error at (c/templates/a.yaml:1): ***",
	} {
		t.Run(template, func(t *testing.T) {
			t.Parallel()
			files := in(template, map[string]string{"c/templates/_bad.tpl": "{{ define \"bad\" }}\n{{ .Values.q.r.s }}{{ end }}"})
			_, err := rendered(t, files, &v1alpha1.Helm{Values: map[string]any{"secretText": "{{ canary-1", "password": "canary-2"}})
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "plumb") {
				t.Errorf("got the error\n%v\nwant\n%s", err, want)
			}
		})
	}
}

func TestSchema(t *testing.T) {
	t.Parallel()
	schema := func(s string) map[string]string { return map[string]string{"c/values.schema.json": s} }
	for name, test := range map[string]struct {
		files map[string]string
		want  string
	}{
		"fits":            {schema(`{"properties": {"port": {"type": "integer"}}}`), ""},
		"type":            {schema(`{"properties": {"port": {"type": "string"}}}`), "c/Chart.yaml: the values don't fit the chart: values.port: got number, want string (by shop/values.schema.json)"},
		"missing":         {schema(`{"required": ["host"]}`), "values: missing property 'host'"},
		"pattern":         {schema(`{"properties": {"password": {"pattern": "^[0-9]+$"}}}`), "values.password: doesn't match the pattern ^[0-9]+$"},
		"format":          {schema(`{"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"password": {"format": "ipv4"}}}`), "values.password: is not a valid ipv4"},
		"below":           {schema(`{"properties": {"list": {"items": {"properties": {"n": {"maximum": 3}}}}}}`), "values.list.0.n: is out of the range that maximum allows"},
		"of a dependency": {map[string]string{"c/charts/sub/Chart.yaml": subYAML, "c/charts/sub/values.schema.json": `{"properties": {"n": {"type": "boolean"}}}`}, "values.sub.n: got number, want boolean (by shop/charts/sub/values.schema.json)"},
		"no JSON":         {schema(`{`), "shop/values.schema.json: is not valid JSON"},
		"no schema":       {schema(`{"type": 5}`), "is no JSON schema"},
		"of the host":     {schema(`{"$ref": "file:///etc/passwd"}`), "refers to file:///etc/passwd, and nothing is fetched"},
		"of a file":       {schema(`{"$ref": "other.json"}`), "and nothing is fetched"},
		"of the network":  {schema(`{"$ref": "https://schema.example.com/x.json"}`), ""},
		"of its pieces":   {schema(`{"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"port": {"$ref": "http://schema.example.com/x.json#/definitions/port", "type": "string"}}, "required": ["host"]}`), "values: missing property 'host'"},
		"of its own name": {schema(`{"$id": "https://schema.example.com/x.json", "properties": {"port": {"$ref": "https://schema.example.com/x.json#/$defs/port"}, "list": {"$ref": "https://schema.example.com/y.json"}}, "$defs": {"port": {"type": "string"}}}`), "values.port: got number, want string"},
		"one of several":  {schema(`{"oneOf": [{"$ref": "https://schema.example.com/x.json"}, {"type": "object"}], "not": {"$ref": "https://schema.example.com/y.json"}}`), ""},
		"beside itself":   {schema(`{"$id": "https://schema.example.com/x.json", "$ref": "y.json"}`), "refers to https://schema.example.com/y.json, and nothing is fetched"},
		"named":           {schema(`{"$ref": "urn:x:y"}`), ""},
		"large":           {schema(`{"x": "` + strings.Repeat("x", maxSchema) + `"}`), "above the limit of 4194304"},
		"round":           {schema(`{"$ref": "#"}`), "reference cycle"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			values := map[string]any{"port": 80.0, "password": "canary", "list": []any{map[string]any{"n": 5.0}}, "sub": map[string]any{"n": 1.0}}
			_, err := rendered(t, in(configMap("x"), test.files), &v1alpha1.Helm{Values: values})
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) || err != nil && strings.Contains(err.Error(), "canary") {
				t.Errorf("got the error %v, want %s", err, test.want)
			}
		})
	}
}

// The library warns of values that don't fit each other, and quotes them. It is
// kept off the log; others aren't. Not parallel: the log is one for all.
// What a schema refers to on the network isn't known, and that is told.
func TestNoticesOfSchemas(t *testing.T) {
	t.Parallel()
	result, err := rendered(t, in(configMap("x"), map[string]string{
		"c/values.schema.json": `{"allOf": [{"$ref": "https://schema.example.com/b.json#/x"}, {"$ref": "https://schema.example.com/b.json#/y"}, {"$ref": "http://a.example.com/a.json"}]}`,
	}), nil)
	want := []string{"shop/values.schema.json: refers to http://a.example.com/a.json and https://schema.example.com/b.json, and nothing is fetched for a render: what stands there isn't checked"}
	if diff := cmp.Diff(want, result.Notices); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestS22TheLogTellsNoValue(t *testing.T) {
	var out strings.Builder
	before := log.Writer()
	log.SetOutput(&out)
	defer log.SetOutput(before)
	files := in(configMap("x"), map[string]string{"c/values.yaml": "a: {password: canary}\nb: canary\n"})
	if _, err := rendered(t, files, &v1alpha1.Helm{Values: map[string]any{"a": "text", "b": map[string]any{"c": 1.0}}}); err != nil {
		t.Fatal(err)
	}
	log.Print("from others")
	if strings.Contains(out.String(), "canary") || !strings.Contains(out.String(), "from others") {
		t.Errorf("the log has %q", out.String())
	}
}

// What changes with each render is told; what is made from it isn't.
func TestNoticesOfRandomValues(t *testing.T) {
	t.Parallel()
	files := in(configMap(`{{ if .Values.want }}{{ randAlphaNum 8 }}{{ end }}`)+"\ndata: {a: twice}\n", map[string]string{"c/values.yaml": "want: true\n"})
	result, err := rendered(t, files, nil)
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(result.Notices, "\n")
	if len(result.Notices) != 2 || !strings.Contains(all, "a template calls randAlphaNum") || !strings.Contains(all, "is given twice") {
		t.Errorf("the notices are %q", result.Notices)
	}
	if result, err = rendered(t, files, &v1alpha1.Helm{Values: map[string]any{"want": false}}); err != nil || len(result.Notices) != 1 {
		t.Errorf("without, they are %q, and the error %v", result.Notices, err)
	}
}
