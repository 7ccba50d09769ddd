package git

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

const secret = "hunter2-5ecr3t"

// TestCredentialsDoNotPrint: whoever prints them, on purpose or not, shows nothing.
func TestCredentialsDoNotPrint(t *testing.T) {
	t.Parallel()
	c := Credentials{Username: "u", Password: secret, BearerToken: secret, PrivateKey: []byte(secret)}
	for _, s := range printed(c) {
		if strings.Contains(s, secret) || strings.Contains(s, "104 117 110") || strings.Contains(s, "aHVudGVy") {
			t.Errorf("printed %q", s)
		}
	}
}

// printed is a value in all the ways that values get printed.
func printed(v any) []string {
	var text, structured bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Info("x", "v", v, "in", []any{v})
	slog.New(slog.NewJSONHandler(&structured, nil)).Info("x", "v", v, "in", struct{ V any }{v})
	encoded, _ := json.Marshal(v)
	all := []string{text.String(), structured.String(), string(encoded)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		all = append(all, fmt.Sprintf(verb, v), fmt.Sprintf(verb, []any{v}), fmt.Sprintf(verb, struct{ V any }{v}))
	}
	return all
}
