package git

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path"
	"regexp"
	"strings"
)

// ErrURL is a repository URL that is refused before any program sees it.
var ErrURL = errors.New("not a repository URL that can be used")

// URL is a checked repository URL. It never holds a password.
type URL struct {
	// Scheme is https, http, ssh or file.
	Scheme string
	// User is the login name of an ssh URL.
	User string
	// Host is in lower case; empty for file. Port is empty for the usual one.
	Host, Port string
	// Path is as it was written: without a leading slash in git@host:path.
	Path string

	text string
}

// String is the URL as it was given.
func (u URL) String() string { return u.text }

// Local says that the repository is a folder of this machine.
func (u URL) Local() bool { return u.Scheme == "file" }

const maxURL = 2048

var (
	scpForm   = regexp.MustCompile(`^(?:([A-Za-z0-9._+-]+)@)?([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):(.+)$`)
	hostForm  = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_.])?$`)
	userForm  = regexp.MustCompile(`^[A-Za-z0-9_.+][A-Za-z0-9._+-]*$`)
	transport = regexp.MustCompile(`^[A-Za-z0-9+.-]+::`)
	userinfo  = regexp.MustCompile(`://[^/@\s]*@`)
)

// ParseURL accepts https://, http://, ssh:// and file:// URLs, the form
// git@host:path, and absolute paths of this machine. It refuses whatever could
// start a program, name an option, or confuse host and credentials.
func ParseURL(s string) (URL, error) {
	if err := refuseText(s); err != nil {
		return URL{}, err
	}
	var u URL
	var err error
	switch scheme, _, _ := strings.Cut(s, "://"); {
	case strings.HasPrefix(s, "/"):
		u = URL{Scheme: "file", Path: s}
	case !strings.Contains(s, "://"):
		u, err = parseSCP(s)
	case scheme == "https" || scheme == "http" || scheme == "ssh":
		u, err = parseRemote(s)
	case scheme == "file":
		u, err = parseFile(s)
	default:
		err = refusef("%s: scheme %q is not supported: use https://, ssh:// or git@host:path", Redacted(s), scheme)
	}
	if err != nil {
		return URL{}, err
	}
	u.text = s
	return u, nil
}

func refusef(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrURL, fmt.Sprintf(format, args...))
}

// refuseText turns down what no URL may hold, in any form.
func refuseText(s string) error {
	switch {
	case s == "":
		return refusef("it is empty")
	case len(s) > maxURL:
		return refusef("it is longer than %d bytes", maxURL)
	case strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f && r < 0xa0 || r == 0xfffd }):
		return refusef("%q holds a space or control character", Redacted(s))
	case strings.HasPrefix(s, "-"):
		return refusef("%q starts with a dash, as an option does", Redacted(s))
	case strings.Contains(s, `\`):
		return refusef("%q holds a backslash", Redacted(s))
	case transport.MatchString(s):
		return refusef("%q names a transport program", Redacted(s))
	}
	return nil
}

func parseSCP(s string) (URL, error) {
	m := scpForm.FindStringSubmatch(s)
	if m == nil {
		return URL{}, refusef("%q: use https://host/path, ssh://user@host/path, git@host:path or an absolute path", Redacted(s))
	}
	u := URL{Scheme: "ssh", User: m[1], Host: strings.ToLower(strings.Trim(m[2], "[]")), Path: m[3]}
	return u, u.check(s)
}

func parseRemote(s string) (URL, error) {
	p, err := url.Parse(s)
	if err != nil {
		return URL{}, refusef("%q can't be parsed", Redacted(s)) // url's own error repeats what it was given
	}
	_, password := p.User.Password()
	switch {
	case p.User != nil && (p.Scheme != "ssh" || password):
		return URL{}, refusef("%s holds credentials: leave them out, and give them in the credentials file instead", Redacted(s))
	case p.RawQuery != "" || p.ForceQuery || p.Fragment != "":
		return URL{}, refusef("%q has a query or fragment", Redacted(s))
	case strings.Contains(strings.ToLower(p.EscapedPath()), "%2f"):
		return URL{}, refusef("%q has an escaped slash", Redacted(s))
	}
	u := URL{Scheme: p.Scheme, User: p.User.Username(), Host: strings.ToLower(p.Hostname()), Port: p.Port(), Path: p.Path}
	if u.Port == usualPort(u.Scheme) {
		u.Port = ""
	}
	return u, u.check(s)
}

func parseFile(s string) (URL, error) {
	p, err := url.Parse(s)
	if err != nil || p.Host != "" || p.User != nil || p.RawQuery != "" || p.Fragment != "" || !strings.HasPrefix(p.Path, "/") {
		return URL{}, refusef("%q: a local repository is file:///absolute/path", Redacted(s))
	}
	if strings.ContainsFunc(p.Path, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return URL{}, refusef("%q holds a control character", Redacted(s))
	}
	return URL{Scheme: "file", Path: p.Path}, nil
}

func usualPort(scheme string) string {
	return map[string]string{"https": "443", "http": "80", "ssh": "22"}[scheme]
}

// check turns down parts that programs further down would take for something
// else: options, other paths, line ends.
func (u URL) check(s string) error {
	switch {
	case !hostForm.MatchString(u.Host) && net.ParseIP(u.Host) == nil:
		return refusef("%q has no valid host", Redacted(s))
	case u.User != "" && !userForm.MatchString(u.User):
		return refusef("%q has no valid user name", Redacted(s))
	case strings.Trim(u.Path, "/") == "":
		return refusef("%q names no repository on %s", Redacted(s), u.Host)
	case strings.HasPrefix(strings.TrimLeft(u.Path, "/"), "-"):
		return refusef("the path in %q starts with a dash, as an option does", Redacted(s))
	case strings.ContainsFunc(u.Path, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' }):
		return refusef("the path in %q holds a control character or backslash", Redacted(s))
	}
	for part := range strings.SplitSeq(u.Path, "/") {
		if part == "." || part == ".." {
			return refusef("the path in %q holds %q", Redacted(s), part)
		}
	}
	return nil
}

// Redacted is a text without the credentials that URLs in it may hold.
func Redacted(s string) string {
	return userinfo.ReplaceAllString(s, "://")
}

// Origin is what the URL's credentials are bound to: scheme, host and port.
func (u URL) Origin() string {
	host := u.Host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if u.Port != "" {
		host += ":" + u.Port
	}
	return u.Scheme + "://" + host
}

// key is what two URLs of one repository have in common, however they are
// written: host and path. The path's case is folded, since hosts differ in
// whether it counts and their webhooks write it as they like.
func (u URL) key() string {
	p := path.Clean("/" + u.Path)
	if !u.Local() {
		p = strings.ToLower(strings.TrimSuffix(p, ".git"))
	}
	return u.Host + p
}

// SameRepository says whether two URLs name the same repository: https, ssh and
// git@host:path are as good as each other, and so is a .git at the end. Ports
// count where two URLs of one scheme both have one. It errs on the side of
// saying yes; what hangs on it is whether to look for news, not whom to trust.
func SameRepository(a, b URL) bool {
	return a.key() == b.key() && (a.Scheme != b.Scheme || a.Port == b.Port || a.Port == "" || b.Port == "")
}
