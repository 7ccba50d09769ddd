package sides

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"plumb.dev/plumb/internal/fields"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/redact"
)

// Told is what people are told of a difference.
type Told struct {
	Fields []plan.Field
	More   int    // how many more there are
	Digest string // binds all of it, without telling it
}

// Values tells what differs and how, who wrote what is live, and what all of that
// is bound by.
func (s Sides) Values() (t Told) {
	before := plan.WithoutMarks(s.Mask.Show(Content(s.Live)))
	after := plan.WithoutMarks(s.Mask.Show(Content(s.Wanted)))
	spots := plan.Diff(before, after, fields.Keys(s.Live, s.Wanted))
	if s.Mend.Patch != nil {
		spots = s.spotsOfMend(before, spots)
	}
	others, ours, declared := fields.OwnersOf(s.Live), fields.Ours(s.Live), s.Mask.Show(s.Declared)
	bound, generated := []any{s.Desired.Digest}, s.generated()
	for _, spot := range spots {
		known := fields.Node(declared, spot.At)
		after := spot.After
		if spot.Before == nil && known != nil {
			after = plan.Shown(plan.AsDeclared(known, spot.Is)) // without what the server adds
		}
		if after != nil && generated.Has(spot.At) {
			after = &plan.Value{Hidden: "<generated>"} // when it is applied
		}
		if len(t.Fields) < most {
			t.Fields = append(t.Fields, plan.Field{
				Path: spot.Path(), Pointer: fields.Pointer(spot.At, s.Declared), Before: spot.Before, After: after,
				Owner: ownerOf(spot, others, ours, s.WasDeclared()),
			})
		} else {
			t.More++
		}
		bound = append(bound, []any{spot.Path(), spot.Before != nil, spot.Was})
	}
	t.Digest = s.Mask.Digest(bound)
	return t
}

// spotsOfMend are the spots that a repair puts right, and of others those that
// lie outside of its lists: an apply without the repair leaves both elements.
func (s Sides) spotsOfMend(before map[string]any, others []plan.Spot) []plan.Spot {
	repaired := s.Mend.On(s.Live)
	spots := plan.Diff(before, plan.WithoutMarks(s.Mask.Show(Content(repaired))), fields.Keys(s.Live, s.Wanted))
	for _, spot := range others {
		inside := slices.ContainsFunc(s.Mend.Elements, func(p fieldpath.Path) bool {
			list := p[:len(p)-1]
			return len(spot.At) >= len(list) && spot.At[:len(list)].Equals(list)
		})
		if !inside {
			spots = append(spots, spot)
		}
	}
	return spots
}

// ownerOf is who wrote what is live. What isn't there was removed by whoever
// wrote last, if it was declared before.
func ownerOf(spot plan.Spot, others fields.Owners, ours *fieldpath.Set, wasDeclared bool) string {
	if owner, ok := others.Of(spot.At); ok && spot.Before != nil {
		return owner.Manager
	}
	switch {
	case spot.Before != nil && fields.Touches(ours, spot.At):
		return object.FieldManager
	case wasDeclared:
		return others.Taker(spot.At)
	default:
		return ""
	}
}

// Missing tells of an object that isn't there what it would be: as declared, in
// the words of the server where it was asked (made), else nil.
func Missing(digest string, declared map[string]any, made *unstructured.Unstructured, mask redact.Mask) (t Told) {
	shown := plan.WithoutMarks(mask.Show(declared))
	if made != nil {
		shown, _ = plan.AsDeclared(shown, plan.WithoutMarks(mask.Show(Content(made)))).(map[string]any)
	}
	for _, spot := range plan.Diff(identityOf(shown), shown, nil) {
		t.Fields = append(t.Fields, plan.Field{Path: spot.Path(), Pointer: fields.Pointer(spot.At, declared), After: spot.After})
	}
	t.More = max(0, len(t.Fields)-most)
	t.Fields = t.Fields[:len(t.Fields)-t.More]
	t.Digest = mask.Digest([]any{digest, "absent"})
	return t
}

// identityOf is what of an object stands in the key already.
func identityOf(o map[string]any) map[string]any {
	identity := map[string]any{"apiVersion": o["apiVersion"], "kind": o["kind"]}
	metadata, _ := o["metadata"].(map[string]any)
	named := map[string]any{"labels": map[string]any{}, "annotations": map[string]any{}}
	for _, field := range []string{"name", "namespace"} {
		if value, ok := metadata[field]; ok {
			named[field] = value
		}
	}
	identity["metadata"] = named
	return identity
}

// mostNamed bounds how many fields a sentence names, and mostOfField how much of a value.
const (
	mostNamed   = 3
	mostOfField = 60
)

// InWords names fields in a sentence, from what to what; without values where
// the object hides some.
func InWords(list []plan.Field, hides bool) string {
	var parts []string
	for _, f := range list[:min(len(list), mostNamed)] {
		part := f.Path
		if !hides {
			part += fmt.Sprintf(" (from %s to %s)", brief(f.Before), brief(f.After))
		}
		parts = append(parts, part)
	}
	if more := len(list) - len(parts); more > 0 {
		parts = append(parts, fmt.Sprintf("%d more", more))
	}
	return strings.Join(parts, ", ")
}

// brief is a value in a sentence.
func brief(v *plan.Value) string {
	switch {
	case v == nil:
		return "nothing"
	case v.Hidden != "":
		return v.Hidden
	}
	text, err := json.Marshal(v.Content)
	if err != nil || len(text) > mostOfField {
		return "another value"
	}
	return string(text)
}
