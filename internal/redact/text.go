package redact

import (
	"encoding/base64"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Text is a text less what is hidden wherever it stands: credentials in URLs
// and private keys. It is for texts that are of no object.
func (r Redactor) Text(s string) string { return Mask{redactor: r}.Text(s) }

// text blanks what is hidden in a text at a place of the object.
func (m Mask) text(at, s string) string {
	if strings.Contains(s, hiddenIs) && len(m.redactor.key) > 0 {
		// Whoever writes what stands for a hidden value can't make it look like one.
		// Without a key all look alike, and what was shown before may be shown again.
		return m.redactor.hide(m.place+at, s).String()
	}
	blank := func(secret string) string { return m.redactor.hide(m.place+at, secret).String() }
	s = blankKeys(s, blank)
	s = blankParameters(s, blank)
	return blankUsers(s, blank)
}

var (
	// privateKey is a private key as PEM, to its end or, if that is cut off, the text's.
	privateKey = regexp.MustCompile(`(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z0-9 ]*-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY[A-Z0-9 ]*-----|\z)`)
	// encodedPEM is PEM in base64, as kubeconfigs have it.
	encodedPEM = regexp.MustCompile(`LS0tLS1CRUdJTi[A-Za-z0-9+/_-]+=*`)
)

func blankKeys(s string, blank func(string) string) string {
	if strings.Contains(s, "PRIVATE KEY") {
		s = privateKey.ReplaceAllStringFunc(s, blank)
	}
	return encodedPEM.ReplaceAllStringFunc(s, func(token string) string {
		whole := strings.TrimRight(token, "=")
		whole = whole[:len(whole)-len(whole)%4] // a cut-off one is read as far as it goes
		pem, err := base64.StdEncoding.DecodeString(strings.NewReplacer("-", "+", "_", "/").Replace(whole))
		if err != nil || strings.Contains(string(pem), "PRIVATE KEY") {
			return blank(token)
		}
		return token
	})
}

// parameter is one NAME=VALUE of a URL's query, fragment or options.
var parameter = regexp.MustCompile(`([?&#;])([A-Za-z0-9_.~%+\[\]-]+)=([^&#;\s"'<>` + "`" + `]+)`)

// telling are words that make a parameter's name one of a credential.
var telling = []string{"token", "secret", "passw", "pwd", "passphrase", "apikey", "accesskey", "accountkey", "privatekey",
	"signature", "credential", "authoriz", "session", "jwt", "bearer"}

// tellingWhole are such names that are too short to be looked for in others.
var tellingWhole = []string{"key", "sig", "pass", "code", "auth", "oauth"}

func blankParameters(s string, blank func(string) string) string {
	if !strings.Contains(s, "=") {
		return s
	}
	return parameter.ReplaceAllStringFunc(s, func(whole string) string {
		parts := parameter.FindStringSubmatch(whole)
		if !isTelling(parts[2]) {
			return whole
		}
		return parts[1] + parts[2] + "=" + blank(parts[3])
	})
}

func isTelling(name string) bool {
	if decoded, err := url.QueryUnescape(name); err == nil {
		name = decoded
	}
	name = strings.ToLower(strings.NewReplacer("_", "", "-", "", ".", "").Replace(name))
	return slices.Contains(tellingWhole, name) || slices.ContainsFunc(telling, func(word string) bool { return strings.Contains(name, word) })
}

// blankUsers blanks the user and password of each URL in a text.
func blankUsers(s string, blank func(string) string) string {
	var out strings.Builder
	for {
		at := strings.Index(s, "://")
		if at < 0 {
			break
		}
		begin := at + len("://")
		out.WriteString(s[:begin])
		scheme := schemeBefore(s[:at])
		s = s[begin:]
		n := userLength(s)
		if n == 0 || isLogin(scheme, s[:n]) {
			continue
		}
		out.WriteString(blank(s[:n]))
		s = s[n:]
	}
	out.WriteString(s)
	return out.String()
}

// userLength is how much of what follows :// is a user and password. Where
// someone forgot to escape a slash in the password, the part before it looks
// like a port that is no number.
func userLength(s string) int {
	word := s[:endOf(s, " \t\r\n\"'<>`")]
	authority := word[:endOf(word, "/?#")]
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		return at
	}
	_, port, hasPort := strings.Cut(authority, ":")
	if strings.HasPrefix(authority, "[") || !hasPort || strings.Trim(port, "0123456789") == "" {
		return 0
	}
	return max(0, strings.LastIndexByte(word, '@'))
}

// isLogin says whether a user is a mere name, as in ssh://git@host.
func isLogin(scheme, user string) bool {
	switch {
	case strings.Contains(user, ":"):
		return false
	case user == "git":
		return true
	}
	return strings.Contains(scheme, "ssh") || scheme == "sftp"
}

// schemeBefore is the scheme that a text ends with.
func schemeBefore(s string) string {
	begin := strings.LastIndexFunc(s, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-", r)
	})
	return strings.ToLower(s[begin+1:])
}

// endOf is where the first of some characters stands, or the text ends.
func endOf(s, any string) int {
	if i := strings.IndexAny(s, any); i >= 0 {
		return i
	}
	return len(s)
}
