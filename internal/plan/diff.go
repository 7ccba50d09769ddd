package plan

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/value"

	"plumb.dev/plumb/internal/redact"
)

// Spot is one place at which two forms of an object differ. Before or After is
// nil where there is nothing.
type Spot struct {
	At            fieldpath.Path
	Before, After *Value
	// Was and Is are the same uncut.
	Was, Is any
}

// Path is where the spot is, for people.
func (s Spot) Path() string { return strings.TrimPrefix(s.At.String(), ".") }

// Keys says by which fields the elements of a list are told apart; nil is unknown.
type Keys func(list fieldpath.Path) []string

// Diff tells in what two forms of an object differ, which both went through the
// same redact.Mask. What only one of them has is told as a whole, at the
// highest place. Elements of lists are matched by their keys or, where nobody
// knows these, by what looks like one.
func Diff(before, after map[string]any, keys Keys) []Spot {
	d := differ{keys: keys}
	d.maps(nil, before, after)
	return d.spots
}

type differ struct {
	keys  Keys
	spots []Spot
}

func (d *differ) values(at fieldpath.Path, before, after any) {
	if reflect.DeepEqual(before, after) {
		return
	}
	switch b := before.(type) {
	case map[string]any:
		if a, ok := after.(map[string]any); ok {
			d.maps(at, b, a)
			return
		}
	case []any:
		if a, ok := after.([]any); ok {
			d.lists(at, b, a)
			return
		}
	}
	d.spot(at, before, after)
}

func (d *differ) spot(at fieldpath.Path, before, after any) {
	b, a := shownPair(before, after)
	d.spots = append(d.spots, Spot{At: at.Copy(), Before: b, After: a, Was: before, Is: after})
}

func (d *differ) maps(at fieldpath.Path, before, after map[string]any) {
	names := slices.Sorted(maps.Keys(before))
	for name := range after {
		if _, ok := before[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		step := append(at, fieldpath.PathElement{FieldName: &name})
		b, was := before[name]
		a, is := after[name]
		d.either(step, b, a, was, is)
	}
}

// either compares what may be there on one side only.
func (d *differ) either(at fieldpath.Path, before, after any, was, is bool) {
	switch {
	case was && is:
		d.values(at, before, after)
	case was:
		d.spots = append(d.spots, Spot{At: at.Copy(), Before: Shown(before), Was: before})
	case is:
		d.spots = append(d.spots, Spot{At: at.Copy(), After: Shown(after), Is: after})
	}
}

func (d *differ) lists(at fieldpath.Path, before, after []any) {
	var keys []string
	if d.keys != nil {
		keys = d.keys(at)
	}
	b, bOrder, ok := byKeys(before, keys)
	a, aOrder, ok2 := byKeys(after, keys)
	for _, guess := range likelyKeys {
		if ok && ok2 && len(keys) > 0 {
			break
		}
		keys = guess
		b, bOrder, ok = byKeys(before, keys)
		a, aOrder, ok2 = byKeys(after, keys)
	}
	switch {
	case ok && ok2:
		d.keyed(at, keys, [2]elements{{b, bOrder}, {a, aOrder}})
	case len(before) == len(after) && slices.ContainsFunc(before, isComposite):
		for i := range before {
			d.values(append(at, fieldpath.PathElement{Index: &i}), before[i], after[i])
		}
	default:
		d.spot(at, before, after)
	}
}

// likelyKeys are what the elements of lists are most often told apart by.
var likelyKeys = [][]string{
	{"name"}, {"key"}, {"id"}, {"mountPath"}, {"containerPort", "protocol"}, {"containerPort"}, {"port", "protocol"}, {"port"}, {"host"}, {"type"}, {"path"},
}

func isComposite(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return true
	}
	return false
}

// elements are those of a list, by what tells them apart, and in their order.
type elements struct {
	byKey map[string]any
	order []string
}

// byKeys finds the elements of a list by their keys. It is false when they
// don't tell the elements apart.
func byKeys(list []any, keys []string) (map[string]any, []string, bool) {
	if len(keys) == 0 {
		return nil, nil, false
	}
	found, order := make(map[string]any, len(list)), make([]string, 0, len(list))
	for _, e := range list {
		m, isMap := e.(map[string]any)
		if !isMap {
			return nil, nil, false
		}
		var id string
		for _, name := range keys {
			key, there := m[name]
			if name == protocol && !there {
				key, there = "TCP", true
			}
			if !there || isComposite(key) {
				return nil, nil, false
			}
			id += fmt.Sprintf("%v\x00", key)
		}
		if _, twice := found[id]; twice {
			return nil, nil, false
		}
		found[id] = e
		order = append(order, id)
	}
	return found, order, true
}

// protocol is the one key that may be left out; see the API's list of ports.
const protocol = "protocol"

func (d *differ) keyed(at fieldpath.Path, keys []string, of [2]elements) {
	before, after := of[0], of[1]
	found := len(d.spots)
	for _, id := range before.order {
		b := before.byKey[id]
		a, is := after.byKey[id]
		d.either(append(at, elementOf(b, keys)), b, a, true, is)
	}
	for _, id := range after.order {
		if _, was := before.byKey[id]; !was {
			a := after.byKey[id]
			d.either(append(at, elementOf(a, keys)), nil, a, false, true)
		}
	}
	if len(d.spots) == found { // the same elements in another order
		d.spot(at, names(before.order), names(after.order))
	}
}

// names are an order as a value.
func names(order []string) any {
	list := make([]any, len(order))
	for i, id := range order {
		list[i] = strings.ReplaceAll(strings.TrimSuffix(id, "\x00"), "\x00", "/")
	}
	return list
}

func elementOf(e any, keys []string) fieldpath.PathElement {
	m, _ := e.(map[string]any)
	var fields value.FieldList
	for _, name := range keys {
		of := m[name]
		if name == protocol && of == nil {
			of = "TCP"
		}
		if h, hidden := of.(redact.Hidden); hidden {
			of = h.String()
		}
		fields = append(fields, value.Field{Name: name, Value: value.NewValueInterface(of)})
	}
	fields.Sort()
	return fieldpath.PathElement{Key: &fields}
}
