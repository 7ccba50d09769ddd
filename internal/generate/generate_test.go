package generate

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/crypto/ssh"

	"plumb.dev/plumb/internal/object"
)

const all = `
plain: {}
long: {length: 100, alphabet: hex}
raw: {bytes: 32}
id: {uuid: true}
tls.key: {pair: ecdsa-p256, public: tls.pub}
deploy: {pair: ed25519, format: openssh}
rsa: {pair: rsa-2048}
age: {pair: age}
auth: {basicAuth: admin, length: 20, password: admin-password}
`

func parse(t *testing.T, text string) Spec {
	t.Helper()
	s, err := Parse(text, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func plainOf(t *testing.T, f Filled, key string) string {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(f.Data[key])
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestWhatIsAskedForIsMade(t *testing.T) {
	t.Parallel()
	f, err := parse(t, all).Fill(rand.Reader, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	if got := plainOf(t, f, "plain"); len(got) != 32 || strings.Trim(got, alphabets["alphanumeric"]) != "" {
		t.Errorf("plain is %q", got)
	}
	if got := plainOf(t, f, "long"); len(got) != 100 || strings.Trim(got, "0123456789abcdef") != "" {
		t.Errorf("long is %q", got)
	}
	if raw, err := base64.StdEncoding.DecodeString(plainOf(t, f, "raw")); err != nil || len(raw) != 32 {
		t.Errorf("raw is %d bytes: %v", len(raw), err)
	}
	if got := plainOf(t, f, "id"); len(got) != 36 || got[14] != '4' {
		t.Errorf("id is %q", got)
	}
	block, _ := pem.Decode([]byte(plainOf(t, f, "tls.key")))
	if _, err := x509.ParsePKCS8PrivateKey(block.Bytes); err != nil {
		t.Error(err)
	}
	signer, err := ssh.ParsePrivateKey([]byte(plainOf(t, f, "deploy")))
	if err != nil || string(ssh.MarshalAuthorizedKey(signer.PublicKey())) != plainOf(t, f, "deploy.pub") {
		t.Errorf("the halves of deploy don't fit: %v", err)
	}
	if got := plainOf(t, f, "age.pub"); !strings.HasPrefix(got, "age1") {
		t.Errorf("age.pub is %q", got)
	}
	user, hash, _ := strings.Cut(strings.TrimSpace(plainOf(t, f, "auth")), ":")
	if err := bcrypt.CompareHashAndPassword([]byte(hash), []byte(plainOf(t, f, "admin-password"))); user != "admin" || err != nil {
		t.Errorf("the line of %s doesn't fit its password: %v", user, err)
	}
	if len(f.Made) != len(parse(t, all).Keys()) {
		t.Errorf("made %v", f.Made)
	}
}

func TestOnlyWhatIsMissingIsMade(t *testing.T) {
	t.Parallel()
	spec := parse(t, `{a: {}, b: {pair: ed25519}, c: {}}`)
	first, err := spec.Fill(rand.Reader, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]string{"a": first.Data["a"], "b": first.Data["b"]}
	again, err := spec.Fill(rand.Reader, have, false)
	if err != nil {
		t.Fatal(err)
	}
	if again.Data["a"] != first.Data["a"] || again.Data["b"] == first.Data["b"] || again.Data["c"] == first.Data["c"] {
		t.Error("it made other values than those that were missing")
	}
	if got := strings.Join(again.Made, " "); got != "b b.pub c" {
		t.Errorf("made %s", got)
	}
	anew, err := spec.Fill(rand.Reader, again.Data, true)
	if err != nil || anew.Data["a"] == again.Data["a"] {
		t.Errorf("nothing is made anew: %v", err)
	}
	tried := spec.Try(have, false)
	if tried.Data["a"] != have["a"] || strings.Join(tried.Made, " ") != "b b.pub c" || plainOf(t, tried, "c") != Placeholder {
		t.Errorf("a trial has %v", tried)
	}
}

func TestWhatIsWrong(t *testing.T) {
	t.Parallel()
	many := "{"
	for i := range mostKeys + 1 {
		many += "k" + string(rune('a'+i/26)) + string(rune('a'+i%26)) + ": {}, "
	}
	for text, want := range map[string]string{
		"":                                   "it asks for 0 keys",
		"[a]":                                "is no map",
		"{a: {size: 3}}":                     "is no map",
		"{a: {length: 5000}}":                "1 to 4096",
		"{a: {length: -1}}":                  "1 to 4096",
		"{a: {alphabet: runes}}":             `no alphabet "runes"`,
		"{a: {uuid: true, bytes: 3}}":        "of one kind",
		"{a: {uuid: true, length: 3}}":       "of one kind",
		"{a: {pair: dsa}}":                   `no pair "dsa"`,
		"{a: {pair: rsa-2048, format: der}}": "pem or openssh",
		"{a: {public: x}}":                   "belong to a pair",
		"{a: {password: x}}":                 "belongs to basicAuth",
		"{a: {basicAuth: 'a:b'}}":            "a user has letters",
		"{a: {basicAuth: a, length: 73}}":    "at most 72",
		"{a: {pair: age, public: b}, b: {}}": "both make the key b",
		"{plain: {}}":                        "is declared as well",
		"{'a/b': {}}":                        "is no key of a Secret",
		many + "}":                           "1 to 64 are possible",
		strings.Repeat("#", mostText+1):      "more than 16384 bytes",
	} {
		if _, err := Parse(text, map[string]any{"plain": "eA=="}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: the error is %v, want it to say %q", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(all)
	f.Add("{a: {length: 1}}")
	f.Fuzz(func(t *testing.T, text string) {
		spec, err := Parse(text, nil)
		if err != nil {
			return
		}
		if n := len(spec.Keys()); n == 0 || n > mostKeys {
			t.Errorf("it asks for %d keys", n)
		}
		filled := spec.Try(nil, false)
		if len(filled.Data) != len(spec.Keys()) {
			t.Error("a trial misses keys")
		}
	})
}

// A source of randomness that ends is an error, and never a weak value.
func TestWithoutRandomnessNothingIsMade(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"{a: {}}", "{a: {bytes: 4}}", "{a: {uuid: true}}"} {
		if f, err := parse(t, text).Fill(bytes.NewReader(nil), nil, false); err == nil {
			t.Errorf("%s: it made %v", text, f)
		}
	}
}

func TestDueOf(t *testing.T) {
	t.Parallel()
	made := time.Date(2026, 11, 21, 6, 0, 0, 0, time.UTC)
	of := func(rotate string) map[string]string {
		return map[string]string{
			object.AnnotationGenerate: "{a: {}}", object.AnnotationRotate: rotate, object.AnnotationGenerated: made.Format(time.RFC3339),
		}
	}
	for rotate, want := range map[string]time.Time{
		"720h": made.Add(720 * time.Hour), "30d": made.Add(720 * time.Hour), "1s": {}, "soon": {}, "-3d": {}, "99999d": {},
	} {
		if got := DueOf(of(rotate)); !got.Equal(want) {
			t.Errorf("%s: it is due at %s, want %s", rotate, got, want)
		}
	}
	if got := DueOf(map[string]string{object.AnnotationRotate: "1h"}); !got.IsZero() {
		t.Errorf("what isn't generated is due at %s", got)
	}
}

func TestUses(t *testing.T) {
	t.Parallel()
	pod := func(spec map[string]any) map[string]any {
		return map[string]any{"spec": map[string]any{"template": map[string]any{"spec": spec}}}
	}
	type m = map[string]any
	for name, tc := range map[string]struct {
		spec m
		want bool
	}{
		"env":       {m{"containers": []any{m{"env": []any{m{"valueFrom": m{"secretKeyRef": m{"name": "s"}}}}}}}, true},
		"envFrom":   {m{"initContainers": []any{m{"envFrom": []any{m{"secretRef": m{"name": "s"}}}}}}, true},
		"a volume":  {m{"volumes": []any{m{"secret": m{"secretName": "s"}}}}, true},
		"projected": {m{"volumes": []any{m{"projected": m{"sources": []any{m{"secret": m{"name": "s"}}}}}}}, true},
		"pulls":     {m{"imagePullSecrets": []any{m{"name": "s"}}}, true},
		"another":   {m{"volumes": []any{m{"secret": m{"secretName": "t"}}}, "imagePullSecrets": []any{m{"name": "t"}}}, false},
		"a name":    {m{"containers": []any{m{"name": "s", "configMapRef": m{"name": "s"}}}}, false},
	} {
		if got := Uses(pod(tc.spec), "s"); got != tc.want {
			t.Errorf("%s: it says %v", name, got)
		}
	}
}

func TestParseRestart(t *testing.T) {
	t.Parallel()
	r, err := ParseRestart("Deployment/web, StatefulSet/db")
	if err != nil || r.Users || len(r.Named) != 2 || r.Named[1].Name != "db" {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err := ParseRestart("true"); err != nil || !r.Users {
		t.Errorf("%+v, %v", r, err)
	}
	for _, bad := range []string{"yes", "Job/x", "Deployment/a/b"} {
		if _, err := ParseRestart(bad); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}
