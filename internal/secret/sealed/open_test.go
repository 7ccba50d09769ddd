package sealed_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/secret"
	"plumb.dev/plumb/internal/secret/sealed"
)

// controller is the private key of one, and those who hold it.
type controller struct {
	key  *rsa.PrivateKey
	keys *secret.Keys
}

func newController(tb testing.TB) controller {
	tb.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		tb.Fatal(err)
	}
	path := filepath.Join(tb.TempDir(), "key.pem")
	content := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	if err := os.WriteFile(path, content, 0o600); err != nil {
		tb.Fatal(err)
	}
	keys, err := secret.Load(secret.Files{Sealed: []string{path}})
	if err != nil {
		tb.Fatal(err)
	}
	return controller{key, keys}
}

// seal encrypts a value as kubeseal does.
func (c controller) seal(tb testing.TB, label, plain string) string {
	tb.Helper()
	session := make([]byte, 32)
	_, _ = rand.Read(session)
	locked, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, &c.key.PublicKey, session, []byte(label))
	if err != nil {
		tb.Fatal(err)
	}
	block, err := aes.NewCipher(session)
	if err != nil {
		tb.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		tb.Fatal(err)
	}
	out := append(binary.BigEndian.AppendUint16(nil, uint16(len(locked))), locked...)
	return base64.StdEncoding.EncodeToString(gcm.Seal(out, make([]byte, gcm.NonceSize()), []byte(plain), nil))
}

func parsed(tb testing.TB, text string) object.Object {
	tb.Helper()
	content := map[string]any{}
	if err := yaml.Unmarshal([]byte(text), &content); err != nil {
		tb.Fatal(err)
	}
	return object.Object{Unstructured: &unstructured.Unstructured{Object: content}, Origin: object.Origin{File: "s.yaml", Line: 3}}
}

const head = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\n"

func TestOpens(t *testing.T) {
	t.Parallel()
	c := newController(t)
	for name, test := range map[string]struct {
		metadata, spec, namespace string
		label                     string
		want                      string
	}{
		"strict": {
			"{name: db, namespace: shop, labels: {a: b}}", "", "", "shop/db",
			"{apiVersion: v1, kind: Secret, metadata: {name: db, namespace: shop}, data: {password: Y2FuYXJ5}}",
		},
		"in the App's namespace": {
			"{name: db}", "", "shop", "shop/db",
			"{apiVersion: v1, kind: Secret, metadata: {name: db}, data: {password: Y2FuYXJ5}}",
		},
		"namespace-wide": {
			"{name: renamed, namespace: shop, annotations: {sealedsecrets.bitnami.com/namespace-wide: \"true\"}}", "", "", "shop",
			"{apiVersion: v1, kind: Secret, metadata: {name: renamed, namespace: shop}, data: {password: Y2FuYXJ5}}",
		},
		"cluster-wide": {
			"{name: a, namespace: b, annotations: {sealedsecrets.bitnami.com/cluster-wide: \"true\", plumb.dev/wave: \"-1\"}}", "", "", "",
			"{apiVersion: v1, kind: Secret, metadata: {name: a, namespace: b, annotations: {plumb.dev/wave: \"-1\"}}, data: {password: Y2FuYXJ5}}",
		},
		"a template": {
			"{name: db, namespace: shop}",
			"template: {type: example.com/db, immutable: true, metadata: {name: other, labels: {app: shop}, annotations: {note: x}}, " +
				"data: {url: \"postgres://{{ .password }}@db\", both: '{{- .password | upper }}{{ index . \"password\" | b64enc | quote }} {{ lower .password }}'}}", "", "shop/db",
			"{apiVersion: v1, kind: Secret, type: example.com/db, immutable: true, metadata: {name: db, namespace: shop, labels: {app: shop}, annotations: {note: x}}, " +
				"data: {password: Y2FuYXJ5, url: cG9zdGdyZXM6Ly9jYW5hcnlAZGI=, both: Q0FOQVJZIlkyRnVZWEo1IiBjYW5hcnk=}}",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := parsed(t, head+"metadata: "+test.metadata+"\nspec:\n  encryptedData: {password: "+c.seal(t, test.label, "canary")+"}\n  "+test.spec)
			got, secrets, err := sealed.Opener{Keys: c.keys}.Unseal(o, test.namespace)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(parsed(t, test.want).Object, got.Object); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if !slices.Contains(secrets, "canary") || got.Origin != o.Origin {
				t.Error(secrets, got.Origin)
			}
		})
	}
}

// TestRefuses: what can't be opened is told without any value, and whether a
// key may help.
func TestRefuses(t *testing.T) {
	t.Parallel()
	c, other := newController(t), newController(t)
	value := c.seal(t, "shop/db", "canary")
	inline := func(spec string) string {
		return head + "metadata: {name: db, namespace: shop}\nspec: " + spec
	}
	for spec, test := range map[string]struct {
		says  string
		retry bool
	}{
		inline("{encryptedData: {a: " + other.seal(t, "shop/db", "canary") + "}}"): {
			"a can't be opened by any of the 1 keys given for Sealed Secrets: it was sealed for another cluster, or as another one than shop/db", true,
		},
		strings.Replace(inline("{encryptedData: {a: "+value+"}}"), "name: db", "name: web", 1): {"or as another one than shop/web", true},
		inline("{encryptedData: {a: canary!}}"):                                                {"a is not as kubeseal writes it", false},
		inline("{encryptedData: {a: AA==}}"):                                                   {"a is not as kubeseal writes it", false},
		inline("{encryptedData: {a: //8=}}"):                                                   {"a is not as kubeseal writes it", false},
		inline("{encryptedData: {a: [canary]}}"):                                               {"spec.encryptedData.a is no text", false},
		inline("{encryptedData: [canary]}"):                                                    {"spec.encryptedData is no mapping", false},
		inline("{data: canary}"):                                                               {"spec.data is how values were sealed long ago", false},
		inline("{encryptedData: {a: " + value + "}, template: {data: {b: '{{ .c }}'}}}"):       {"spec.template.data.b: the template names c, which isn't among encryptedData", false},
		inline("{encryptedData: {a: " + value[:len(value)-8] + "AAAAAAA=}}"):                   {"a is not as kubeseal writes it", false},
	} {
		made, secrets, err := sealed.Opener{Keys: c.keys}.Unseal(parsed(t, spec), "")
		if err == nil || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s\n%v %v %v; want %q", spec, made, secrets, err, test.says)
		}
		if unopened := new(*sealed.Unopened); errors.As(err, unopened) != test.retry {
			t.Errorf("%v: %v", err, unopened)
		}
	}
}

// TestTemplatesAreTame: a template can't take time or memory.
func TestTemplatesAreTame(t *testing.T) {
	t.Parallel()
	c := newController(t)
	value := c.seal(t, "shop/db", "canary")
	for _, text := range []string{
		"{{ range 1000000000 }}x{{ end }}", "{{ if .a }}x{{ end }}", "{{ $x := .a }}", "{{ printf \"%1000000000d\" 1 }}", "{{ define \"x\" }}{{ template \"x\" }}{{ end }}{{ template \"x\" }}",
		"{{ with .a }}{{ . }}{{ end }}", "{{ . }}", "{{ .a.b }}", "{{ env \"HOME\" }}", "{{ .a | quote | quote | quote | quote | quote }}", "{{ (.a) }}", "{{ index .a 1 }}", "{{ .a }", "{{ .a | b64dec }}",
		strings.Repeat("{{", 10_000),
	} {
		o := parsed(t, head+"metadata: {name: db, namespace: shop}\nspec: {encryptedData: {a: "+value+"}}")
		if err := unstructured.SetNestedField(o.Object, map[string]any{"b": text}, "spec", "template", "data"); err != nil {
			t.Fatal(err)
		}
		if _, _, err := (sealed.Opener{Keys: c.keys}).Unseal(o, ""); err == nil || !strings.Contains(err.Error(), "spec.template.data.b: the template ") || strings.Contains(err.Error(), "canary") {
			t.Errorf("%.60s: %v", text, err)
		}
	}
}

// TestLeavesAlone: without a key, a controller of the cluster opens it; what
// isn't sealed is nobody's business.
func TestLeavesAlone(t *testing.T) {
	t.Parallel()
	c := newController(t)
	o := parsed(t, head+"metadata: {name: db}\nspec: {encryptedData: {a: b}}")
	if got, secrets, err := (sealed.Opener{}).Unseal(o, ""); err != nil || got.Unstructured != o.Unstructured || secrets == nil {
		t.Error(got, secrets, err)
	}
	for _, text := range []string{"{apiVersion: v1, kind: Secret}", "{apiVersion: example.com/v1, kind: SealedSecret}", "{apiVersion: bitnami.com/v1alpha1, kind: Other}"} {
		o := parsed(t, text)
		if got, secrets, err := (sealed.Opener{Keys: c.keys}).Unseal(o, ""); err != nil || got.Unstructured != o.Unstructured || secrets != nil {
			t.Error(got, secrets, err)
		}
	}
}

// TestOpensWhatKubesealMade: the files below testdata were made by kubeseal
// itself: testdata/make.sh.
func TestOpensWhatKubesealMade(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("testdata/key.pem")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	keys, err := secret.Load(secret.Files{Sealed: []string{path}})
	if err != nil {
		t.Fatal(err)
	}
	for file, data := range map[string]map[string]any{
		"strict.yaml": {"password": "Y2FuYXJ5LW9uZQ==", "binary": "AAEC/w=="}, "namespace-wide.yaml": {"password": "Y2FuYXJ5LW9uZQ==", "binary": "AAEC/w=="},
		"cluster-wide.yaml": {"password": "Y2FuYXJ5LW9uZQ==", "binary": "AAEC/w=="},
	} {
		content, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := sealed.Opener{Keys: keys}.Unseal(parsed(t, string(content)), "")
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if diff := cmp.Diff(data, got.Object["data"]); diff != "" {
			t.Errorf("%s (-want +got)\n%s", file, diff)
		}
		if got.Object["type"] != "example.com/db" || !maps.Equal(got.GetLabels(), map[string]string{"app": "shop"}) {
			t.Errorf("%s: %v %v", file, got.Object["type"], got.GetLabels())
		}
	}
}

func FuzzUnseal(f *testing.F) {
	c := newController(f)
	f.Add(c.seal(f, "/", "x"), "{{ .a }}")
	f.Add("AAAA", "{{ index . \"a\" | b64enc }}")
	f.Fuzz(func(_ *testing.T, value, text string) {
		o := object.Object{Unstructured: &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
			"spec": map[string]any{"encryptedData": map[string]any{"a": value}, "template": map[string]any{"data": map[string]any{"b": text}}},
		}}}
		_, _, _ = sealed.Opener{Keys: c.keys}.Unseal(o, "")
	})
}
