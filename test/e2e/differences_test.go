package e2e

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What is compared with must itself be right: a comparison that overlooks something would let every test pass.
func TestDifferences(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	type list = []any
	for name, test := range map[string]struct {
		declared, live object
		want           []string
	}{
		"same":              {object{"a": "x", "b": int64(1), "c": true}, object{"a": "x", "b": int64(1), "c": true}, nil},
		"defaults":          {object{"a": object{"b": "x"}}, object{"a": object{"b": "x", "c": "y"}, "status": object{}}, nil},
		"null":              {object{"a": nil}, object{}, nil},
		"other value":       {object{"a": object{"b": "x"}}, object{"a": object{"b": "y"}}, []string{`.a.b: Git says "x", live is "y"`}},
		"other type":        {object{"a": "1"}, object{"a": int64(1)}, []string{`.a: Git says "1", live is 1`}},
		"missing":           {object{"a": "x"}, object{}, []string{`.a: Git says "x", live is <nil>`}},
		"missing below":     {object{"a": object{"b": "x"}}, object{}, []string{`.a: Git says map[string]interface {}{"b":"x"}, live is <nil>`}},
		"in a list":         {object{"a": list{object{"b": "x"}}}, object{"a": list{object{"b": "y", "c": "z"}}}, []string{`.a[0].b: Git says "x", live is "y"`}},
		"one more":          {object{"a": list{"x"}}, object{"a": list{"x", "y"}}, []string{`.a: Git says []interface {}{"x"}, live is []interface {}{"x", "y"}`}},
		"other order":       {object{"a": list{"x", "y"}}, object{"a": list{"y", "x"}}, []string{`.a[0]: Git says "x", live is "y"`, `.a[1]: Git says "y", live is "x"`}},
		"quantity":          {object{"limits": object{"cpu": "1000m", "memory": int64(1024)}}, object{"limits": object{"cpu": "1", "memory": "1Ki"}}, nil},
		"other quantity":    {object{"limits": object{"cpu": "1000m"}}, object{"limits": object{"cpu": "2"}}, []string{`.limits.cpu: Git says "1000m", live is "2"`}},
		"no quantity there": {object{"data": object{"cpu": "1000m"}}, object{"data": object{"cpu": "1"}}, []string{`.data.cpu: Git says "1000m", live is "1"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, differences("", test.declared, test.live)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
