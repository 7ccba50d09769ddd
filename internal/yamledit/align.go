package yamledit

import (
	"strconv"

	"go.yaml.in/yaml/v3"
)

// maxAligned bounds what is spent on finding out which elements of two lists
// are the same.
const maxAligned = 1 << 20

// listChanges are the changes that make one list of another, from its end to
// its start, so that each finds the elements before it where they were.
// Elements that stay are left alone.
func listChanges(n *yaml.Node, at Path, want []any) ([]change, error) {
	decoded, err := decodeNode(n)
	have, isList := decoded.([]any)
	if err != nil || !isList {
		return nil, err
	}
	a := aligned{node: n, at: at, have: have, want: want}
	end := pair{len(have), len(want)}
	pairs := align(have, want)
	for i := len(pairs) - 1; i >= 0; i-- {
		if err := a.between(pair{pairs[i].have + 1, pairs[i].want + 1}, end); err != nil {
			return nil, err
		}
		if end = pairs[i]; !equal(have[end.have], want[end.want]) {
			if err := a.set(end); err != nil {
				return nil, err
			}
		}
	}
	err = a.between(pair{}, end)
	return a.changes, err
}

// pair is an index into the list that is there, and one into what it shall be.
type pair struct{ have, want int }

// aligned gathers the changes of one list.
type aligned struct {
	node       *yaml.Node
	at         Path
	have, want []any
	changes    []change
}

func (a *aligned) index(i int) Path { return a.at.Then(Step{Key: strconv.Itoa(i)}) }

func (a *aligned) set(p pair) error {
	more, err := changes(a.node.Content[p.have], a.index(p.have), a.want[p.want])
	a.changes = append(a.changes, more...)
	return err
}

// between changes elements of which none stays. As far as there are as many,
// one takes the place of another.
func (a *aligned) between(from, to pair) error {
	both := min(to.have-from.have, to.want-from.want)
	for i := to.want - 1; i >= from.want+both; i-- {
		a.changes = append(a.changes, change{verb: insert, at: a.index(from.have + both), value: a.want[i]})
	}
	for i := to.have - 1; i >= from.have+both; i-- {
		a.changes = append(a.changes, change{verb: drop, at: a.index(i)})
	}
	for i := both - 1; i >= 0; i-- {
		if err := a.set(pair{from.have + i, from.want + i}); err != nil {
			return err
		}
	}
	return nil
}

// align finds the elements that stay: the longest run of them, in order.
func align(have, want []any) []pair {
	head := 0
	for head < min(len(have), len(want)) && stays(have[head], want[head]) {
		head++
	}
	rows, columns := len(have)-head, len(want)-head
	if rows*columns > maxAligned {
		rows, columns = 0, 0
	}
	// longest[i][j] is how many stay of have[head+i:] in want[head+j:].
	longest := make([][]int, rows+1)
	for i := range longest {
		longest[i] = make([]int, columns+1)
	}
	for i := rows - 1; i >= 0; i-- {
		for j := columns - 1; j >= 0; j-- {
			longest[i][j] = max(longest[i+1][j], longest[i][j+1])
			if stays(have[head+i], want[head+j]) {
				longest[i][j] = longest[i+1][j+1] + 1
			}
		}
	}
	var pairs []pair
	for i := range head {
		pairs = append(pairs, pair{i, i})
	}
	for i, j := 0, 0; i < rows && j < columns; {
		switch {
		case stays(have[head+i], want[head+j]):
			pairs = append(pairs, pair{head + i, head + j})
			i, j = i+1, j+1
		case longest[i+1][j] >= longest[i][j+1]:
			i++
		default:
			j++
		}
	}
	return pairs
}

// stays says whether two elements are one: they are equal or have the same name.
func stays(have, want any) bool {
	a, bothMaps := have.(map[string]any)
	b, isMap := want.(map[string]any)
	if name, named := a["name"].(string); named && bothMaps && isMap {
		return b["name"] == name
	}
	return equal(have, want)
}
