// Package daemon runs everything in one process: it reads the root, follows
// the sources, holds the Apps in line, and answers over HTTP.
//
// It only joins parts: what they are is decided in cmd/plumb. It owns the data
// folder, which one daemon uses at a time, and the order of starting and stopping.
package daemon
