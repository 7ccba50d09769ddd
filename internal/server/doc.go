// Package server is the HTTP door of the daemon: the API, the probes, and the
// mounts for metrics and webhooks.
//
// It decides nothing about delivery. What it answers with comes from the small
// interfaces of Config and is made of allow-listed types; a rendered Secret shows
// which keys it has and none of their values.
//
// Invariants: every request needs the token, but for the reviewed list in
// publicRoutes; an unknown path and a forbidden one look alike to who has no
// token; every error is an application/problem+json that says what, where and
// what to do; bodies, headers and times are bounded.
package server
