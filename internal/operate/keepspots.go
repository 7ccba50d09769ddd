package operate

import (
	"slices"

	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"plumb.dev/plumb/internal/plan"
)

// spot is one in which live and declared differ.
type spot struct {
	plan.Spot
	// as is the path by which it is found in what is declared, where that isn't
	// the live one; see renamedElements.
	as fieldpath.Path
	// last says that others are found by it, so it is changed after them.
	last bool
}

// spotsOf are the spots in which a live object isn't as it is wanted. What was
// added comes before what was taken away, so that no list gets empty meanwhile.
func spotsOf(live, wanted map[string]any, keys plan.Keys) []spot {
	var spots []spot
	for _, s := range plan.Diff(live, wanted, keys) {
		spots = append(spots, spot{Spot: s})
	}
	spots = renamedElements(spots, keys)
	slices.SortStableFunc(spots, func(a, b spot) int { return a.rank() - b.rank() })
	return spots
}

func (s spot) rank() int {
	switch {
	case s.last:
		return 1000 - len(s.as) // those further in first
	case s.Before == nil:
		return 1
	}
	return 0
}

// renamedElements takes an element that went and one that came, in one list, for
// one that was changed in what it is known by, such as a port's number: then
// only that differs, and its other lines stay.
func renamedElements(spots []spot, keys plan.Keys) []spot {
	var out []spot
	for i, went := range spots {
		came, only := counterpart(spots, i)
		switch {
		case !only:
			out = append(out, went)
		case went.Before != nil: // it is told with its counterpart
		default:
			out = append(out, within(spots[came], went, keys)...)
		}
	}
	return out
}

// counterpart is the one element that came where one went, or the other way
// round. It says false where there isn't exactly one of each.
func counterpart(spots []spot, i int) (int, bool) {
	list, isElement := listOf(spots[i])
	if !isElement {
		return 0, false
	}
	found, same := -1, 0
	for j, s := range spots {
		other, isElement := listOf(s)
		if j == i || !isElement || !other.Equals(list) {
			continue
		}
		if (s.Before == nil) == (spots[i].Before == nil) {
			same++
			continue
		}
		if found >= 0 {
			return 0, false
		}
		found = j
	}
	return found, found >= 0 && same == 0
}

// listOf is the list of which a spot is one element that only one side has.
func listOf(s spot) (fieldpath.Path, bool) {
	n := len(s.At)
	if n == 0 || s.At[n-1].Key == nil || (s.Before == nil) == (s.After == nil) {
		return nil, false
	}
	return s.At[:n-1], true
}

// within are the spots in which an element that came differs from the one that
// went.
func within(came, went spot, keys plan.Keys) []spot {
	is, isMap := came.Was.(map[string]any)
	was, both := went.Is.(map[string]any)
	if !isMap || !both {
		return []spot{came, went}
	}
	below := func(list fieldpath.Path) []string { return keys(append(came.At.Copy(), list...)) }
	var spots []spot
	for _, s := range plan.Diff(is, was, below) {
		spots = append(spots, spot{Spot: s})
	}
	spots = renamedElements(spots, below)
	for i := range spots {
		s := &spots[i]
		if s.as == nil {
			s.as = s.At
			s.last = len(s.At) == 1 && isKey(append(went.At.Copy(), s.At...))
		}
		s.At, s.as = append(came.At.Copy(), s.At...), append(went.At.Copy(), s.as...)
	}
	return spots
}
