// Package prometheus tests the alert rules of deploy/alerts with promtool, which
// this module builds from Prometheus's own sources. It is a module of its own so
// that what Prometheus depends on isn't among Plumb's dependencies.
//
// It holds tests only. They use no network but the module proxy, and that once.
package prometheus
