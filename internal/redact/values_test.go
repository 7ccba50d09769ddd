package redact

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestValues(t *testing.T) {
	t.Parallel()
	v := NewValues([]string{"hunter2-canary", "line-one\n  line-two\n", "1234", "80", "8080123", "true", ""})
	for text, secret := range map[string]bool{
		"hunter2-canary": true, "postgres://u:hunter2-canary@db": true, "hunter2": false, "line-one": true, "a: line-two!": true,
		"1234": true, " 1234\n": true, "12345": false, "80": false, "port 8080123": true, "": false, "ünter2-canary": false,
	} {
		if got := v.In(text); got != secret {
			t.Errorf("%q is secret: %t", text, got)
		}
	}
	for text, want := range map[string]string{
		"no secret, ü":                "no secret, ü",
		"the value hunter2-canary":    "the value <hidden>",
		"!!str `hunter2...` into int": "!!str `<hidden>...` into int",
		"ü hunter2-canaryline-one ü":  "ü <hidden> ü",
		"pin 1234 and 80":             "pin <hidden> and 80",
		"":                            "",
	} {
		if got := v.Text(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
	if (Values{}).In("x") || (Values{}).Text("hunter2") != "hunter2" || !NewValues([]string{"a"}).Empty() {
		t.Error("no values hide something")
	}
}

// What was encoded is found, whatever stands around it.
func TestValuesInBase64(t *testing.T) {
	t.Parallel()
	v := NewValues([]string{"hunter2-canary", "line-one\nline-two\n", "1234"})
	for text, secret := range map[string]bool{
		"hunter2-canary": true, "u:hunter2-canary": true, "us:hunter2-canary": true, "usr:hunter2-canary": true, `{"pw":"hunter2-canary"}`: true,
		"line-one\nline-two\n": true, "x line-two": true, "1234": false, "nothing of it": false, "hunter2": false,
	} {
		for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding} {
			encoded := encoding.EncodeToString([]byte(text))
			if got := v.In(encoded); got != secret {
				t.Errorf("%q as %q is secret: %t", text, encoded, got)
			}
		}
	}
	if got := v.Text("auth: " + base64.StdEncoding.EncodeToString([]byte("u:hunter2-canary"))); got != "auth: dTp<hidden>Q==" {
		t.Error(got)
	}
}

func TestPointers(t *testing.T) {
	t.Parallel()
	v := NewValues([]string{"hunter2-canary", "8080123"})
	for text, want := range map[string]string{
		`{kind: X, metadata: {name: hunter2-canary}, data: {a: b}}`:                                               "",
		`{data: {a: "x hunter2-canary", b: c, d~/e: hunter2-canary}}`:                                             "/data/a /data/d~0~1e",
		`{metadata: {labels: {l: hunter2-canary}}}`:                                                               "/metadata/labels/l",
		`{spec: {containers: [{name: a, env: [{value: x}, {value: hunter2-canary}], ports: [{port: 8080123}]}]}}`: "/spec/containers/*/env/*/value /spec/containers/*/ports/*/port",
		`{spec: {hunter2-canary: x}, args: [a, hunter2-canary]}`:                                                  "/args/* /spec",
		`{spec: {"a,b": {c: hunter2-canary}, "d,e": 1}}`:                                                          "/spec",
	} {
		o := parse(t, text)
		got := strings.Join(v.Pointers(o), " ")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", text, diff)
		}
	}
}

// Of many fields those above are hidden.
func TestManyPointers(t *testing.T) {
	t.Parallel()
	data := map[string]any{}
	for i := range 2 * maxPointers {
		data[strings.Repeat("x", i+1)] = "hunter2-canary"
	}
	o := map[string]any{"metadata": map[string]any{"annotations": data}, "data": data, "spec": map[string]any{"a": map[string]any{"b": "hunter2-canary"}}}
	got := NewValues([]string{"hunter2-canary"}).Pointers(o)
	if diff := cmp.Diff([]string{"/data", "/metadata/annotations", "/spec"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
