// Package client finds a daemon and talks to its HTTP API in the project's own
// types.
//
// It prints nothing and decides nothing. It is not a general HTTP client.
//
// Invariants: the token goes to the one server it was given for, follows no
// redirect, and leaves this machine over TLS only, unless plain HTTP was asked
// for; answers are bounded; every error is a sentence that says what to do.
package client
