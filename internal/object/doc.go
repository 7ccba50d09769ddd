// Package object holds what a declared Kubernetes object is to Plumb: its
// identity, its content, where it came from, and the labels and annotations
// that mark it as ours.
//
// Everything here is a value or a pure function; nothing talks to a server.
// An Object's content is not changed after it was made: who needs another
// content makes another Object.
package object
