// Package push is the door for those who deliver by hand or from a pipeline: it
// renders, plans, asks, applies just that plan, and follows health to its end,
// with no daemon. It is for bootstrap, for clusters that nothing watches, and
// for looking what a folder would change.
//
// It walks the same way as the deliver flow and leaves the same marks, so a
// daemon takes over what was pushed. It takes nothing from anyone: objects of
// another App or root are a conflict, and a root that a daemon holds is left to
// it. Everything is compared with the server; nothing that was remembered is
// trusted. What is live has to be as it was when the plan was shown, or nothing
// is applied.
package push
