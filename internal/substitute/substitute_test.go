package substitute

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

func parsed(t testing.TB, text string) map[string]any {
	t.Helper()
	var o map[string]any
	if err := yaml.Unmarshal([]byte(text), &o); err != nil {
		t.Fatal(err)
	}
	return normal(o).(map[string]any)
}

// normal has whole numbers as objects have them.
func normal(v any) any {
	switch v := v.(type) {
	case float64:
		if v == float64(int64(v)) {
			return int64(v)
		}
	case []any:
		for i := range v {
			v[i] = normal(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = normal(v[k])
		}
	}
	return v
}

var values = map[string]string{
	"NAME": "web", "REPLICAS": "3", "PORT": "8080", "ON": "true", "EMPTY": "", "lower_case1": "l", "VERSION": "1.10", "QUOTED": `"15"`, "quote": `"`,
	"HOSTILE": "x\n---\nkind: Secret\nspec: {hostNetwork: true}", "AGAIN": "${NAME}", "FLOW": `{a: 1}`, "SHA": "7e10", "HALF": "0.5", "PERCENT": "25%",
}

func TestTexts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                "",
		"no name":                         "no name",
		"${NAME}":                         "web",
		"a-${NAME}.${lower_case1}":        "a-web.l",
		"${NONE:=x}${NONE:-y}${NONE=z}":   "xyz",
		"${NONE=}":                        "",
		"${EMPTY:=x} ${EMPTY:-y}":         "x y",
		"${EMPTY=x}|${EMPTY}":             "x|",
		"${NAME:=x}":                      "web",
		"${NONE:=${NAME}-${NONE:=deep}}":  "web-deep",
		"${NONE:=https://a.b/c?d=e}":      "https://a.b/c?d=e",
		"${NONE:=two\nlines}":             "two\nlines",
		"$${NAME} ${NAME}":                "${NAME} web",
		"$$${NAME}":                       "$web",
		"$$$${NAME} $$$$${NAME}":          "$${NAME} $$web",
		"$$(NAME) $$$ $$$":                "$$(NAME) $$$ $$$",
		"$$${":                            "$$${",
		"$NAME $(NAME) $$ $ {NAME} ${":    "$NAME $(NAME) $$ $ {NAME} ${",
		"${NAME":                          "${NAME",
		"function() ${\n  return NAME\n}": "function() ${\n  return NAME\n}",
		"${AGAIN}":                        "${NAME}",
		"${FLOW}":                         "{a: 1}",
	} {
		s := Substitution{Values: values}
		o := map[string]any{"metadata": map[string]any{"annotations": map[string]any{"a": text}}}
		if _, err := s.Apply(o); err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := o["metadata"].(map[string]any)["annotations"].(map[string]any)["a"]; got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// example is an object, and what becomes of it.
type example struct {
	lenient  bool
	in, want string
	notices  []string
	err      string
}

// ofTypes are examples of what fields take.
func ofTypes() map[string]example {
	return map[string]example{
		"types of a known kind": {
			in: `
apiVersion: apps/v1
kind: Deployment
metadata: {name: '${NAME}', labels: {port: '${PORT}', on: '${ON}'}, annotations: {version: '${VERSION}'}}
spec:
  replicas: ${REPLICAS}
  paused: ${ON}
  strategy: {rollingUpdate: {maxSurge: '${PERCENT}', maxUnavailable: '${REPLICAS}'}}
  template:
    metadata: {annotations: {port: '${PORT}'}}
    spec:
      nodeSelector: {'${NAME}/on': '${ON}'}
      containers:
      - name: ${NAME}
        args: ['${PORT}', '--port=${PORT}']
        env: [{name: PORT, value: '${PORT}'}]
        ports: [{containerPort: '${PORT}'}]
        livenessProbe: {httpGet: {port: '${PORT}'}}
        resources: {limits: {cpu: '${REPLICAS}'}}
`,
			want: `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {port: "8080", on: "true"}, annotations: {version: "1.10"}}
spec:
  replicas: 3
  paused: true
  strategy: {rollingUpdate: {maxSurge: 25%, maxUnavailable: 3}}
  template:
    metadata: {annotations: {port: "8080"}}
    spec:
      nodeSelector: {'web/on': "true"}
      containers:
      - name: web
        args: ["8080", --port=8080]
        env: [{name: PORT, value: "8080"}]
        ports: [{containerPort: 8080}]
        livenessProbe: {httpGet: {port: 8080}}
        resources: {limits: {cpu: "3"}}
`,
		},
		"types of another kind": {
			in: `
apiVersion: example.com/v1
kind: Thing
metadata: {name: a, annotations: {n: '${PORT}'}}
spec:
  n: ${REPLICAS}
  d: ${VERSION}
  half: ${HALF}
  on: ${ON}
  sha: ${SHA}
  quoted: ${QUOTED}
  flux: ${quote}${PORT}${quote}
  words: 1${PORT}
  empty: ${EMPTY}
  labels: {n: '${PORT}'}
  env: [{name: a, value: '${PORT}'}]
  args: ['${PORT}']
  list: ['${PORT}']
`,
			want: `
apiVersion: example.com/v1
kind: Thing
metadata: {name: a, annotations: {n: "8080"}}
spec:
  n: 3
  d: "1.10"
  half: 0.5
  on: true
  sha: "7e10"
  quoted: "15"
  flux: "8080"
  words: "18080"
  empty: ""
  labels: {n: "8080"}
  env: [{name: a, value: "8080"}]
  args: ["8080"]
  list: [8080]
`,
		},
	}
}

// ofForms are examples of what is replaced, and what is left.
func ofForms() map[string]example {
	return map[string]example{
		"S08 no value makes a field": {
			in:   "apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: {a: '${HOSTILE}'}}\nspec: {hostname: '${HOSTILE}', hostIPC: '${HOSTILE}', nodeSelector: '${FLOW}', '${HOSTILE}': 1}\n",
			want: "apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: {a: &h \"x\\n---\\nkind: Secret\\nspec: {hostNetwork: true}\"}}\nspec: {hostname: *h, hostIPC: *h, nodeSelector: '{a: 1}', *h : 1}\n",
		},
		"scripts in data": {
			in: `
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
data:
  run.sh: |
    #!/bin/sh
    for f in "${FILES[@]}"; do echo ${f%.*} ${f##*/} ${1:-x} ${HOME} $f $(date) ${name:-${NAME}}; done
    echo ${NAME} ${NAME:-other} $${NAME}
  n: ${PORT}
  on: ${ON}
  '${NAME}.conf': ${QUOTED}
`,
			want: `
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
data:
  run.sh: |
    #!/bin/sh
    for f in "${FILES[@]}"; do echo ${f%.*} ${f##*/} ${1:-x} ${HOME} $f $(date) ${name:-${NAME}}; done
    echo web web ${NAME}
  n: "8080"
  on: "true"
  web.conf: '"15"'
`,
		},
		"notices of data": {
			in:   "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {a: '${LEVEL:=canary}', b: '${NAME^^}', c: '${OTHER^^} ${OTHER:-x}'}\n",
			want: "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {a: '${LEVEL:=canary}', b: '${NAME^^}', c: '${OTHER^^} ${OTHER:-x}'}\n",
			notices: []string{
				"stringData.a: ${LEVEL:=…} is left as it stands, default and all, since LEVEL has no value and this is data; give it one if it isn't a script's",
				"stringData.b: ${NAME^^} is left as it stands: Plumb knows no such form of a name that has a value",
			},
		},
		"no value": {
			in:  "apiVersion: v1\nkind: Pod\nmetadata: {name: '${NONE}'}\nspec: {containers: [{args: [a, 'x ${NONE} ${NAME^^}']}]}\n",
			err: "metadata.name: there is no value for ${NONE}; give it in spec.render.substitute, or write $${NONE} to have it as it stands\nspec.containers[0].args[1]: there is no value for ${NONE}; give it in spec.render.substitute, or write $${NONE} to have it as it stands\nspec.containers[0].args[1]: ${NAME^^} is a form that isn't known: there are ${NAME} and ${NAME:=DEFAULT}; write $${NAME^^} to have it as it stands",
		},
		"lenient": {
			lenient: true,
			in:      "apiVersion: v1\nkind: Pod\nmetadata: {name: '${NONE}', labels: {a: '${NONE^^}', b: '${aws:username}', c: '${NONE:=d}'}}\n",
			want:    "apiVersion: v1\nkind: Pod\nmetadata: {name: '${NONE}', labels: {a: '${NONE^^}', b: '${aws:username}', c: d}}\n",
		},
		"lenient, unknown form of what has a value": {
			lenient: true, in: "kind: Pod\nmetadata: {name: '${NAME/w/x}'}\n",
			err: "metadata.name: ${NAME/…} is a form that isn't known: there are ${NAME} and ${NAME:=DEFAULT}; write $${NAME/…} to have it as it stands",
		},
		"a key twice": {
			in:  "kind: Pod\nmetadata: {labels: {'${NAME}': a, web: b}}\n",
			err: "metadata.labels: ${NAME} becomes a key that is there already",
		},
		"left alone": {
			in:   "kind: Pod\nmetadata: {name: '${NONE}', annotations: {plumb.dev/substitute: disabled}}\n",
			want: "kind: Pod\nmetadata: {name: '${NONE}', annotations: {plumb.dev/substitute: disabled}}\n",
		},
		"left alone, as with Flux": {
			in:   "kind: Pod\nmetadata: {name: '$${NONE}', annotations: {kustomize.toolkit.fluxcd.io/substitute: disabled}}\n",
			want: "kind: Pod\nmetadata: {name: '$${NONE}', annotations: {kustomize.toolkit.fluxcd.io/substitute: disabled}}\n",
		},
		"left alone, by a label": {
			in:   "kind: Pod\nmetadata: {name: '${NONE}', labels: {kustomize.toolkit.fluxcd.io/substitute: disabled}}\n",
			want: "kind: Pod\nmetadata: {name: '${NONE}', labels: {kustomize.toolkit.fluxcd.io/substitute: disabled}}\n",
		},
	}
}

func TestObjects(t *testing.T) {
	t.Parallel()
	all := ofTypes()
	maps.Copy(all, ofForms())
	for name, test := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := parsed(t, test.in)
			s := Substitution{Values: values, Lenient: test.lenient}
			notices, err := s.Apply(o)
			if test.err != "" || err != nil {
				if err == nil || err.Error() != test.err {
					t.Errorf("got the error\n%v\nwant\n%s", err, test.err)
				}
				return
			}
			if diff := cmp.Diff(parsed(t, test.want), o); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(test.notices, notices); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestMany(t *testing.T) {
	t.Parallel()
	s := Substitution{}
	_, err := s.Apply(map[string]any{"spec": map[string]any{"a": strings.Repeat("${A} ", 20)}})
	if err == nil || !strings.HasSuffix(err.Error(), "\nand 15 more like it") {
		t.Error(err)
	}
}

// S05: what comes out is bounded, however often a value is put in.
func TestS05Size(t *testing.T) {
	t.Parallel()
	s := Substitution{Values: map[string]string{"A": strings.Repeat("a", 1<<20)}, MaxBytes: 4 << 20}
	_, err := s.Apply(map[string]any{"spec": strings.Repeat("${A}", 10_000)})
	if !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
	o := map[string]any{"a": "${A}"} // the bound is on all objects of a render
	if _, err := s.Apply(o); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
}

// S08: whatever the text, the time grows with its length.
func TestS08Time(t *testing.T) {
	t.Parallel()
	for _, unit := range []string{"${", "${A", "${A:=", "$", "$${", "}", "${A:=${A:=}}", "${A:=\n"} {
		s := Substitution{Values: values, Lenient: true}
		o := map[string]any{"spec": strings.Repeat(unit, (8<<20)/len(unit))}
		if _, err := s.Apply(o); err != nil {
			t.Errorf("%q: %v", unit, err)
		}
	}
}

func TestIsName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{"A": true, "_a1": true, "": false, "1a": false, "a.b": false, "a-b": false, "ä": false} {
		if IsName(name) != want {
			t.Errorf("%q: got %t", name, !want)
		}
	}
}

func FuzzApply(f *testing.F) {
	f.Add("${A}", "x", true)
	f.Add("$${A:=${B:-c}}${A#x}", "${A}\n---\n", false)
	f.Add("${A:=${A:=${A:=${A:=${A:=${A:=${A:=${A:=${A}}}}}}}}}", "", true)
	f.Fuzz(func(t *testing.T, text, value string, lenient bool) {
		o := map[string]any{
			"apiVersion": "v1", "kind": "ConfigMap", "data": map[string]any{"a": text},
			"spec": []any{text, int64(1)}, "metadata": map[string]any{"name": text},
		}
		s := Substitution{Values: map[string]string{"A": value}, Lenient: lenient, MaxBytes: 1 << 20}
		if _, err := s.Apply(o); err != nil {
			return
		}
		data, isMap := o["data"].(map[string]any)
		spec, isList := o["spec"].([]any)
		metadata, alsoMap := o["metadata"].(map[string]any)
		if !isMap || !isList || !alsoMap || len(o) != 5 || len(data) != 1 || len(spec) != 2 || len(metadata) != 1 {
			t.Fatalf("%q made of %q changes the object: %v", text, value, o)
		}
		if _, isText := data["a"].(string); !isText {
			t.Fatalf("data is %T", data["a"])
		}
		if _, isText := metadata["name"].(string); !isText {
			t.Fatalf("a name is %T", metadata["name"])
		}
		if !strings.Contains(text, "${") && data["a"] != text {
			t.Fatalf("%q became %q", text, data["a"])
		}
	})
}
