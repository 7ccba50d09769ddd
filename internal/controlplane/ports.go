package controlplane

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strconv"
)

// The range that ports are taken from. It lies below the ports that systems give to outgoing connections (from 32768 on Linux, 49152 on
// macOS): no connection of another program can sit on a component's port while that component is being restarted.
const (
	firstPort = 20000
	portCount = 10000
)

// randomInt is between 0 and n-1.
func randomInt(n int) int {
	var bytes [4]byte
	_, _ = rand.Read(bytes[:]) // never fails
	return int(binary.NativeEndian.Uint32(bytes[:]) % uint32(n))
}

// freePorts finds ports that nobody listens on now. Someone may take one before its component does; then the start fails and is tried anew.
func freePorts(random func(n int) int) (ports, error) {
	var found [3]int
	taken := map[int]bool{}
	for i := range found {
		port, err := freePort(random, taken)
		if err != nil {
			return ports{}, err
		}
		taken[port] = true
		found[i] = port
	}
	return ports{Etcd: found[0], EtcdPeer: found[1], APIServer: found[2]}, nil
}

func freePort(random func(n int) int, taken map[int]bool) (int, error) {
	const tries = 200
	var last error
	for range tries {
		port := firstPort + random(portCount)
		if taken[port] {
			continue
		}
		listener, err := net.Listen("tcp", net.JoinHostPort(loopback, strconv.Itoa(port)))
		if err != nil {
			last = err
			continue
		}
		return port, listener.Close()
	}
	if last == nil {
		last = errors.New("all were taken")
	}
	return 0, fmt.Errorf("find a free loopback port between %d and %d: %w", firstPort, firstPort+portCount-1, last)
}
