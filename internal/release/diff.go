package release

import (
	"encoding/json"
	"unicode/utf8"
)

// FieldChange is one field that a release changed, as it may be shown.
type FieldChange struct {
	Path   string      `json:"path"`
	Owner  string      `json:"owner,omitempty"` // the field manager that had written what was live
	Before *FieldValue `json:"before,omitempty"`
	After  *FieldValue `json:"after,omitempty"`
}

// FieldValue is a value, or what stands for one that isn't shown. It was
// redacted where it was made, and is never made of an object here.
type FieldValue struct {
	Content any    `json:"content,omitempty"`
	Hidden  string `json:"hidden,omitempty"` // the same value, the same text
	Cut     int    `json:"cut,omitempty"`    // bytes of a long value that were left out
}

// The bounds of what one release keeps of its differences, in bytes of JSON.
const (
	MaxValue = 1 << 10   // of one value
	MaxDiff  = 256 << 10 // of all together
)

// BoundDiffs are the changes with no more of their differences than a history
// should hold: long values are cut, and what comes after the bound is only
// counted. Bound once more they stay as they are.
func BoundDiffs(changes []Change) []Change {
	room := MaxDiff
	bound := append([]Change(nil), changes...)
	for i, c := range bound {
		kept := make([]FieldChange, 0, len(c.Diff))
		for _, f := range c.Diff {
			f.Before, f.After = f.Before.cut(), f.After.cut()
			b, err := json.Marshal(f)
			if room -= len(b); err != nil || room < 0 {
				room = 0 // nothing shorter that follows: a diff ends, and has no holes
				break
			}
			kept = append(kept, f)
		}
		if len(kept) < len(c.Diff) {
			bound[i].More += len(c.Diff) - len(kept)
		}
		if bound[i].Diff = kept; len(kept) == 0 {
			bound[i].Diff = nil
		}
	}
	return bound
}

// cut is the value, or the beginning of its text where it is long.
func (v *FieldValue) cut() *FieldValue {
	if v == nil {
		return nil
	}
	text, ok := v.Content.(string)
	if !ok {
		b, err := json.Marshal(v.Content)
		if err != nil || len(b) <= MaxValue {
			return v
		}
		text = string(b)
	}
	if len(text) <= MaxValue {
		return v
	}
	end := MaxValue
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return &FieldValue{Content: text[:end], Hidden: v.Hidden, Cut: v.Cut + len(text) - end}
}
