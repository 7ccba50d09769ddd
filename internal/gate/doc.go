// Package gate decides whether an App's changes may be made now: by its mode,
// by what was approved, by windows of time and by pauses.
//
// Everything here is a value or a pure function of what is declared, what
// people said and the time. What follows from a decision (to plan, to hold, to
// apply) is the deliver flow's.
package gate
