package manifest

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"
)

// FuzzRead holds that whatever is read without error is what kubectl would have
// read, that it can be written again, and that errors name a place.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"a: 1\n---\nb: [x, 'y', \"z\"]\n", "a: &x {b: 1}\nc: *x\n", "a: &x {b: 1}\nc:\n  <<: *x\n  b: 3\n", `{"a": 1}{"b": [2.5, null]}`,
		"kind: List\nitems:\n- a: 1\n", "%YAML 1.1\n---\na: 0644\n...\n", "a: |\r\n  x\r\n", "\xef\xbb\xbfa: yes\n", "? a\n: b\n", "- a\n- b\n", "1: 2\n",
		"a: !!binary aGk=\n", "a: 2001-01-01\nb: 1e3\nc: .inf\n", "\"a\\u0000\": '\n\n x'\n", "&a a: &b b\n*a : *b\n", "!!map {a: !x b}\n", "a: <<\n<<: {b: 1}\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		lines := bytes.Count(data, []byte("\n")) + 1
		documents, chunks := 0, split("f.yaml", bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
		for d, err := range Read("f.yaml", data) {
			documents++
			if err != nil {
				var e *Error
				if !errors.As(err, &e) || e.What == "" || e.Origin.File != "f.yaml" || e.Origin.Line > lines {
					t.Fatalf("%q: %#v", data, err)
				}
				continue
			}
			if d.Origin.Line < 1 || d.Origin.Line > lines {
				t.Fatalf("%q: line %d of %d", data, d.Origin.Line, lines)
			}
			if _, err := utiljson.Marshal(d.Value); err != nil {
				t.Fatalf("%q: %v", data, err)
			}
			_ = d.Check()
			compare(t, d, len(chunks))
		}
	})
}

// compare holds a document against what kubectl makes of its text.
func compare(t *testing.T, d Document, chunks int) {
	t.Helper()
	if len(d.path) > 0 || strings.HasPrefix(string(d.chunk.text), "{") || chunks == 0 {
		return
	}
	j, err := yaml.YAMLToJSON(d.chunk.text)
	if err != nil {
		t.Fatalf("%q: kubectl says %v", d.chunk.text, err)
	}
	var want map[string]any
	if err := utiljson.Unmarshal(j, &want); err != nil {
		t.Fatalf("%q: kubectl says %v", d.chunk.text, err)
	}
	// Bytes that are no UTF-8, as !!binary yields, don't survive JSON.
	j, _ = utiljson.Marshal(d.Value)
	var got map[string]any
	if err := utiljson.Unmarshal(j, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%q: (-kubectl +got)\n%s", d.chunk.text, diff)
	}
}

// FuzzHeaders holds that the quick look at a document says what parsing it does.
func FuzzHeaders(f *testing.F) {
	for _, seed := range []string{
		"kind: Pod\nmetadata:\n  name: a\n  namespace: b\n", "metadata:\n  name: 'a' # c\nkind: \"Pod\"\nspec:\n  name: x\n", "kind: &a Pod\nmetadata: {name: a}\n", "---\n# c\nkind: Pod\nmetadata:\n    labels:\n      name: x\n    name: a\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, c := range split("f.yaml", data) {
			h, sure := skim(c)
			if !sure {
				continue
			}
			for d, err := range Read("f.yaml", c.text) {
				if err != nil || len(d.path) > 0 {
					continue
				}
				metadata, _ := d.Value["metadata"].(map[string]any)
				name := metadata["name"]
				if _, isText := name.(string); isText && d.Kind() != "" && (d.Kind() != h.Kind || name != h.Name) {
					t.Fatalf("%q: skimmed %s/%s, parsed %s/%s", c.text, h.Kind, h.Name, d.Kind(), name)
				}
			}
		}
	})
}
