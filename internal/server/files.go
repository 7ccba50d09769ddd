package server

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"plumb.dev/plumb/internal/private"
)

// The files that the daemon keeps in its data folder for those who talk to it.
const (
	TokenFile      = "token"       // lets its readers use the API
	HookSecretFile = "hook-secret" // signs webhooks
	HidingKeyFile  = "hiding-key"  // makes the texts that stand for hidden values
	AddressFile    = "address"     // HOST:PORT, while the daemon runs
)

// Token returns the token in the data folder, and makes one on the first start.
// Removing the file and starting again makes another.
func Token(dir string) (string, error) { return secret(dir, TokenFile) }

// HookSecret returns the secret that webhooks are signed with, and makes one on
// the first start. Removing the file and starting again makes another.
func HookSecret(dir string) (string, error) { return secret(dir, HookSecretFile) }

// HidingKey returns the key of the texts that stand for hidden values, and makes
// one on the first start. Another key gives other texts to the same values.
func HidingKey(dir string) (string, error) { return secret(dir, HidingKeyFile) }

// minSecret is the least number of characters that is taken for a secret.
const minSecret = 16

// secret reads a secret from a file of dir, or makes both.
func secret(dir, name string) (string, error) {
	path := filepath.Join(dir, name)
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return newSecret(path)
	}
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is not a regular file: remove it, and the next start makes one", path)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("%s can be read by others (mode %04o), so it is no secret any more: remove it, and the next start makes another",
			path, info.Mode().Perm())
	}
	return readSecret(path)
}

// readSecret reads the secret in a file.
func readSecret(path string) (string, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	value := strings.TrimSpace(string(content))
	if len(value) < minSecret || strings.ContainsAny(value, " \t\r\n") {
		return "", fmt.Errorf("%s holds no secret (one word of at least %d characters): remove it, and the next start makes one", path, minSecret)
	}
	return value, nil
}

// newSecret makes a secret and its file, which is whole or isn't there.
func newSecret(path string) (string, error) {
	value := base64.RawURLEncoding.EncodeToString(random(32))
	if err := private.Write(path, []byte(value+"\n")); err != nil {
		return "", err
	}
	return value, nil
}

// random returns n random bytes. crypto/rand never fails.
func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

// Announce writes the address that clients on this machine reach the daemon at,
// and returns what takes it back when the daemon ends.
func Announce(dir string, listening net.Addr) (withdraw func() error, err error) {
	path := filepath.Join(dir, AddressFile)
	if err := private.Write(path, []byte(reachable(listening)+"\n")); err != nil {
		return nil, err
	}
	return func() error { return os.Remove(path) }, nil
}

// reachable is HOST:PORT of a listening address, as seen from this machine.
func reachable(listening net.Addr) string {
	tcp, ok := listening.(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return listening.String()
	}
	loopback := net.IPv6loopback
	if tcp.IP.To4() != nil {
		loopback = net.IPv4(127, 0, 0, 1)
	}
	return (&net.TCPAddr{IP: loopback, Port: tcp.Port}).String()
}
