// Package cli is the command line: it reads arguments, asks the daemon or the
// engine, and prints for people or programs.
//
// It decides nothing about delivery. Whatever it does beyond talking to the
// daemon's API comes in through Env, so that a test runs it whole with its own
// streams, clock and environment.
//
// Invariants: one error is printed once, to Err, as "plumb: …"; the exit code
// says how it went (see the Exit constants); Out holds only what was asked for,
// so that it can be piped.
package cli
