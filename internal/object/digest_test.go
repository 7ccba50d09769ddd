package object

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func objectOf(t *testing.T, json string) Object {
	t.Helper()
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON([]byte(json)); err != nil {
		t.Fatal(err)
	}
	return Object{Unstructured: u}
}

func TestDigestIsOfTheContentAlone(t *testing.T) {
	t.Parallel()
	const content = `{"apiVersion":"v1","kind":"X","metadata":{"name":"a","labels":{"x":"1","y":"2"}},"spec":{"list":[1,2],"map":{"p":{"q":[{"r":1,"s":2}]}}}}`
	first := objectOf(t, content).Digest()
	for name, tc := range map[string]struct {
		json string
		same bool
	}{
		"another order of keys":   {`{"spec":{"map":{"p":{"q":[{"s":2,"r":1}]}},"list":[1,2]},"metadata":{"labels":{"y":"2","x":"1"},"name":"a"},"kind":"X","apiVersion":"v1"}`, true},
		"other white space":       {strings.ReplaceAll(content, ",", " ,\n\t"), true},
		"another order of a list": {strings.Replace(content, "[1,2]", "[2,1]", 1), false},
		"another value":           {strings.Replace(content, `"s":2`, `"s":3`, 1), false},
		"a text for a number":     {strings.Replace(content, `"s":2`, `"s":"2"`, 1), false},
		"a field less":            {strings.Replace(content, `,"s":2`, ``, 1), false},
		"a field that is null":    {strings.Replace(content, `"s":2`, `"s":2,"t":null`, 1), false},
		"an empty map more":       {strings.Replace(content, `"s":2`, `"s":2,"t":{}`, 1), false},
		"a field elsewhere":       {strings.Replace(strings.Replace(content, `,"y":"2"`, ``, 1), `"spec":{`, `"spec":{"y":"2",`, 1), false},
		"another version":         {strings.Replace(content, `"v1"`, `"v2"`, 1), false},
		"another name":            {strings.Replace(content, `"name":"a"`, `"name":"b"`, 1), false},
	} {
		if got := objectOf(t, tc.json).Digest(); (got == first) != tc.same {
			t.Errorf("%s: the same digest is %v, want %v", name, got == first, tc.same)
		}
	}
	elsewhere := objectOf(t, content)
	elsewhere.Origin = Origin{File: "b.yaml", Line: 9}
	if elsewhere.Digest() != first {
		t.Error("where it was declared changes the digest of the content")
	}
}

func TestDigestTellsLargeNumbersApart(t *testing.T) {
	t.Parallel()
	const big = `{"apiVersion":"v1","kind":"X","spec":%d}`
	if objectOf(t, fmt.Sprintf(big, int64(1)<<53)).Digest() == objectOf(t, fmt.Sprintf(big, int64(1)<<53+1)).Digest() {
		t.Error("numbers beyond 2^53 have one digest")
	}
}

func TestDigestWithBindsEachWord(t *testing.T) {
	t.Parallel()
	o := objectOf(t, `{"apiVersion":"v1","kind":"X"}`)
	seen := map[string]string{o.Digest(): "the content alone"}
	for _, words := range [][]string{nil, {"a"}, {"b"}, {"a", "b"}, {"b", "a"}, {"ab"}, {"a", "b", ""}, {"", "a", "b"}, {"a", "", "b"}} {
		digest := o.DigestWith(words...)
		if len(digest) != len(o.Digest()) {
			t.Errorf("with %q the digest has %d letters", words, len(digest))
		}
		if other, ok := seen[digest]; ok {
			t.Errorf("with %q the digest is that of %s", words, other)
		}
		seen[digest] = fmt.Sprintf("%q", words)
		if o.DigestWith(words...) != digest {
			t.Errorf("with %q the digest isn't always the same", words)
		}
	}
	other := objectOf(t, `{"apiVersion":"v1","kind":"Y"}`)
	if o.DigestWith("a") == other.DigestWith("a") {
		t.Error("the content doesn't count")
	}
}
