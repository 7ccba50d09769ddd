package server

import (
	"crypto/tls"
	"math/rand"
	"testing"

	"golang.org/x/crypto/ssh"
)

func TestSpeak(t *testing.T) {
	_ = rand.New(rand.NewSource(1))          // a test's numbers may be guessed
	_ = tls.Config{InsecureSkipVerify: true} // want `InsecureSkipVerify is not to be set`
	_ = ssh.InsecureIgnoreHostKey()          // want `ssh.InsecureIgnoreHostKey must not be used here`
}
