package sops

import (
	"plumb.dev/plumb/internal/secret"
)

// dataKey is the key that a file's values are encrypted with. It is encrypted
// itself, for each recipient, or cut into parts of which some are enough.
func dataKey(m metadata, ring secret.Ring) (key []byte, opened bool) {
	groups := m.groups()
	var parts [][]byte
	for _, g := range groups {
		if part, ok := openGroup(g, ring); ok {
			parts = append(parts, part)
		}
	}
	switch {
	case len(groups) == 0 || len(parts) == 0:
		return nil, false
	case len(groups) == 1:
		return parts[0], true
	case len(parts) < m.Threshold || m.Threshold == 0 && len(parts) < len(groups):
		return nil, false
	}
	return combine(parts)
}

func openGroup(g group, ring secret.Ring) ([]byte, bool) {
	for _, k := range g.Age {
		if key, err := ring.OpenAge(k.Enc); err == nil {
			return key, true
		}
	}
	for _, k := range g.PGP {
		if key, err := ring.OpenPGP(k.Enc); err == nil {
			return key, true
		}
	}
	return nil, false
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
