package registry

import (
	"fmt"
	"net"
	"net/url"
	"path"
	"regexp"
	"strings"
)

// URL is the checked URL of a chart repository (https://…), or of a folder in a
// registry (oci://…). It never holds credentials.
type URL struct {
	// Scheme is https, oci, or, on this machine alone, http.
	Scheme string
	// Host is in lower case. Port is empty for the usual one.
	Host, Port string
	// Path has no slash at either end.
	Path string

	text string
}

// String is the URL as it was given.
func (u URL) String() string { return u.text }

// OCI says that it is a registry's.
func (u URL) OCI() bool { return u.Scheme == "oci" }

const maxURL = 2048

var hostForm = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_.])?$`)

// ParseURL checks a URL. It refuses what could confuse host and credentials.
func ParseURL(s string) (URL, error) {
	if len(s) > maxURL || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f && r < 0xa0 || r == 0xfffd || r == '\\' }) {
		return URL{}, fmt.Errorf("%w: it is too long, or holds a space, a backslash or a control character", ErrURL)
	}
	p, err := url.Parse(s)
	if err != nil {
		return URL{}, fmt.Errorf("%w: it can't be parsed", ErrURL) // url's own error repeats what it was given
	}
	u := URL{Scheme: p.Scheme, Host: strings.ToLower(p.Hostname()), Port: p.Port(), Path: strings.Trim(p.Path, "/"), text: s}
	if usual := map[string]string{"https": "443", "oci": "443", "http": "80"}[u.Scheme]; u.Port == usual {
		u.Port = ""
	}
	return u, u.check(p)
}

func (u URL) check(p *url.URL) error {
	refuse := func(why string) error { return fmt.Errorf("%w: %s", ErrURL, why) }
	switch {
	case p.User != nil:
		return refuse("it holds credentials: leave them out, and give them in the credentials file instead")
	case p.RawQuery != "" || p.ForceQuery || strings.Contains(u.text, "#"):
		return refuse(fmt.Sprintf("%q has a query or fragment", u.text))
	case u.Scheme == "http" && !u.Loopback():
		return refuse(fmt.Sprintf("%q is without protection, which is for this machine alone: use https://", u.text))
	case u.Scheme != "https" && u.Scheme != "oci" && u.Scheme != "http":
		return refuse(fmt.Sprintf("%q is neither https:// nor oci://", u.text))
	case p.Opaque != "" || !hostForm.MatchString(u.Host) && net.ParseIP(u.Host) == nil:
		return refuse(fmt.Sprintf("%q has no valid host", u.text))
	case strings.Contains(strings.ToLower(p.EscapedPath()), "%2f") || strings.ContainsFunc(p.Path, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' }):
		return refuse(fmt.Sprintf("the path in %q has an escaped slash, a backslash or a control character", u.text))
	}
	for part := range strings.SplitSeq(u.Path, "/") {
		if part == "." || part == ".." || part == "" && u.Path != "" {
			return refuse(fmt.Sprintf("the path in %q has a part %q", u.text, part))
		}
	}
	return nil
}

// Loopback says that the host is this machine, by its name alone.
func (u URL) Loopback() bool { return isLoopback(u.Host) }

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// HostPort is the host, with the port where it isn't the usual one.
func (u URL) HostPort() string {
	host := u.Host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if u.Port != "" {
		host += ":" + u.Port
	}
	return host
}

// endpoint is the host that is asked: Docker Hub isn't called as its registry is.
func (u URL) endpoint() string {
	if host := u.HostPort(); !u.OCI() || host != "docker.io" && host != "index.docker.io" {
		return host
	}
	return "registry-1.docker.io"
}

// Origin is what credentials are bound to: scheme, host and port.
func (u URL) Origin() string { return u.Scheme + "://" + u.endpoint() }

// SameRepository says whether two URLs name the same repository, however they
// are written. It errs on the side of saying yes.
func SameRepository(a, b URL) bool {
	key := func(u URL) string { return u.endpoint() + path.Clean("/"+strings.ToLower(u.Path)) }
	return a.OCI() == b.OCI() && key(a) == key(b)
}

// originOf is the origin of a request's URL.
func originOf(u *url.URL) string {
	port := u.Port()
	if port == map[string]string{"https": "443", "http": "80"}[u.Scheme] {
		port = ""
	}
	return URL{Scheme: u.Scheme, Host: strings.ToLower(u.Hostname()), Port: port}.Origin()
}

// shown is a URL as it may be told: a query may hold what opens it.
func shown(u *url.URL) string {
	bare := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	return bare.String()
}
