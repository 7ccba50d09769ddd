package plan

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/object"
)

func desiredOf(body string) Desired {
	return Desired{
		Key:        object.Key{Kind: "Gear", Group: "example.com", Namespace: "shop", Name: "a"},
		APIVersion: "example.com/v1", Digest: "d1", Revision: "old", Stage: StageRest, Body: []byte(body),
		Origin: object.Origin{File: "a.yaml", Line: 3},
	}
}

// decoded keeps numbers as they are written.
func decoded(t *testing.T, body []byte) any {
	t.Helper()
	var o any
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.UseNumber()
	if err := d.Decode(&o); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return o
}

func TestAtChangesTheRevisionAndNothingElse(t *testing.T) {
	t.Parallel()
	const body = `{"apiVersion":"example.com/v1","kind":"Gear","metadata":{"name":"a","namespace":"shop","labels":{"plumb.dev/app":"shop.web"},` +
		`"annotations":{"plumb.dev/revision":"old","plumb.dev/digest":"d1","note":"old","html":"a<b&c>d","text":"Grüße \u2028\"quoted\"\n"}},` +
		`"spec":{"big":9223372036854775807,"beyond":18446744073709551615,"float":1.10,"tiny":1e-9,"zero":0.0,"list":[1,null,{"x":{}},[]],"empty":"","no":null,"old":"old"}}`
	before := desiredOf(body)
	got, err := before.At("new")
	if err != nil {
		t.Fatal(err)
	}
	want := decoded(t, []byte(strings.Replace(body, `"plumb.dev/revision":"old"`, `"plumb.dev/revision":"new"`, 1)))
	if diff := cmp.Diff(want, decoded(t, got.Body)); diff != "" {
		t.Errorf("the body (-want +got)\n%s", diff)
	}
	rest := before
	rest.Revision, rest.Body = "new", got.Body
	if diff := cmp.Diff(rest, got); diff != "" {
		t.Errorf("beside the body (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(desiredOf(body), before); diff != "" {
		t.Errorf("the original was changed (-want +got)\n%s", diff)
	}
}

func TestAtLeavesTheObjectAsItIs(t *testing.T) {
	t.Parallel()
	for name, revision := range map[string]string{"for the same commit": "old", "for no commit": ""} {
		before := desiredOf(`{"not":"looked at"}`)
		got, err := before.At(revision)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(before, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

func TestAtRefusesWhatHasNoPlaceForIt(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		``:                                   "its JSON can't be read",
		`{"metadata":`:                       "its JSON can't be read",
		`[]`:                                 "its JSON can't be read",
		`null`:                               "has no metadata",
		`{}`:                                 "has no metadata",
		`{"metadata":null}`:                  "has no metadata",
		`{"metadata":"text"}`:                "has no metadata",
		`{"metadata":{}}`:                    "has no annotations",
		`{"metadata":{"annotations":null}}`:  "has no annotations",
		`{"metadata":{"annotations":["x"]}}`: "has no annotations",
	} {
		before := desiredOf(body)
		got, err := before.At("new")
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "Gear/shop/a") {
			t.Errorf("%s: the error is %v, want it to say %q and of which object", body, err, want)
		}
		if diff := cmp.Diff(before, got); diff != "" {
			t.Errorf("%s: it was changed all the same (-want +got)\n%s", body, diff)
		}
	}
}
