package git

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// transfer is one look at a repository: the means to reach it, and what was learned.
type transfer struct {
	m       *Mirror
	address string // the URL, or where it moved to
	creds   Credentials
	config  []setting
	env     []string
	end     func()
	results map[Ref]Result
}

// connect gets ready what a transfer needs. It is called with mu held.
func (m *Mirror) connect(c Credentials) (*transfer, error) {
	t := &transfer{m: m, address: firstNonEmpty(m.remote.moved, m.url.String()), creds: c, end: func() {}}
	var err error
	switch m.url.Scheme {
	case "ssh":
		var s *sshSession
		if s, err = openSSH(c); err == nil {
			t.env = s.environ(max(1, int(m.program.options.Stall/time.Second)))
			t.end = func() { _ = s.Close() }
		}
	case "http", "https":
		t.config, err = c.httpConfig(m.url, m.program.certificates())
	}
	if err != nil {
		return nil, &Error{URL: m.url.String(), Kind: ErrFailed, Detail: err.Error()}
	}
	return t, nil
}

func (t *transfer) close() { t.end() }

// run runs a command that takes the repository's URL as its last argument.
func (t *transfer) run(ctx context.Context, c command) error {
	err := t.once(ctx, c)
	switch kind := kindOf(t.m.url, err); {
	case err == nil:
		return nil
	case kind == ErrMoved:
		return t.redirected(ctx, c, err)
	case leftLocks(err):
		if err := removeLeftovers(t.m.dir); err != nil {
			return t.m.trouble("clean its mirror", err)
		}
		return t.outcome(ctx, t.once(ctx, c))
	case kind == errFormat:
		if err := t.m.create(ctx, t.m.otherFormat()); err != nil {
			return err
		}
		return t.outcome(ctx, t.once(ctx, c))
	}
	return t.outcome(ctx, err)
}

// leftLocks says whether a command failed for a lock that a killed one left.
// This is the only one that writes, so nobody holds it.
func leftLocks(err error) bool {
	var f *failure
	return errors.As(err, &f) && strings.Contains(f.stderr, ".lock': File exists")
}

// outcome explains an error, unless it is one that is acted upon here.
func (t *transfer) outcome(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if context.Cause(ctx) == context.Canceled {
		return err
	}
	kind := kindOf(t.m.url, err)
	for _, internal := range []error{errCorrupt, errMissingRef, errNotOurRef, errUnadvertised} {
		if kind == internal {
			return fmt.Errorf("%w: %w", internal, err)
		}
	}
	return explain(t.m.url, t.creds, err)
}

func (t *transfer) once(ctx context.Context, c command) error {
	c.dir, c.protocol, c.env, c.secrets = t.m.dir, t.m.url.Scheme, t.env, t.creds.secrets()
	c.config = slices.Concat(c.config, t.config)
	c.args = slices.Concat(c.args, []string{"--", t.address}, c.after)
	return t.m.program.run(ctx, c)
}

// redirected follows a redirect that stays with the host, and reports any other
// with the new address: credentials were not given for that one.
func (t *transfer) redirected(ctx context.Context, c command, cause error) error {
	if t.m.remote.moved != "" { // it moved once more: begin again with the URL as given
		t.moved("")
		return t.run(ctx, c)
	}
	u := t.m.url
	to, err := t.location(ctx)
	if err != nil || to == "" {
		return explain(u, t.creds, cause)
	}
	next, err := ParseURL(to)
	if err == nil && next.Origin() == u.Origin() && next.text != u.text {
		t.moved(next.text)
		err := t.once(ctx, c)
		if err == nil {
			return nil
		}
		t.moved("") // what leads to nothing isn't remembered
		if kindOf(u, err) != ErrMoved {
			return t.outcome(ctx, err)
		}
	}
	return &Error{URL: u.String(), Kind: ErrMoved, Detail: "it is now at " + Redacted(to), Hint: hint(u, ErrMoved)}
}

// moved notes where the repository is, or that it is where it was.
func (t *transfer) moved(to string) {
	t.m.remote.moved, t.address = to, firstNonEmpty(to, t.m.url.String())
}

// location asks where a repository has moved to; git itself does not tell.
func (t *transfer) location(ctx context.Context) (string, error) {
	const question = "/info/refs?service=git-upload-pack"
	address := strings.TrimSuffix(t.m.url.String(), "/") + question
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	if name, value, ok := strings.Cut(t.creds.header(), ": "); ok {
		req.Header.Set(name, value)
	}
	roots, err := t.roots()
	if err != nil {
		return "", err
	}
	transport := &http.Transport{
		Proxy:           http.ProxyFromEnvironment,
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
	}
	defer transport.CloseIdleConnections()
	res, err := transport.RoundTrip(req) // which follows nothing
	if err != nil {
		return "", err
	}
	_ = res.Body.Close()
	to, err := res.Location()
	if err != nil {
		return "", err
	}
	to.User = nil
	return strings.TrimSuffix(to.String(), question), nil
}

// roots are the CAs to trust; nil means the system's.
func (t *transfer) roots() (*x509.CertPool, error) {
	if len(t.creds.CA) == 0 {
		return nil, nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(t.creds.CA) {
		return nil, errors.New("the CA holds no certificate")
	}
	return pool, nil
}
