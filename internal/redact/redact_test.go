package redact

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/api/v1alpha1"
)

// canary stands in every place that must not be shown.
const canary = "hunter2-canary"

func keyed() Redactor { return New([]byte("0123456789abcdef0123456789abcdef")) }

func parse(t testing.TB, text string) map[string]any {
	t.Helper()
	o := map[string]any{}
	if err := yaml.Unmarshal([]byte(text), &o); err != nil {
		t.Fatal(err)
	}
	return o
}

func shownJSON(t testing.TB, shown any) string {
	t.Helper()
	b, err := json.Marshal(shown)
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(b))
}

// leaks says whether a text holds the canary, also in base64 at any offset.
func leaks(text string) bool {
	for shift := range 3 {
		code := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + canary))
		if strings.Contains(text, code[(shift*8+5)/6+shift/2:len(code)-2]) {
			return true
		}
	}
	return strings.Contains(text, canary)
}

const object1 = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
  annotations: {%s}
spec:
  password: %[2]s
  users: [{name: ada, password: %[2]s}, {name: bob, password: %[2]s}]
  note: shown
`

func TestWhatIsHidden(t *testing.T) {
	t.Parallel()
	b64 := base64.StdEncoding.EncodeToString([]byte(canary))
	pem := "-----BEGIN EC PRIVATE KEY-----\n" + canary + "\n-----END EC PRIVATE KEY-----\n"
	for name, tc := range map[string]struct {
		object string
		shows  []string
	}{
		"a Secret's values": {
			`{apiVersion: v1, kind: Secret, metadata: {name: db}, data: {a: ` + b64 + `}, stringData: {b: ` + canary + `}, type: Opaque}`,
			[]string{`"a":"<hidden `, `"b":"<hidden `, `"type":"Opaque"`, `"name":"db"`},
		},
		"a Secret's annotations, but ours": {
			`{apiVersion: v1, kind: Secret, metadata: {name: db, labels: {l: shown}, annotations: {copy: ` + canary + `, plumb.dev/digest: d1,
			  kubectl.kubernetes.io/last-applied-configuration: ` + canary + `}}}`,
			[]string{`"plumb.dev/digest":"d1"`, `"l":"shown"`, `"copy":"<hidden `},
		},
		"a Secret's managed fields and what is misspelt": {
			`{apiVersion: v1, kind: Secret, metadata: {name: db, managedFields: [` + canary + `], finalizers: [` + canary + `]}, dta: {a: ` + canary + `}}`,
			[]string{`"dta":"<hidden `},
		},
		"a Secret that is none": {
			`{apiVersion: v1, kind: Secret, metadata: ` + canary + `, data: [` + canary + `], stringData: ` + canary + `, type: {x: ` + canary + `}}`, nil,
		},
		"a Secret of no version": {`{kind: Secret, data: {a: ` + canary + `}}`, nil},
		"a Secret's names that are none": {
			`{apiVersion: v1, kind: Secret, metadata: {name: {x: ` + canary + `}, labels: [` + canary + `], annotations: {plumb.dev/x: [` + canary + `]}}}`, nil,
		},
		"what the annotation marks": {
			fmt.Sprintf(object1, `plumb.dev/sensitive: "/spec/password, /spec/users/*/password"`, canary),
			[]string{`"note":"shown"`, `"name":"ada"`, `"password":"<hidden `},
		},
		"what the annotation marks as a whole":      {fmt.Sprintf(object1, `plumb.dev/sensitive: "/spec"`, canary), []string{`"spec":"<hidden `}},
		"a pointer without its slash":               {fmt.Sprintf(object1, `plumb.dev/sensitive: "spec/password,spec/users"`, canary), nil},
		"elements by their place":                   {fmt.Sprintf(object1, `plumb.dev/sensitive: "/spec/users/0,/spec/users/1/password,/spec/password"`, canary), []string{`"bob"`}},
		"a name with a slash":                       {`{kind: X, metadata: {annotations: {plumb.dev/sensitive: "/data/a~1b~0c"}}, data: {a/b~c: ` + canary + `}}`, nil},
		"the copy that kubectl keeps":               {`{kind: X, metadata: {annotations: {kubectl.kubernetes.io/last-applied-configuration: ` + canary + `}}}`, nil},
		"a private key":                             {`{kind: X, data: {k: ` + string(must(json.Marshal("a\n"+pem+"b"))) + `}}`, []string{`"a\n<hidden `, `b"`}},
		"a private key, and nothing else":           {`{kind: X, data: {k: ` + string(must(json.Marshal(pem))) + `}}`, []string{`"k":"<hidden `}},
		"a private key that is cut off":             {`{kind: X, data: {k: "-----BEGIN PRIVATE KEY-----\n` + canary + `"}}`, nil},
		"a private key in base64":                   {`{kind: X, data: {k: "client-key-data: ` + base64.StdEncoding.EncodeToString([]byte(pem)) + `"}}`, []string{`client-key-data: <hidden`}},
		"a private key in base64 that is cut off":   {`{kind: X, data: {k: "` + base64.StdEncoding.EncodeToString([]byte(pem))[:70] + `"}}`, nil},
		"a name in a map that is a credential":      {`{kind: X, data: {"https://u:` + canary + `@host": x}}`, []string{`@host":"x"`}},
		"a URL among others, in a list and in text": {`{kind: X, data: ["see https://x.org, then https://u:` + canary + `@y.org/z."]}`, []string{`see https://x.org, then https://<hidden `, `@y.org/z.`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := parse(t, tc.object)
			before := shownJSON(t, o)
			text := shownJSON(t, keyed().Of(o).Show(o))
			if leaks(text) {
				t.Errorf("it shows %s", text)
			}
			for _, want := range tc.shows {
				if !strings.Contains(text, want) {
					t.Errorf("it doesn't show %s but %s", want, text)
				}
			}
			if plain := shownJSON(t, Redactor{}.Of(o).Show(o)); leaks(plain) || !strings.Contains(plain, "<hidden>") {
				t.Errorf("without a key it shows %s", plain)
			}
			if after := shownJSON(t, o); after != before {
				t.Errorf("the object was changed to %s", after)
			}
		})
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

func TestWhatIsShownAsItIs(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		fmt.Sprintf(object1, "", "shown"),
		`{apiVersion: example.com/v1, kind: Secret, data: {a: shown}}`,
		`{kind: X, n: 9007199254740993, f: 1.5, t: true, z: null, e: [], m: {}, text: "a = b; c == d && e"}`,
	} {
		o := parse(t, text)
		if diff := cmp.Diff(o, keyed().Of(o).Show(o)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", text, diff)
		}
	}
	if keyed().Of(nil).Show(nil) != nil {
		t.Error("nothing is shown as something")
	}
}

func TestRulesMarkByKindAndName(t *testing.T) {
	t.Parallel()
	o := parse(t, fmt.Sprintf(object1, "", canary))
	all := []string{"/spec/password", "/spec/users/*/password"}
	for name, tc := range map[string]struct {
		rule  v1alpha1.Sensitive
		hides bool
	}{
		"of its kind":     {v1alpha1.Sensitive{Kind: "Deployment", Fields: all}, true},
		"of its name":     {v1alpha1.Sensitive{Kind: "Deployment", Name: "web", Fields: all}, true},
		"of another name": {v1alpha1.Sensitive{Kind: "Deployment", Name: "db", Fields: all}, false},
		"of another kind": {v1alpha1.Sensitive{Kind: "StatefulSet", Fields: all}, false},
		"of no fields":    {v1alpha1.Sensitive{Kind: "Deployment"}, false},
	} {
		m := keyed().With(v1alpha1.Sensitive{Kind: "ConfigMap", Fields: all}).With(tc.rule).Of(o)
		if text := shownJSON(t, m.Show(o)); leaks(text) == tc.hides || m.Hides() != tc.hides {
			t.Errorf("a rule %s: it says that it hides: %v, and shows %s", name, m.Hides(), text)
		}
	}
	base := keyed().With(v1alpha1.Sensitive{Kind: "A"})
	one, two := base.With(v1alpha1.Sensitive{Kind: "B"}), base.With(v1alpha1.Sensitive{Kind: "C"})
	if one.rules[1].Kind != "B" || two.rules[1].Kind != "C" {
		t.Error("two redactors share their rules")
	}
}

// Taking the mark away must not show what was live under it, nor adding it what was declared.
func TestWhatOneFormMarksIsHiddenInAll(t *testing.T) {
	t.Parallel()
	marked, bare := parse(t, fmt.Sprintf(object1, `plumb.dev/sensitive: "/spec"`, canary)), parse(t, fmt.Sprintf(object1, "", canary))
	for _, forms := range [][]map[string]any{{marked, bare}, {bare, marked}, {nil, bare, marked}} {
		m := keyed().Of(forms...)
		for _, o := range forms {
			if leaks(shownJSON(t, m.Show(o))) {
				t.Errorf("it shows %v", m.Show(o))
			}
		}
	}
}

func secretOf(namespace, name, field, value string) map[string]any {
	return map[string]any{
		"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": name, "namespace": namespace},
		"data": map[string]any{field: base64.StdEncoding.EncodeToString([]byte(value))},
	}
}

func codeOf(r Redactor, o map[string]any, field string) string {
	return fmt.Sprint(r.Of(o).Show(o)["data"].(map[string]any)[field])
}

func TestEqualValuesHaveEqualTextsAndOthersOthers(t *testing.T) {
	t.Parallel()
	first := codeOf(keyed(), secretOf("shop", "db", "a", canary), "a")
	if len(first) != len("<hidden >")+12 {
		t.Errorf("it is %s", first)
	}
	plain := secretOf("shop", "db", "b", "")
	plain["stringData"] = map[string]any{"a": canary}
	if got := codeOf(keyed(), plain, "a"); got != first {
		t.Errorf("as stringData it is %s, as data %s", got, first)
	}
	seen := map[string]string{first: "the first"}
	for name, text := range map[string]string{
		"another value":     codeOf(keyed(), secretOf("shop", "db", "a", canary+"x"), "a"),
		"an empty value":    codeOf(keyed(), secretOf("shop", "db", "a", ""), "a"),
		"another key":       codeOf(New([]byte("another")), secretOf("shop", "db", "a", canary), "a"),
		"another field":     codeOf(keyed(), secretOf("shop", "db", "b", canary), "b"),
		"another object":    codeOf(keyed(), secretOf("shop", "cache", "a", canary), "a"),
		"another namespace": codeOf(keyed(), secretOf("blog", "db", "a", canary), "a"),
	} {
		if other, ok := seen[text]; ok {
			t.Errorf("%s has the text of %s", name, other)
		}
		seen[text] = name
	}
	across := keyed().Across()
	if codeOf(across, secretOf("shop", "db", "a", canary), "a") != codeOf(across, secretOf("blog", "db", "a", canary), "a") {
		t.Error("across namespaces equal values have other texts")
	}
	if codeOf(across, secretOf("shop", "db", "a", canary), "a") == codeOf(across, secretOf("blog", "db", "a", canary+"x"), "a") {
		t.Error("across namespaces other values have equal texts")
	}
}

func TestAnElementThatMovesKeepsItsText(t *testing.T) {
	t.Parallel()
	o := parse(t, `{kind: X, metadata: {annotations: {plumb.dev/sensitive: "/list/*/v"}}, list: [{v: one}, {v: two}]}`)
	moved := parse(t, `{kind: X, list: [{v: zero}, {v: one}, {v: two}]}`)
	m := keyed().Of(o, moved)
	list, more := m.Show(o)["list"].([]any), m.Show(moved)["list"].([]any)
	if diff := cmp.Diff(list, more[1:]); diff != "" || cmp.Equal(more[0], more[1]) {
		t.Errorf("(-before +after)\n%s", diff)
	}
}

// Who writes what stands for a hidden value can't make it look like that value.
func TestNobodyForgesWhatStandsForAHiddenValue(t *testing.T) {
	t.Parallel()
	o := parse(t, fmt.Sprintf(object1, `plumb.dev/sensitive: "/spec/password"`, canary))
	forged := parse(t, fmt.Sprintf(object1, "", canary))
	m := keyed().Of(o, forged)
	stands := fmt.Sprint(m.Show(o)["spec"].(map[string]any)["password"])
	forged["spec"].(map[string]any)["password"] = stands
	forged["spec"].(map[string]any)["note"] = stands
	spec := m.Show(forged)["spec"].(map[string]any)
	if got := fmt.Sprint(spec["password"]); got == stands {
		t.Errorf("a password that reads %s is shown as %s", stands, got)
	}
	if got := fmt.Sprint(spec["note"]); got == stands {
		t.Errorf("a note that reads %s is shown as %s", stands, got)
	}
}

func TestDigestIsKeyedOnlyWhereSomethingIsHidden(t *testing.T) {
	t.Parallel()
	other := New([]byte("another"))
	for name, tc := range map[string]struct {
		object string
		keyed  bool
	}{
		"a Secret":                 {`{apiVersion: v1, kind: Secret, data: {a: x}}`, true},
		"a marked field":           {`{kind: X, metadata: {annotations: {plumb.dev/sensitive: "/a"}}, a: x}`, true},
		"a URL with a password":    {`{kind: X, a: [{b: "https://u:p@h"}]}`, true},
		"nothing that were hidden": {`{kind: X, a: x}`, false},
	} {
		o := parse(t, tc.object)
		if got := keyed().Of(o).Digest(o) != other.Of(o).Digest(o); got != tc.keyed {
			t.Errorf("%s: it is keyed: %v", name, got)
		}
		changed := maps.Clone(o)
		changed["z"] = "more"
		if keyed().Of(o).Digest(o) == keyed().Of(o).Digest(changed) {
			t.Errorf("%s: more content has the same digest", name)
		}
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	const h = "<hidden>"
	for text, want := range map[string]string{
		"":                                            "",
		"https://x.org/path?page=2#top":               "https://x.org/path?page=2#top",
		"https://ada:secret@x.org/path":               "https://" + h + "@x.org/path",
		"https://token@x.org":                         "https://" + h + "@x.org",
		"https://:secret@x.org":                       "https://" + h + "@x.org",
		"ssh://git@x.org/a.git":                       "ssh://git@x.org/a.git",
		"git+ssh://ada@x.org/a":                       "git+ssh://ada@x.org/a",
		"ssh://ada:secret@x.org":                      "ssh://" + h + "@x.org",
		"git@x.org:a/b.git":                           "git@x.org:a/b.git",
		"postgres://app:s3cret@db:5432/shop":          "postgres://" + h + "@db:5432/shop",
		"postgres://app:s/cr@et@db:5432/shop":         "postgres://" + h + "@db:5432/shop",
		"jdbc:postgresql://db/shop?user=a&password=b": "jdbc:postgresql://db/shop?user=a&password=" + h,
		"https://r.org/@scope/package":                "https://r.org/@scope/package",
		"https://r.org:8443/@scope/package":           "https://r.org:8443/@scope/package",
		"http://[::1]:80/@x":                          "http://[::1]:80/@x",
		"http://u:p@[::1]:80/":                        "http://" + h + "@[::1]:80/",
		"image: r.org/a@sha256:0123":                  "image: r.org/a@sha256:0123",
		"oci://r.org/a@sha256:0123":                   "oci://r.org/a@sha256:0123",
		`{"url":"https://u:p@x.org","b":1}`:           `{"url":"https://` + h + `@x.org","b":1}`,
		"/hook?token=abc&x=1":                         "/hook?token=" + h + "&x=1",
		"https://x/?X-Amz-Signature=a&X-Amz-Date=b":   "https://x/?X-Amz-Signature=" + h + "&X-Amz-Date=b",
		"https://x/#access_token=a":                   "https://x/#access_token=" + h,
		"https://x/?%74oken=a&api_key=b&API-KEY=c":    "https://x/?%74oken=" + h + "&api_key=" + h + "&API-KEY=" + h,
		"https://x/?author=ada&monkey=1&keys=2":       "https://x/?author=ada&monkey=1&keys=2",
		"a://b:c@d and e://f:g@h":                     "a://" + h + "@d and e://" + h + "@h",
		"://a:b@c":                                    "://" + h + "@c",
	} {
		if got := (Redactor{}).Text(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
		if once := keyed().Text(text); strings.Count(once, "<hidden ") != strings.Count(want, h) {
			t.Errorf("with a key %q becomes %q", text, once)
		}
	}
}

// What was shown with a key can be shown again without one, and stays as it is.
func TestWhatWasShownCanBeShownAgain(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{apiVersion: v1, kind: Secret, metadata: {name: db, annotations: {a: b}}, data: {a: Yg==}}`,
		`{kind: X, metadata: {annotations: {plumb.dev/sensitive: "/a"}}, a: {b: c}, d: ["https://u:p@x.org/?token=t&x=1", "-----BEGIN PRIVATE KEY-----"]}`,
	} {
		o := parse(t, text)
		once := keyed().Of(o).Show(o)
		if diff := cmp.Diff(once, Redactor{}.Of(once).Show(once)); diff != "" {
			t.Errorf("%s (-once +twice)\n%s", text, diff)
		}
	}
}

// Whatever the object is, the canary in a hidden place is nowhere in what is shown.
func FuzzShow(f *testing.F) {
	f.Add([]byte(`{"apiVersion":"v1","kind":"Secret","data":{"a":"CANARY"}}`))
	f.Add([]byte(`{"apiVersion":"v1","kind":"Secret","metadata":{"annotations":{"x":"CANARY"}},"stringData":[{"b":"CANARY"}]}`))
	f.Add([]byte(`{"kind":"X","metadata":{"annotations":{"plumb.dev/sensitive":"/spec/*/p,/a"}},"spec":[{"p":"CANARY"}],"a":{"b":["CANARY"]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var o map[string]any
		if json.Unmarshal([]byte(strings.ReplaceAll(string(body), "CANARY", canary)), &o) != nil {
			return
		}
		before := shownJSON(t, o)
		m := keyed().Of(o)
		shown := m.Show(o)
		if isSecret(o) {
			values := maps.Clone(shown)
			maps.DeleteFunc(values, func(name string, _ any) bool { return slices.Contains(plainFields, name) || name == "metadata" })
			for name, value := range values {
				if inner, ok := value.(map[string]any); name == "data" && ok {
					for _, v := range inner {
						if _, hidden := v.(Hidden); !hidden {
							t.Errorf("a Secret's value is shown: %v", v)
						}
					}
				} else if _, hidden := value.(Hidden); !hidden {
					t.Errorf("a Secret's field is shown: %v", value)
				}
			}
		}
		for _, steps := range m.pointers {
			requireHidden(t, shown, steps)
		}
		if shownJSON(t, o) != before {
			t.Error("the object was changed")
		}
		if shownJSON(t, m.Show(o)) != shownJSON(t, shown) {
			t.Error("it isn't always shown in the same way")
		}
	})
}

// requireHidden fails where a pointer leads to something that is shown.
func requireHidden(t *testing.T, at any, steps []string) {
	t.Helper()
	if _, hidden := at.(Hidden); hidden {
		return
	}
	if len(steps) == 0 {
		t.Errorf("what is marked is shown: %v", at)
		return
	}
	switch v := at.(type) {
	case map[string]any:
		for name, inner := range v {
			if steps[0] == "*" || steps[0] == name {
				requireHidden(t, inner, steps[1:])
			}
		}
	case []any:
		for i, inner := range v {
			if steps[0] == "*" || steps[0] == fmt.Sprint(i) {
				requireHidden(t, inner, steps[1:])
			}
		}
	}
}

// A user and password in front of a host never come through, whatever is around them.
func FuzzText(f *testing.F) {
	f.Add("see ", "ada", "/x?y=z")
	f.Add("https://x.org?a=b&", "", "@y")
	f.Add("-----BEGIN PRIVATE KEY-----", "git", "")
	f.Fuzz(func(t *testing.T, before, user, after string) {
		if strings.ContainsAny(user, " \t\r\n\"'<>`/?#") || strings.Contains(before+user+after, canary) {
			return
		}
		text := keyed().Text(before + " https://" + user + ":" + canary + "@host" + after)
		if strings.Contains(text, canary) {
			t.Errorf("it shows %q", text)
		}
	})
}
