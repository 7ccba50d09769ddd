// Package redact decides what of an object may be shown, for everyone who
// shows, logs, records or sends one: plans, blame, comparisons, rendered
// objects, messages of the API server.
//
// Hidden are all values of a Secret, the fields that an object's annotation or
// its App marks as sensitive, the copy of an object that kubectl keeps in an
// annotation, credentials in URLs, and private keys. What stands in the place
// of a hidden value is made with a key: the same value in the same field has
// the same text, another value another one, and who lacks the key can't find
// the value by trying. The text is bound to the object's namespace, kind and
// name and to the field, so that nobody tells someone else's value by writing
// guesses into an object of their own.
//
// It is not a search for secrets: a password in a field that nobody marks
// can't be told from any other text. Everything here is a value or a pure
// function; the key comes from the caller. An object is never changed, only
// copied.
package redact
