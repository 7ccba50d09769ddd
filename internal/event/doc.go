// Package event holds what people are told as it happens: one line for each
// thing that was noticed, decided or done about an App.
//
// An event tells identities and reasons, never the content of an object.
package event
