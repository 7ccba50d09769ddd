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
