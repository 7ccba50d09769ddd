// Package sqlite keeps the history in one SQLite file, with a driver in pure Go.
//
// It holds no rules about releases, only how they are stored. It is not a
// general database layer: nothing else of Plumb keeps tables here.
//
// Invariants: one connection writes and a few read, so a reader never waits for
// a writer (WAL); every write is one transaction; the file is readable by its
// owner only. After a crash of the machine the last moments may be missing
// (synchronous NORMAL), never anything in the middle, and never what people said
// (the desk). A damaged file is set aside when it is opened and a new one begun.
package sqlite
