package sops

import (
	"cmp"
	"errors"

	"plumb.dev/plumb/internal/secret"
)

// errNotEnough says that the keys there are don't open a file.
var errNotEnough = errors.New("there is no key for it")

// dataKey is the key that a file's values are encrypted with. It is encrypted
// itself, for each recipient, or cut into parts of which some are enough. An
// error other than errNotEnough says why a key that there is didn't help.
func dataKey(m metadata, ring secret.Ring) ([]byte, error) {
	groups := m.groups()
	var parts [][]byte
	var failed error
	for _, g := range groups {
		part, err := openGroup(g, ring)
		if err == nil {
			parts = append(parts, part)
		} else if !errors.Is(err, errNotEnough) {
			failed = err
		}
	}
	enough := len(groups)
	if m.Threshold > 0 && len(groups) > 1 {
		enough = m.Threshold
	}
	switch {
	case len(parts) == 0 || len(parts) < enough:
		return nil, cmp.Or(failed, errNotEnough)
	case len(groups) == 1:
		return parts[0], nil
	}
	if key, whole := combine(parts); whole {
		return key, nil
	}
	return nil, errNotEnough
}

func openGroup(g group, ring secret.Ring) ([]byte, error) {
	for _, k := range g.Age {
		if key, err := ring.OpenAge(k.Enc); err == nil {
			return key, nil
		}
	}
	for _, k := range g.PGP {
		if key, err := ring.OpenPGP(k.Enc); err == nil {
			return key, nil
		}
	}
	failed := errNotEnough
	for _, k := range g.clouds() {
		key, err := ring.OpenCloud(k.CloudKey, []byte(k.enc))
		if err == nil {
			return key, nil
		}
		if !secret.Unasked(err) {
			failed = err
		}
	}
	return nil, failed
}

// combine puts parts together by Shamir's scheme over GF(256), byte by byte:
// each part ends with the point at which the polynomials were taken, and the
// secret is what they are at zero.
func combine(parts [][]byte) ([]byte, bool) {
	size := len(parts[0]) - 1
	if size < 1 {
		return nil, false
	}
	seen := map[byte]bool{}
	for _, p := range parts {
		if len(p) != size+1 || seen[p[size]] || p[size] == 0 {
			return nil, false
		}
		seen[p[size]] = true
	}
	key := make([]byte, size)
	for i, p := range parts {
		weight := byte(1)
		for j, other := range parts {
			if i != j {
				weight = multiply(weight, multiply(other[size], inverse(other[size]^p[size])))
			}
		}
		for n := range key {
			key[n] ^= multiply(p[n], weight)
		}
	}
	return key, true
}

// multiply multiplies in GF(256) with the polynomial of AES, without branches
// that depend on what is multiplied.
func multiply(a, b byte) (product byte) {
	for range 8 {
		product ^= a & -(b & 1)
		a = a<<1 ^ 0x1b&-(a>>7)
		b >>= 1
	}
	return product
}

// inverse is what gives 1 when multiplied: a to the power of 254.
func inverse(a byte) byte {
	result := byte(1)
	for range 254 {
		result = multiply(result, a)
	}
	return result
}
