package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/status"
)

// Options say which daemon is talked to.
type Options struct {
	// Server is HOST:PORT, or a URL of the scheme http or https.
	Server string
	// Token lets in.
	Token string
	// PlainHTTP sends the token unencrypted to another machine too.
	PlainHTTP bool
}

// Client talks to one daemon. It is safe for concurrent use.
type Client struct {
	base  *url.URL
	token string
	http  *http.Client
}

const (
	timeout   = 2 * time.Minute // as long as the daemon takes at most
	maxAnswer = 256 << 20       // bytes
)

// New is a client of a daemon. It doesn't connect yet.
func New(o Options) (*Client, error) {
	base, err := parseServer(o.Server)
	if err != nil {
		return nil, err
	}
	if base.Scheme == "http" && !loopback(base.Hostname()) && !o.PlainHTTP {
		return nil, fmt.Errorf("%s is another machine, and http would show the token to everyone in between: use https, or --plain-http where that is fine", base)
	}
	noRedirect := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	own := http.DefaultTransport.(*http.Transport).Clone() // connections that nobody else closes
	return &Client{base: base, token: o.Token, http: &http.Client{Transport: own, Timeout: timeout, CheckRedirect: noRedirect}}, nil
}

// parseServer reads HOST:PORT or a URL.
func parseServer(server string) (*url.URL, error) {
	text := server
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("the server %q is neither HOST:PORT nor a URL such as https://plumb.example.com", server)
	}
	return u.JoinPath("/"), nil
}

// loopback says whether a host is this machine.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip.IsLoopback()
}

// Filter selects Apps. A zero field selects all.
type Filter struct {
	Namespace string
	Sync      status.Sync
	Health    status.Health
}

// Apps returns the Apps that a filter selects, sorted by namespace and name.
func (c *Client) Apps(ctx context.Context, f Filter) ([]status.App, error) {
	query := url.Values{}
	set(query, "namespace", f.Namespace)
	set(query, "sync", string(f.Sync))
	set(query, "health", string(f.Health))
	return items[status.App](ctx, c, query, "apps")
}

// App returns one App (NAMESPACE/NAME) with its objects and newest releases.
func (c *Client) App(ctx context.Context, id string) (status.Detail, error) {
	var d status.Detail
	return d, c.do(ctx, call{method: http.MethodGet, path: appPath(id), into: &d})
}

// Render returns the content of an App's objects as they would be applied.
func (c *Client) Render(ctx context.Context, id string) ([]map[string]any, error) {
	return items[map[string]any](ctx, c, nil, append(appPath(id), "render")...)
}

// Sync asks for a sync of an App in someone's name, and returns the daemon's
// time at that moment: it is done when the App's LastCheck is not before it.
func (c *Client) Sync(ctx context.Context, id, by string) (time.Time, error) {
	var accepted struct {
		RequestedAt time.Time `json:"requestedAt"`
	}
	ask := call{method: http.MethodPost, path: append(appPath(id), "sync"), body: map[string]string{"by": by}, into: &accepted}
	return accepted.RequestedAt, c.do(ctx, ask)
}

// Releases returns a page of the history, newest first.
func (c *Client) Releases(ctx context.Context, q history.Query) ([]release.Release, error) {
	query := url.Values{}
	set(query, "app", q.App)
	set(query, "commit", q.Commit)
	set(query, "author", q.Author)
	set(query, "object", q.Object)
	set(query, "outcome", string(q.Outcome))
	set(query, "trigger", string(q.Trigger))
	if q.Intended {
		query.Set("intended", "true")
	}
	setTime(query, "since", q.Since)
	setTime(query, "until", q.Until)
	setNumber(query, "before", q.Before)
	setNumber(query, "limit", int64(q.Limit))
	return items[release.Release](ctx, c, query, "releases")
}

// Release returns one release.
func (c *Client) Release(ctx context.Context, id int64) (release.Release, error) {
	var r release.Release
	return r, c.do(ctx, call{method: http.MethodGet, path: []string{"releases", strconv.FormatInt(id, 10)}, into: &r})
}

// Root returns how the root stands.
func (c *Client) Root(ctx context.Context) (status.Root, error) {
	var r status.Root
	return r, c.do(ctx, call{method: http.MethodGet, path: []string{"root"}, into: &r})
}

// Keys returns the public halves of the keys that the daemon opens secrets with.
func (c *Client) Keys(ctx context.Context) ([]status.Key, error) {
	return items[status.Key](ctx, c, nil, "keys")
}

// appPath is the path of an App. An id without a slash names no App, and the
// daemon says so.
func appPath(id string) []string {
	namespace, name, _ := strings.Cut(id, "/")
	return []string{"apps", namespace, name}
}

// set sets a parameter that isn't empty.
func set(query url.Values, name, value string) {
	if value != "" {
		query.Set(name, value)
	}
}

// setNumber sets a parameter that isn't zero.
func setNumber(query url.Values, name string, value int64) {
	if value != 0 {
		query.Set(name, strconv.FormatInt(value, 10))
	}
}

// setTime sets a parameter that isn't no time.
func setTime(query url.Values, name string, t time.Time) {
	if !t.IsZero() {
		query.Set(name, t.UTC().Format(time.RFC3339Nano))
	}
}

// items asks for a list.
func items[T any](ctx context.Context, c *Client, query url.Values, path ...string) ([]T, error) {
	var list struct {
		Items []T `json:"items"`
	}
	return list.Items, c.do(ctx, call{method: http.MethodGet, path: path, query: query, into: &list})
}

// call is one request and where its answer goes.
type call struct {
	method string
	path   []string // below /api/v1, unescaped
	query  url.Values
	body   any // nil sends none
	into   any
}

// request makes the HTTP request of a call.
func (c *Client) request(ctx context.Context, a call) (*http.Request, error) {
	escaped := make([]string, len(a.path))
	for i, element := range a.path {
		if element == "" || element == "." || element == ".." { // these would lead to another path
			return nil, fmt.Errorf("%q can't be part of a name (in %s)", element, strings.Join(a.path, "/"))
		}
		escaped[i] = url.PathEscape(element)
	}
	target := c.base.JoinPath(append([]string{"api", "v1"}, escaped...)...)
	target.RawQuery = a.query.Encode()
	var body io.Reader
	if a.body != nil {
		content, err := json.Marshal(a.body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(content)
	}
	r, err := http.NewRequestWithContext(ctx, a.method, target.String(), body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	r.Header.Set("Accept", "application/json")
	if a.body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	return r, nil
}

// do carries out a call.
func (c *Client) do(ctx context.Context, a call) error {
	r, err := c.request(ctx, a)
	if err != nil {
		return err
	}
	response, err := c.http.Do(r)
	if err != nil {
		return c.unreachable(ctx, err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return c.brokeOff(ctx, err)
	}
	if len(content) > maxAnswer {
		return fmt.Errorf("the daemon at %s answered with more than %d MB, and was cut off: ask for less", c.base, maxAnswer>>20)
	}
	return c.read(response, content, a.into)
}
