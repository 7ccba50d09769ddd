// Package replace decides what becomes of a change that the API server refuses
// because fields can't be changed in place: which fields these are (FixedBy),
// whether the object may be deleted and made anew (Decide), and what people are
// told (Refusal).
//
// An object is never deleted because of that unless someone allowed it, and what
// holds data, or others' objects, never at all. It asks no server and deletes
// nothing. All functions are pure.
package replace
