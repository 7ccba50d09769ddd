// Package given is the values that an App takes from ConfigMaps and Secrets of
// its target namespace: for a chart (spec.render.helm.valuesFrom) and for
// substitution (spec.render.substitute.from). It says which objects an App
// names, what counts of them, what is missing, and what of it is secret.
//
// It reads nothing itself: who has the App's rights does, before the render.
// Only the keys that are asked for are taken over. No error holds a value.
package given
