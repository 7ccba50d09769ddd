package git

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
)

// Credentials open one repository. They are sent to the host of the URL they
// were given for and nowhere else; redirects to other hosts aren't followed.
// Printing them shows nothing.
type Credentials struct {
	// Username and Password are HTTP basic credentials; a token goes into
	// Password, with the user name that the host wants.
	Username, Password string
	// BearerToken is sent as an HTTP bearer token instead.
	BearerToken string
	// CA holds PEM certificates that HTTPS trusts instead of the system's.
	CA []byte
	// PrivateKey is an SSH private key without a passphrase, as PEM.
	PrivateKey []byte
	// KnownHosts are the SSH host keys to trust, in the form of known_hosts.
	KnownHosts []byte
}

const hidden = "git.Credentials(hidden)"

// Format implements fmt.Formatter, for every verb.
func (c Credentials) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// LogValue implements slog.LogValuer.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText keeps encoders from writing the fields.
func (c Credentials) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// identify says whether there is anything in them that tells a host who asks.
func (c Credentials) identify(scheme string) bool {
	if scheme == "ssh" {
		return len(c.PrivateKey) > 0
	}
	return c.BearerToken != "" || c.Username != "" || c.Password != ""
}

// check turns down what would end a header line early.
func (c Credentials) check() error {
	for _, s := range []string{c.Username, c.Password, c.BearerToken} {
		if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return errors.New("the user name, password or token holds a control character")
		}
	}
	if strings.Contains(c.Username, ":") {
		return errors.New("the user name holds a colon")
	}
	if c.BearerToken != "" && (c.Username != "" || c.Password != "") {
		return errors.New("there are both a bearer token and a user name or password: give one")
	}
	return nil
}

// secrets are all the forms that a credential may show up in.
func (c Credentials) secrets() []string {
	var all []string
	for _, s := range []string{c.Password, c.BearerToken} {
		if s != "" {
			all = append(all, s)
		}
	}
	if h := c.header(); h != "" {
		_, value, _ := strings.Cut(h, ": ")
		_, token, _ := strings.Cut(value, " ")
		all = append(all, token)
	}
	return all
}

// header is the HTTP header that they make. It is sent with the first request,
// which saves a round trip that would only learn that it is wanted.
func (c Credentials) header() string {
	switch {
	case c.BearerToken != "":
		return "Authorization: Bearer " + c.BearerToken
	case c.Username != "" || c.Password != "":
		return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(c.Username+":"+c.Password))
	}
	return ""
}

// httpConfig is the configuration that hands credentials to the program. It
// travels in the environment, which other users can't read, and is bound to the
// URL's scheme, host and port.
func (c Credentials) httpConfig(u URL, folder string) ([]setting, error) {
	var config []setting
	if h := c.header(); h != "" {
		config = append(config, setting{"http." + u.Origin() + "/.extraHeader", h})
	}
	if len(c.CA) > 0 {
		file, err := keep(folder, c.CA)
		if err != nil {
			return nil, fmt.Errorf("write the CA of %s: %w", u, err)
		}
		none := filepath.Join(folder, "none") // else a folder of the system's counts as well
		if err := os.MkdirAll(none, 0o700); err != nil {
			return nil, fmt.Errorf("write the CA of %s: %w", u, err)
		}
		config = append(config, setting{"http." + u.Origin() + "/.sslCAInfo", file}, setting{"http." + u.Origin() + "/.sslCAPath", none})
	}
	return config, nil
}

// keep writes public content, such as certificates, to a file named by it.
func keep(folder string, content []byte) (string, error) {
	sum := sha256.Sum256(content)
	file := filepath.Join(folder, hex.EncodeToString(sum[:8])+".pem")
	if old, err := os.ReadFile(file); err == nil && string(old) == string(content) {
		return file, nil
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	temp, err := os.CreateTemp(folder, "new-*")
	if err != nil {
		return "", err
	}
	defer os.Remove(temp.Name())
	if _, err = temp.Write(content); err == nil {
		err = temp.Close()
	}
	if err != nil {
		return "", err
	}
	return file, os.Rename(temp.Name(), file)
}
