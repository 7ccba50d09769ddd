// Package commit writes to Git: it turns an edit into a commit on a branch and
// pushes it.
//
// There is no checkout. Folders are made anew along the paths of the edit, in
// the mirror that the repository is followed with, and everything else stays the
// very object that it was: no line, mode or line end changes but those that are
// meant. A push is never forced. Who loses the race to someone else's is asked
// for the edit once more, on the newest commit, a bounded number of times.
//
// It decides nothing about what to write, and reads no manifest: that is for
// those who hand it the edit. It keeps nothing: a process that is killed leaves
// at worst objects that nothing points to, which tidying the mirror removes.
package commit
