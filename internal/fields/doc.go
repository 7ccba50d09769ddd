// Package fields reads who owns which fields of a live object, from the managed
// fields that the API server keeps in it, and finds those fields in the object
// and in what is declared.
//
// It knows nothing of what the fields mean and asks no server. Elements of
// lists are found by what they are known by, never by their place, which others
// may change at any time. All functions are pure.
package fields
