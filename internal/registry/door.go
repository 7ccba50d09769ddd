package registry

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"
)

// door is the one way out to a repository: an HTTP client that holds to what
// the package promises, whoever uses it.
type door struct {
	client *http.Client
	close  func()
}

// maxRedirects is how often one request may be sent on.
const maxRedirects = 5

// open makes the door to a repository, or to a registry that one names: it leads
// to this machine only where the repository is on it.
func open(u URL, c Credentials, secret string, loopback bool) (*door, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	config, err := c.tls()
	if err != nil {
		return nil, err
	}
	own, other := transport(loopback), transport(loopback)
	own.TLSClientConfig = config
	g := &guard{own: own, other: other, header: secret, loopback: loopback, origins: map[string]bool{}}
	for _, scheme := range schemes(u) {
		g.origins[scheme+"://"+u.endpoint()] = true
	}
	for _, host := range c.PassTo {
		g.origins["https://"+usualHost(host)] = true
	}
	return &door{
		client: &http.Client{Transport: g, CheckRedirect: redirect},
		close:  func() { own.CloseIdleConnections(); other.CloseIdleConnections() },
	}, nil
}

// schemes are how a repository's host is spoken to. Only a registry on this
// machine may be asked in two ways.
func schemes(u URL) []string {
	switch {
	case !u.OCI():
		return []string{u.Scheme}
	case u.Loopback():
		return []string{"https", "http"}
	}
	return []string{"https"}
}

func redirect(req *http.Request, via []*http.Request) error {
	switch last := via[len(via)-1].URL; {
	case len(via) > maxRedirects:
		return fmt.Errorf("%w: it was redirected more than %d times", ErrServer, maxRedirects)
	case req.URL.Scheme != "https" && last.Scheme == "https":
		return fmt.Errorf("%w: it was redirected to %s, which is without protection", ErrAddress, shown(req.URL))
	}
	return nil
}

// guard lets requests out. Credentials stay with the origins they are for: they
// are put into requests there, and taken out of those that are sent on.
type guard struct {
	own, other *http.Transport
	origins    map[string]bool
	header     string // of Authorization, where it goes with each request
	loopback   bool   // the repository is on this machine
}

// RoundTrip implements http.RoundTripper.
func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	host := strings.ToLower(req.URL.Hostname())
	switch {
	case req.URL.Scheme != "https" && (req.URL.Scheme != "http" || !g.loopback || !isLoopback(host)):
		return nil, fmt.Errorf("%w: %s is without protection", ErrAddress, shown(req.URL))
	case req.URL.User != nil:
		return nil, fmt.Errorf("%w: %s with credentials in it", ErrAddress, shown(req.URL))
	}
	if ip, err := netip.ParseAddr(host); err == nil && forbidden(ip, g.loopback) {
		return nil, fmt.Errorf("%w: %s", ErrAddress, shown(req.URL))
	}
	mine := g.origins[originOf(req.URL)]
	switch given := req.Header.Get("Authorization"); {
	case mine && given == "" && g.header != "":
		req = req.Clone(req.Context())
		req.Header.Set("Authorization", g.header)
	case !mine && given != "" && req.Response == nil:
		return nil, fmt.Errorf("%w: the registry asks for them at %s; if that is right, name the host in passCredentials", errForward, originOf(req.URL))
	case !mine && given != "":
		req = req.Clone(req.Context())
		req.Header.Del("Authorization")
		req.Header.Del("Cookie")
	}
	if mine {
		return g.own.RoundTrip(req)
	}
	return g.other.RoundTrip(req)
}

// The times that a server may take for the steps of an answer. How long the
// whole may take is bounded by who asks.
const (
	dialTime   = 10 * time.Second
	headerTime = time.Minute // some make their index when it is asked for
)

func transport(loopback bool) *http.Transport {
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: dialing(net.Dialer{Timeout: dialTime}, loopback),
		TLSHandshakeTimeout: dialTime, ResponseHeaderTimeout: headerTime, IdleConnTimeout: 3 * time.Minute,
		MaxIdleConnsPerHost: 2, MaxResponseHeaderBytes: 1 << 20, ForceAttemptHTTP2: true,
		DisableCompression: true, // a package is taken as it comes; who takes an index unpacks it
	}
}

// dialing connects to what a name was resolved to, if that may be asked.
func dialing(d net.Dialer, loopback bool) func(ctx context.Context, network, address string) (net.Conn, error) {
	proxies := proxyAddresses()
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		own := d
		if !proxies[address] { // which operators name, and apps don't
			own.Control = func(_, resolved string, _ syscall.RawConn) error { return checkAddress(resolved, loopback) }
		}
		return own.DialContext(ctx, network, address)
	}
}

// proxyAddresses are where the environment sends requests through.
func proxyAddresses() map[string]bool {
	found := map[string]bool{}
	for _, scheme := range []string{"http", "https"} {
		proxy, err := http.ProxyFromEnvironment(&http.Request{URL: &url.URL{Scheme: scheme, Host: "charts.example.com"}})
		if err != nil || proxy == nil {
			continue
		}
		port := proxy.Port()
		if port == "" {
			port = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[proxy.Scheme]
		}
		found[net.JoinHostPort(proxy.Hostname(), port)] = true
	}
	return found
}

// checkAddress is asked of each address that is about to be connected to, when
// its name was resolved.
func checkAddress(resolved string, loopback bool) error {
	at, err := netip.ParseAddrPort(resolved)
	if err != nil || forbidden(at.Addr(), loopback) {
		return fmt.Errorf("%w: %s", ErrAddress, resolved)
	}
	return nil
}

// forbidden says of an address that no repository is there: those of one link,
// among which clouds keep what machines may know of themselves, and those of
// this machine unless the repository is on it.
func forbidden(ip netip.Addr, loopback bool) bool {
	ip = ip.Unmap().WithZone("")
	switch {
	case ip.IsLoopback():
		return !loopback
	case ip.IsLinkLocalUnicast(), ip.IsMulticast(), ip.IsUnspecified():
		return true
	case translated(ip).IsValid():
		return forbidden(translated(ip), loopback)
	}
	return slices.Contains([]string{"fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "192.0.0.192", "168.63.129.16"}, ip.String()) // of clouds that chose another range
}

// translated is the IPv4 address that one of NAT64 (RFC 6052) stands for.
func translated(ip netip.Addr) netip.Addr {
	if b := ip.As16(); netip.MustParsePrefix("64:ff9b::/96").Contains(ip) {
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return netip.Addr{}
}

// speaksPlain says of a registry on this machine whether it speaks HTTP alone.
func (d *door) speaksPlain(ctx context.Context, u URL) (bool, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+u.HostPort()+"/v2/", nil)
	if err != nil {
		return false, err
	}
	response, err := d.client.Do(req)
	if err != nil {
		return errors.Is(err, http.ErrSchemeMismatch), err
	}
	return false, response.Body.Close()
}
