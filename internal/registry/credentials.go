package registry

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
)

// Credentials open one repository. They go to the host of the URL that they
// were given for, and to those that they name. Printing them shows nothing.
type Credentials struct {
	// Username and Password are HTTP basic credentials; a registry may want them
	// for a token.
	Username, Password string
	// BearerToken is sent as an HTTP bearer token instead.
	BearerToken string
	// CA holds PEM certificates that are trusted instead of the system's.
	CA []byte
	// Certificate and Key are a client's, as PEM.
	Certificate, Key []byte
	// PassTo are further hosts (host, or host:port) that they may be sent to, over
	// HTTPS: where an index keeps its packages, or a registry gives its tokens.
	PassTo []string
}

const hidden = "registry.Credentials(hidden)"

// Format implements fmt.Formatter, for every verb.
func (c Credentials) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// LogValue implements slog.LogValuer.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText keeps encoders from writing the fields.
func (c Credentials) MarshalText() ([]byte, error) { return []byte(hidden), nil }

func (c Credentials) equal(o Credentials) bool {
	return c.Username == o.Username && c.Password == o.Password && c.BearerToken == o.BearerToken && slices.Equal(c.PassTo, o.PassTo) &&
		bytes.Equal(c.CA, o.CA) && bytes.Equal(c.Certificate, o.Certificate) && bytes.Equal(c.Key, o.Key)
}

// check turns down what would end a header line early. A password may be of many
// lines, as the key files of Google are: it is sent in base64.
func (c Credentials) check() error {
	for _, s := range []string{c.Username, c.BearerToken} {
		if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return fmt.Errorf("%w: the user name or token holds a control character", ErrCredentials)
		}
	}
	if c.BearerToken != "" && c.Username+c.Password != "" || strings.Contains(c.Username, ":") {
		return fmt.Errorf("%w: give a bearer token, or a password and a user name without a colon", ErrCredentials)
	}
	return nil
}

// passedTo says whether they are for another host, too.
func (c Credentials) passedTo(host string) bool {
	return slices.ContainsFunc(c.PassTo, func(named string) bool { return usualHost(named) == host })
}

// usualHost is a host as URL.HostPort has it.
func usualHost(host string) string { return strings.TrimSuffix(strings.ToLower(host), ":443") }

// header is the value of Authorization, or empty.
func (c Credentials) header() string {
	switch {
	case c.BearerToken != "":
		return "Bearer " + c.BearerToken
	case c.Username+c.Password != "":
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(c.Username+":"+c.Password))
	}
	return ""
}

// tls is how their own hosts are spoken to.
func (c Credentials) tls() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if len(c.CA) > 0 {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(c.CA) {
			return nil, fmt.Errorf("%w: the CA in the credentials file is no certificate in PEM", ErrTLS)
		}
	}
	if len(c.Certificate)+len(c.Key) > 0 {
		pair, err := tls.X509KeyPair(c.Certificate, c.Key)
		if err != nil { // which may repeat a bit of the key
			return nil, fmt.Errorf("%w: the client certificate and its key in the credentials file aren't a pair in PEM", ErrTLS)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// errForward says that credentials were about to go where they may not.
var errForward = fmt.Errorf("%w: they are kept from another host", ErrCredentials)
