package schema

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// ruledCRD is a CRD with rules of many forms.
const ruledCRD = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: pools.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Pool, plural: pools}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        x-kubernetes-validations:
        - {rule: "self.metadata.name != 'reserved'", message: the name is taken}
        properties:
          spec:
            type: object
            x-kubernetes-validations:
            - {rule: "self.min <= self.max", message: min is above max, fieldPath: .min}
            - {rule: "!has(self.ports) || self.ports.all(p, self.ports.exists_one(q, q.name == p.name))"}
            - {rule: "self.max == oldSelf.max", message: max can't be changed}
            - {rule: "oldSelf.hasValue() || self.max > 0", optionalOldSelf: true, message: max begins above nothing}
            - {rule: "self.namespace.foreign() == 1", message: uses what isn't known}
            - {rule: "self.__namespace__ != 'kube-system' && self.drop__dash__in == 1", message: not there}
            - {rule: "self.ratio / 2.0 < 1.0", message: the ratio is too high}
            - {rule: "!has(self.extra) || self.extra.missing.deeper == 1", message: only an error}
            properties:
              min: {type: integer, default: 1}
              max: {type: integer}
              namespace: {type: string, default: shop}
              drop-in: {type: integer, default: 1}
              ratio: {type: number, default: 1}
              extra: {type: object, x-kubernetes-preserve-unknown-fields: true}
              every: {type: string, format: duration, x-kubernetes-validations: [{rule: "self >= duration('1s')", message: is too often}]}
              since: {type: string, format: date-time, x-kubernetes-validations: [{rule: "self > timestamp('2020-01-01T00:00:00Z')", message: is too long ago}]}
              size: {x-kubernetes-int-or-string: true, x-kubernetes-validations: [{rule: "type(self) == int ? self <= 3 : self.endsWith('%')", message: is no size}]}
              address: {type: string, x-kubernetes-validations: [{rule: "isIP(self)", message: is no address}]}
              route:
                type: object
                properties: {type: {type: string, default: IP}, value: {type: string}}
                oneOf: [{properties: {type: {enum: [IP]}}}, {properties: {type: {not: {enum: [IP]}}}}]
              labels: {type: object, additionalProperties: {type: string, x-kubernetes-validations: [{rule: "self.split('-').size() < 3", message: has too many parts}]}}
              ports:
                type: array
                items:
                  type: object
                  properties:
                    name: {type: string}
                    number: {type: integer, x-kubernetes-validations: [{rule: "self > 0 && self < 65536", message: is no port}]}
`

func TestRules(t *testing.T) {
	t.Parallel()
	s := set(t)
	if err := s.Add(object(t, ruledCRD)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		spec string
		want []string
	}{
		"sound":                     {"{max: 3}", nil},
		"a default breaks it":       {"{max: 0}", []string{"spec.min: min is above max", "spec: max begins above nothing"}},
		"of a field":                {"{min: 5, max: 3}", []string{"spec.min: min is above max"}},
		"without a message":         {"{max: 3, ports: [{name: a}, {name: a}]}", []string{"spec: has to satisfy the rule !has(self.ports) || self.ports.all(p, self.ports.exists_one(q, q.name == p.name))"}},
		"names that are escaped":    {"{max: 3, namespace: kube-system}", []string{"spec: not there"}},
		"a whole number as decimal": {"{max: 3, ratio: 2}", []string{"spec: the ratio is too high"}},
		"a duration":                {"{max: 3, every: 10ms}", []string{"spec.every: is too often"}},
		"a time":                    {"{max: 3, since: '2019-05-01T00:00:00Z'}", []string{"spec.since: is too long ago"}},
		"a number or a text":        {"{max: 3, size: 4}", []string{"spec.size: is no size"}},
		"a text or a number":        {"{max: 3, size: 4%}", nil},
		"an address":                {"{max: 3, address: 10.0.0.300}", []string{"spec.address: is no address"}},
		"values of a map":           {"{max: 3, labels: {a: x-y, b: x-y-z}}", []string{"spec.labels.b: has too many parts"}},
		"elements":                  {"{max: 3, ports: [{name: a, number: 1}, {name: b, number: 0}]}", []string{"spec.ports[1].number: is no port"}},
		"what can't be told":        {"{max: 3, extra: {other: 1}}", nil},
		"what doesn't fit at all":   {"{max: x, every: 10ms}", []string{"spec.max: is of type string and has to be of type integer"}},
		"a default in alternatives": {"{max: 3, route: {value: a}}", nil},
		"null is absent":            {"{max: 3, every: null, min: null}", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			problems, known, err := s.Check(object(t, "apiVersion: example.com/v1\nkind: Pool\nmetadata: {name: p}\nspec: "+c.spec+"\n"))
			if err != nil || !known {
				t.Fatal(known, err)
			}
			var got []string
			for _, p := range problems {
				got = append(got, p.Path()+": "+p.Message)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	problems, _, err := s.Check(object(t, "apiVersion: example.com/v1\nkind: Pool\nmetadata: {name: reserved}\n"))
	if err != nil || len(problems) != 1 || problems[0].Message != "the name is taken" || problems[0].Path() != "" {
		t.Errorf("of the object: %v, %v", problems, err)
	}
}

// TestS15RulesAreBounded: a rule that would take for ever is given up, whatever it
// compares, and so are all after it once an object has cost too much.
func TestS15RulesAreBounded(t *testing.T) {
	t.Parallel()
	for name, rule := range map[string]string{
		"loops":    "self.list.all(a, self.list.all(b, self.list.all(c, self.list.all(d, a + b + c + d >= 0))))",
		"compares": "self.list.all(a, self.list.all(b, self.list == self.list))",
		"matches":  "self.list.all(a, self.list.all(b, !self.list.map(x, string(x)).join(',').matches('(a|b|c)*d')))",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := newDialect()
			if err != nil {
				t.Fatal(err)
			}
			list := make([]any, 2_000)
			for i := range list {
				list[i] = int64(i)
			}
			r := reading{dialect: d}
			n := r.read(map[string]any{"type": "object", "x-kubernetes-validations": []any{map[string]any{"rule": rule}}})
			if r.rules != 1 {
				t.Fatal("the rule isn't one")
			}
			one := &trial{left: objectCost}
			one.value(n, map[string]any{"list": list}, nil)
			if len(one.problems) > 0 || one.left == objectCost {
				t.Errorf("got %v, and %d left", one.problems, one.left)
			}
		})
	}
	spent := &trial{}
	spent.try(rule{}, nil, nil) // which would panic if it was tried
}

// TestFieldPaths: paths are read as rules write them.
func TestFieldPaths(t *testing.T) {
	t.Parallel()
	for at, want := range map[string]string{".spec": "spec", ".spec.names['a.b'].c": "spec/names/a.b/c", "": "", "spec": ""} {
		if got := strings.Join(fields(at), "/"); got != want {
			t.Errorf("%s: got %s", at, got)
		}
	}
}
