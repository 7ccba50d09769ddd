package registry

import (
	"context"
	"errors"
	"net"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// nameServer is a server of names that answers each question with one address.
func nameServer(t *testing.T, address [4]byte) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		for b := make([]byte, 1024); ; {
			n, from, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(b[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			m.Response, m.Additionals = true, nil
			if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
				m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class}, Body: &dnsmessage.AResource{A: address}}}
			}
			if answer, err := m.Pack(); err == nil {
				_, _ = conn.WriteTo(answer, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// TestS55NamesAreJudgedByTheirAddress: a name is harmless to look at, so what it
// leads to counts.
func TestS55NamesAreJudgedByTheirAddress(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	for _, test := range []struct {
		address  [4]byte
		loopback bool
		refused  bool
	}{
		{[4]byte{169, 254, 169, 254}, false, true},
		{[4]byte{169, 254, 169, 254}, true, true},
		{[4]byte{0, 0, 0, 0}, true, true},
		{[4]byte{127, 0, 0, 1}, false, true},
		{[4]byte{127, 0, 0, 1}, true, false},
	} {
		dial := dialing(net.Dialer{Timeout: dialTime, Resolver: nameServer(t, test.address)}, test.loopback)
		conn, err := dial(t.Context(), "tcp", "charts.example.com:"+port)
		if errors.Is(err, ErrAddress) != test.refused || !test.refused && err != nil {
			t.Errorf("%v (on this machine: %t): %v", test.address, test.loopback, err)
		}
		if err == nil {
			_ = conn.Close()
		}
	}
}

// TestS55LinksToThisMachine: an index elsewhere can't have this machine asked,
// under any of its names.
func TestS55LinksToThisMachine(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() { // what is let through gets no answer
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	packages, err := New(Options{Data: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		index   string
		refused bool
	}{{"https://charts.example.com", true}, {"http://localhost:1", false}} {
		u, err := ParseURL(test.index)
		if err != nil {
			t.Fatal(err)
		}
		r := packages.Repository(u)
		for _, host := range []string{"127.0.0.1", "localhost"} {
			_, err := r.linked(t.Context(), "oci://"+host+":"+port+"/charts/shop:1.0.0", offer{version: "1.0.0"})
			if errors.Is(err, ErrAddress) != test.refused {
				t.Errorf("%s, from an index at %s: %v", host, test.index, err)
			}
		}
		r.unlink()
	}
}
