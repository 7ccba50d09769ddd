// Package logs keeps the newest lines of the daemon's own log in memory, of all
// and of each App, for those who ask what it said.
//
// It is not a store of logs: what is older is on the daemon's standard error,
// where whoever runs it collects it, and nothing outlives a restart.
//
// Invariants: what is kept is what the log was given, no more, so a line holds
// nothing that the log doesn't; lines and bytes are bounded, for each App and
// together, and one App's lines never push out another's before its own; to
// keep a line waits for no reader.
package logs
