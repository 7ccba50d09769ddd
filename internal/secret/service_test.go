package secret

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// keyService is a key service on a socket, which answers what is given; dev/sops
// tries the real one.
func keyService(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	var plain http.Protocols
	plain.SetUnencryptedHTTP2(true)
	server := &http.Server{Handler: answer, Protocols: &plain}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close(); <-ended })
	return "unix://" + path
}

// grpc answers a call with a message, or a status.
func grpc(w http.ResponseWriter, message []byte, status string) {
	w.Header().Set("Content-Type", "application/grpc")
	w.Header().Set("Trailer", "Grpc-Status, Grpc-Message")
	if message != nil {
		_, _ = w.Write(append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...))
	}
	code, text, _ := strings.Cut(status, " ")
	w.Header().Set("Grpc-Status", code)
	w.Header().Set("Grpc-Message", text)
}

func TestService(t *testing.T) {
	t.Parallel()
	key := AWSKey("arn:aws:kms:1:2:key/3", "", map[string]string{"a": "b"})
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		says   string // empty: it opens
	}{
		"opens": {func(w http.ResponseWriter, r *http.Request) {
			asked, _ := io.ReadAll(r.Body)
			if r.URL.Path != "/KeyService/Decrypt" || !strings.Contains(string(asked), "arn:aws:kms:1:2:key/3") || !strings.Contains(string(asked), "message") {
				grpc(w, nil, "3 wrong")
				return
			}
			grpc(w, texts("data key"), "0")
		}, ""},
		"refuses": {func(w http.ResponseWriter, _ *http.Request) { grpc(w, nil, "2 no%20credentials%0A") }, "refuses (code 2): no credentials"},
		"no gRPC": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }, "answers something else"},
		"no key":  {func(w http.ResponseWriter, _ *http.Request) { grpc(w, []byte{0x10, 1}, "0") }, "answers without a key"},
		"broken":  {func(w http.ResponseWriter, _ *http.Request) { grpc(w, []byte{0x0a, 0x7f}, "0") }, "answers without a key"},
		"another way": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusTemporaryRedirect)
		}, "answers something else"},
		"endless": {func(w http.ResponseWriter, _ *http.Request) { grpc(w, make([]byte, 2*maxMessage), "0") }, "the key service at "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keys, err := Load(Files{Service: keyService(t, test.answer), ServiceKeys: []string{"arn:aws:kms:1:2:key/*"}})
			if err != nil {
				t.Fatal(err)
			}
			ring, err := keys.Ring()
			if err != nil {
				t.Fatal(err)
			}
			got, err := ring.OpenCloud(key, []byte("message"))
			switch {
			case test.says == "" && (err != nil || string(got) != "data key"):
				t.Errorf("%q, %v", got, err)
			case test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says) || Unasked(err)):
				t.Errorf("%v; want %q", err, test.says)
			}
			if _, err := ring.OpenCloud(AWSKey("arn:aws:kms:1:9:key/3", "", nil), []byte("message")); !Unasked(err) {
				t.Error(err)
			}
		})
	}
}

// TestServiceThatIsAway: it is asked once in a while, not for each file.
func TestServiceThatIsAway(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 10)
	address := keyService(t, func(http.ResponseWriter, *http.Request) {
		asked <- struct{}{}
		panic(http.ErrAbortHandler) // as if it ended
	})
	s, err := NewService(address, []string{"*"})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := s.Decrypt(GoogleKey("k"), nil); err == nil || !strings.Contains(err.Error(), "can't be reached") {
			t.Error(err)
		}
	}
	if n := len(asked); n != 1 {
		t.Errorf("it was asked %d times", n)
	}
}

// TestServiceIsAskedAboutItsKeysOnly: a file can't have the service's
// credentials sent to whom it names.
func TestServiceIsAskedAboutItsKeysOnly(t *testing.T) {
	t.Parallel()
	s, err := NewService("tcp://127.0.0.1:1", []string{"arn:a", "projects/x/*", "https://vault.example.com/v1/transit/keys/*", "https://k.vault.azure.net/keys/n/v"})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		key CloudKey
		may bool
	}{
		{AWSKey("arn:a", "", nil), true}, {AWSKey("arn:a", "arn:role", nil), false}, {AWSKey("arn:ab", "", nil), false},
		{GoogleKey("projects/x/k"), true}, {GoogleKey("projects/y/k"), false},
		{VaultKey("https://vault.example.com/", "transit", "k"), true}, {VaultKey("https://vault.evil.example", "transit", "k"), false},
		{VaultKey("https://vault.example.com/v1/transit/keys/x?", "t", "k"), false}, {AzureKey("https://k.vault.azure.net", "n", "v"), true},
		{AzureKey("https://evil.example", "n", "v"), false}, {HuaweiKey("r:k"), false},
	} {
		if s.May(test.key) != test.may {
			t.Errorf("%s: %v", test.key.Name, !test.may)
		}
	}
	if (*Service)(nil).May(GoogleKey("projects/x/k")) {
		t.Error("there is no service")
	}
	for _, address := range []string{"", "tcp://192.0.2.1:1", "tcp://127.0.0.1", "http://127.0.0.1:1", "unix://host/path", "unix://", "\n"} {
		if _, err := NewService(address, []string{"a"}); err == nil {
			t.Errorf("%q is taken for an address", address)
		}
	}
	if _, err := NewService("tcp://127.0.0.1:1", nil); err == nil {
		t.Error("it could be asked about any key")
	}
}

// FuzzAnswer: what a service answers is bytes from elsewhere.
func FuzzAnswer(f *testing.F) {
	f.Add(texts("data key"))
	f.Add([]byte{0x10, 1, 0x0a, 1, 'x'})
	f.Fuzz(func(t *testing.T, message []byte) {
		if value, err := firstField(message); err == nil && len(value) > len(message) {
			t.Errorf("%q of %q", value, message)
		}
	})
}
