// Package terminal puts words on a screen for people: aligned tables, colours
// where there are any, ages, numbers with their nouns.
//
// It knows nothing of commands or of the daemon, and writes nothing for
// programs.
//
// Invariants: what others wrote steers no terminal and reorders no line; colours
// are for terminals only, never with NO_COLOR, and say nothing that a word
// doesn't.
package terminal
