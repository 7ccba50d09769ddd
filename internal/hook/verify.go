package hook

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"strings"
)

// verified says whether a request comes from someone who knows the secret. Any
// one of the ways that servers sign in will do. How long it takes depends on
// the body's size alone.
func verified(secret []byte, header http.Header, body []byte) bool {
	if len(secret) == 0 {
		return false
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write(body)
	want := hex.EncodeToString(mac.Sum(nil))
	right := 0
	for _, signature := range []string{
		strings.TrimPrefix(header.Get("X-Hub-Signature-256"), "sha256="), // GitHub, and Gitea as well
		header.Get("X-Gitea-Signature"),
		header.Get("X-Forgejo-Signature"),
		strings.TrimPrefix(header.Get("X-Plumb-Signature"), "sha256="),
	} {
		right |= equal(strings.ToLower(signature), want)
	}
	right |= equal(header.Get("X-Gitlab-Token"), string(secret)) // GitLab sends the secret itself
	return right == 1
}

// equal compares without telling by its time where, or how long, the texts are.
func equal(a, b string) int {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:])
}
