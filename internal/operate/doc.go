// Package operate answers those who run Apps: what would a revision do, in what
// do two Apps differ, where does a field come from; and it writes to Git what
// they decide: a rollback, or a live change that is kept.
//
// It asks the engine what is known (Fleet) and walks the pipeline as far as the
// question needs. It changes nothing in the target: whatever it writes goes to
// Git, and comes from there like any other commit.
package operate
