// Package ssh stands in for the real one.
package ssh

func InsecureIgnoreHostKey() func() error { return nil }
