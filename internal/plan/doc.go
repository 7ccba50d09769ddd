// Package plan compares what is declared with what is live, and holds the
// result: which objects would be created, updated, pruned, or left alone, and why.
// It also shows that result, to people, to programs and in pull requests.
//
// What must not be shown never gets into a plan: the values of fields are made
// of what went through a redact.Mask.
//
// Everything here is a value or a pure function. An object is judged on its
// own in constant time, so that a change costs what it touches, whatever the
// size of its App.
package plan
