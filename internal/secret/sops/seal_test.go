package sops_test

import (
	"encoding/base64"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/secret"
	"plumb.dev/plumb/internal/secret/sops"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

const plainSecret = `# The shop's database.
apiVersion: v1
kind: Secret
metadata:
  name: db # as the chart wants it
  namespace: shop
  labels: {app: shop, tier: "1"}
type: Opaque
data:
  # was canary-in-a-comment before
  password: Y2FuYXJ5LWluLWRhdGE= # canary-behind-a-value
  empty: ""
  nothing: null
stringData:
  url: postgres://shop:canary-in-a-url@db/shop
  key: |
    -----BEGIN canary-----
    of several lines
  number: "12"
  # canary-at-the-end
`

// lines are how many lines of a aren't in b.
func lines(a, b string) (n int) {
	have := map[string]int{}
	for line := range strings.Lines(b) {
		have[line]++
	}
	for line := range strings.Lines(a) {
		if have[line]--; have[line] < 0 {
			n++
		}
	}
	return n
}

func seal(t *testing.T, s secret.Sealing) string {
	t.Helper()
	s.Name, s.Now = "secret.yaml", noon
	out, err := sops.Seal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestSeals(t *testing.T) {
	t.Parallel()
	a, b := recipient(t, "a.txt"), recipient(t, "b.txt")
	json := `{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "generation": 1}, "stringData": {"password": "canary-in-json"}}`
	for name, plain := range map[string]string{
		"YAML": plainSecret, "JSON": json, "several": plainSecret + "---\n" + strings.ReplaceAll(plainSecret, "name: db", "name: other"),
		"no values": "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sealed := seal(t, secret.Sealing{Content: []byte(plain), Recipients: []string{a, " " + b, a}})
			if strings.Contains(sealed, "canary") || strings.Contains(sealed, base64.StdEncoding.EncodeToString([]byte("canary-in-data"))) {
				t.Fatalf("it can be read:\n%s", sealed)
			}
			file := "secret.yaml"
			if name == "JSON" {
				file = "secret.json"
			}
			for _, key := range []string{"a.txt", "b.txt"} {
				got, _, err := open(keys(t, key), file, sealed, nil)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(meaning(t, file, plain), meaning(t, file, got)); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
				unsealed, err := sops.Unseal(keys(t, key), file, []byte(sealed))
				if err != nil {
					t.Fatal(err)
				}
				if n := lines(plain, string(unsealed)); name == "YAML" && n > 0 {
					t.Errorf("%d lines are lost:\n%s", n, unsealed)
				}
			}
		})
	}
}

// TestSealsAgain: a diff shows what changed, and nothing else.
func TestSealsAgain(t *testing.T) {
	t.Parallel()
	a, b := recipient(t, "a.txt"), recipient(t, "b.txt")
	first := seal(t, secret.Sealing{Content: []byte(plainSecret), Recipients: []string{a}})
	for name, test := range map[string]struct {
		change     func(*secret.Sealing)
		recipients []string
		changed    int // lines
	}{
		"nothing":               {func(*secret.Sealing) {}, []string{a}, 0},
		"nothing, as it was":    {func(s *secret.Sealing) { s.Content, s.Before = s.Before, nil }, []string{a}, 0},
		"a value":               {func(s *secret.Sealing) { s.Content = replaced(s.Content, "canary-in-a-url", "canary-anew") }, []string{a}, 3},
		"a label":               {func(s *secret.Sealing) { s.Content = replaced(s.Content, "app: shop", "app: web") }, []string{a}, 3},
		"another reads it, too": {func(*secret.Sealing) {}, []string{a, b}, 1 + 8 + 2},
		"another reads it":      {func(*secret.Sealing) {}, []string{b}, 8 + 8 + 2},
		"no key for it":         {func(s *secret.Sealing) { s.Keys = nil }, []string{a}, 8 + 7 + 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := secret.Sealing{Content: []byte(plainSecret), Before: []byte(first), Keys: keys(t, "a.txt"), Recipients: test.recipients, Name: "secret.yaml"}
			test.change(&s)
			s.Now = noon.Add(time.Hour)
			out, err := sops.Seal(s)
			if err != nil {
				t.Fatal(err)
			}
			if n := lines(string(out), first); n > test.changed || (n == 0) != (test.changed == 0) {
				t.Errorf("%d lines are new, want at most %d:\n%s", n, test.changed, out)
			}
		})
	}
}

func replaced(content []byte, old, by string) []byte {
	return []byte(strings.ReplaceAll(string(content), old, by))
}

// TestSealKeepsOtherKeys: what SOPS encrypted for an OpenPGP key stays readable
// by it, or is left to SOPS.
func TestSealKeepsOtherKeys(t *testing.T) {
	t.Parallel()
	a, b := recipient(t, "a.txt"), recipient(t, "b.txt")
	s := secret.Sealing{
		Name: "both.yaml", Before: []byte(content(t, "sealed/both.yaml")), Content: []byte(content(t, "plain/secret.yaml")),
		Recipients: []string{a, b}, Keys: keys(t, "b.txt"), Now: noon,
	}
	out, err := sops.Seal(s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sops.Unseal(keys(t, "pgp.asc"), "both.yaml", out); err != nil {
		t.Error(err)
	}
	s.Recipients = []string{a}
	if _, err := sops.Seal(s); err == nil || !strings.Contains(err.Error(), "also for OpenPGP") {
		t.Error(err)
	}
}

// TestSealsBraces: what is written in braces gets lines of its own, and is found to
// be sealed.
func TestSealsBraces(t *testing.T) {
	t.Parallel()
	const plain = "--- {apiVersion: v1, kind: Secret, metadata: {name: db, labels: {}}, stringData: {a: b}}\n"
	out, err := sops.Seal(secret.Sealing{Name: "s.yaml", Content: []byte(plain), Recipients: []string{recipient(t, "a.txt")}, Now: noon})
	if err != nil {
		t.Fatal(err)
	}
	got, err := sops.Unseal(keys(t, "a.txt"), "s.yaml", out)
	const want = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, labels: {}}\nstringData:\n  a: b\n"
	if err != nil || string(got) != want {
		t.Errorf("%v\n%s", err, got)
	}
}

// TestSealRefuses says what isn't sealed, and tells no value.
func TestSealRefuses(t *testing.T) {
	t.Parallel()
	a := recipient(t, "a.txt")
	head := "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\n"
	for plain, says := range map[string]string{
		"":                                     "there is nothing in it",
		"- CANARY\n":                           "secret.yaml is no YAML of Secrets",
		head + "stringData:\n  a: b: CANARY\n": "secret.yaml is no YAML of Secrets: see line 5",
		head + "stringData: {a: *CANARY}\n":    "is no YAML of Secrets",
		`{"kind": CANARY`:                      "secret.yaml is no JSON",
		"apiVersion: v1\nkind: ConfigMap\ndata: {a: CANARY}\n":    "document 1 is no Secret",
		head + "---\n" + strings.Replace(head, "v1", "CANARY", 1): "document 2 is no Secret",
		head + "data: {a: CANARY!}\n":                             "data.a is no base64: put what is plain text under stringData",
		head + "data: {a: 31415926}\n":                            "data.a is no text: quote it",
		head + "stringData: {a: {b: CANARY}}\n":                   "stringData.a is no text",
		head + "stringData: [CANARY]\n":                           "stringData is no mapping",
		head + "stringData: {a: &x CANARY, b: *x}\n":              "stringData.b is no text",
		head + "metadata2: [&x CANARY, *x]\n":                     "metadata2 is an alias",
		head + "sops: {a: CANARY}\n":                              "it has a field sops",
		strings.Repeat("#", sops.MaxBytes+1):                      "above the limit",
	} {
		_, err := sops.Seal(secret.Sealing{Name: "secret.yaml", Content: []byte(plain), Recipients: []string{a}, Now: noon})
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "CANARY") || strings.Contains(err.Error(), "31415926") {
			t.Errorf("%.80q: %v; want %q", plain, err, says)
		}
	}
	for name, s := range map[string]struct {
		secret.Sealing
		says string
	}{
		"for nobody":      {secret.Sealing{Content: []byte(plainSecret)}, "nobody to seal it for"},
		"for no age key":  {secret.Sealing{Content: []byte(plainSecret), Recipients: []string{"0123ABCD"}}, "is no age recipient"},
		"can't be opened": {secret.Sealing{Content: []byte(content(t, "sealed/secret.yaml")), Recipients: []string{a}}, "given is none: give one with --age-key-file"},
		"key groups":      {secret.Sealing{Content: []byte(plainSecret), Before: []byte(content(t, "sealed/parts.yaml")), Recipients: []string{a}}, "key groups"},
	} {
		if _, err := sops.Seal(s.Sealing); err == nil || !strings.Contains(err.Error(), s.says) {
			t.Errorf("%s: %v; want %q", name, err, s.says)
		}
	}
}

// TestUnsealsWhatSOPSMade, comments included.
func TestUnsealsWhatSOPSMade(t *testing.T) {
	t.Parallel()
	for _, file := range slices.Sorted(maps.Keys(map[string]bool{"secret.yaml": true, "several.yaml": true, "values.json": true, "app.env": true, "blob.txt": true})) {
		got, err := sops.Unseal(keys(t, "a.txt"), file, []byte(content(t, "sealed/"+file)))
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if diff := cmp.Diff(meaning(t, file, content(t, "plain/"+file)), meaning(t, file, string(got))); diff != "" {
			t.Errorf("%s (-want +got)\n%s", file, diff)
		}
		if strings.Contains(string(got), "ENC[") {
			t.Errorf("%s isn't all open:\n%s", file, got)
		}
	}
	for _, file := range []string{"odd.yaml", "app.env"} { // to the byte, as SOPS with an indentation of two
		got, err := sops.Unseal(keys(t, "a.txt"), file, []byte(content(t, "sealed/"+file)))
		if diff := cmp.Diff(content(t, "plain/"+file), string(got)); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got)\n%s", file, err, diff)
		}
	}
	if _, err := sops.Unseal(keys(t, "a.txt"), "plain.yaml", []byte(plainSecret)); err == nil || !strings.Contains(err.Error(), "is not encrypted with SOPS") {
		t.Error(err)
	}
	if _, err := sops.Unseal(keys(t, "a.txt"), "others.yaml", []byte(content(t, "sealed/others.yaml"))); err == nil || !strings.Contains(err.Error(), "none of the keys given here reads it") {
		t.Error(err)
	}
}

// FuzzSeal: what is sealed opens again and means the same; what isn't tells no
// value and breaks nothing.
func FuzzSeal(f *testing.F) {
	key, err := age.GenerateX25519Identity()
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(plainSecret))
	f.Add([]byte(`{"apiVersion":"v1","kind":"Secret","stringData":{"a":"b"}}`))
	f.Add([]byte("apiVersion: v1\nkind: Secret\nx: [1, 1.5, true, 2026-01-01, ~, \"a\"]\nstringData: {a: |-\n   x\n}\n"))
	f.Fuzz(func(t *testing.T, plain []byte) {
		out, err := sops.Seal(secret.Sealing{Name: "f.yaml", Content: plain, Recipients: []string{key.Recipient().String()}, Now: noon})
		if err != nil && strings.Contains(err.Error(), "please report it") {
			t.Fatalf("%v\n%s", err, out)
		}
	})
}
