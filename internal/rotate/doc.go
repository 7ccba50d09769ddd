// Package rotate makes the generated values of Secrets anew: when they are due by
// their own annotations, or when someone asks. Then it restarts the workloads that
// the Secret names.
//
// When a Secret is due is known from the target's view, so that nothing polls and
// a restart of the daemon loses nothing: there is one timer, for the first that is
// due (Next). A rotation is a change like any other: it is recorded as a release
// and told as an event, which say who and why, and never a value. Nothing is
// rotated while the App is paused, only observed, or differs from what is declared,
// nor by schedule outside its windows.
package rotate
