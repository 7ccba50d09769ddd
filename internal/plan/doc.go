// Package plan compares what is declared with what is live, and holds the
// result: which objects would be created, updated, pruned, or left alone, and why.
//
// Everything here is a value or a pure function. An object is judged on its
// own in constant time, so that a change costs what it touches, whatever the
// size of its App.
package plan
