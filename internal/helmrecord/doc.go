// Package helmrecord writes what Helm keeps of a release, for Apps that ask for
// it, so that `helm ls`, `helm history` and `helm get manifest` show what Plumb
// has applied. Nothing in Plumb reads these records: they are for people and
// their tools.
//
// A record is a Secret in the release's namespace. It tells the objects with
// everything hidden that is hidden elsewhere too, and of the values those that
// the App declares in plain sight. So it holds no secret, and who rolls back to
// it by Helm gets none.
package helmrecord
