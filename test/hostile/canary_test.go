package hostile_test

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
	"testing"
)

// canaries are secrets by what they are, each so particular that to find it, in
// whatever form, is to have found a leak.
type canaries map[string]string

// leaks names the canaries that a text holds: as they are, in hexadecimal, in a
// URL, or in the midst of something in base64.
func (c canaries) leaks(text string) (names []string) {
	lower := strings.ToLower(text)
	for name, secret := range c {
		for _, form := range forms(secret) {
			if strings.Contains(text, form) || strings.Contains(lower, strings.ToLower(form)) {
				names = append(names, name)
				break
			}
		}
	}
	return names
}

func forms(secret string) []string {
	all := []string{secret, hex.EncodeToString([]byte(secret)), url.QueryEscape(secret)}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		for before := range 3 { // base64 writes three bytes as four letters, so there are three ways that it can fall
			text := encoding.EncodeToString([]byte(strings.Repeat("x", before) + secret))
			blurred := (before*8 + 5) / 6
			all = append(all, strings.TrimRight(text[blurred:len(text)-4], "="))
		}
	}
	return all
}

// TestLeaksFindsEveryForm: the search that other tests rely on can fail.
func TestLeaksFindsEveryForm(t *testing.T) {
	t.Parallel()
	c := canaries{"it": "Canary-of-the-search-4711"}
	for _, text := range []string{
		"a Canary-of-the-search-4711 b", "CANARY-OF-THE-SEARCH-4711",
		base64.StdEncoding.EncodeToString([]byte(c["it"])),
		base64.StdEncoding.EncodeToString([]byte("ada:" + c["it"] + "\n")),
		base64.StdEncoding.EncodeToString([]byte("ab:" + c["it"] + "!")),
		base64.URLEncoding.EncodeToString([]byte("x" + c["it"])),
		hex.EncodeToString([]byte("<" + c["it"] + ">")),
	} {
		if len(c.leaks("…"+text+"…")) != 1 {
			t.Errorf("it is not found in %s", text)
		}
	}
	if found := c.leaks("Canary-of-the-search-4712"); len(found) > 0 {
		t.Errorf("%s is found where it is not", found)
	}
}
