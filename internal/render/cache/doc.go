// Package cache keeps what renders came to, and spares those that would come to
// the same: after a restart, when a branch goes back and forth, and for Apps
// that render the same folder in the same way.
//
// A render is a pure function of its parameters and of what it read, which is
// recorded with its result (tree.Inputs). So a result is found by the path, the
// parameters and the program that rendered, and used where all that was read
// then is the same now. Nothing else decides: no age, no commit, no branch.
//
// It is a folder of files that may be lost, cut off, or made by another version
// at any time: what isn't sound counts as absent. Its size is bounded. Failures
// are not kept, and neither is any result of which something would be hidden
// from people (package redact): such content is written to no file. What an App
// marks as sensitive isn't known here; such Apps are rendered by Afresh.
package cache
