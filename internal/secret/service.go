package secret

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// CloudKey is a key that never leaves the service that keeps it.
type CloudKey struct {
	// Name is what it is called: an ARN (with +ROLE behind it, if there is one), a
	// resource's id, or a URL.
	Name string
	// message is the key as SOPS' key service is told of it.
	message []byte
}

// The fields of the message Key in SOPS' keyservice.proto, by kind.
const (
	fieldAWS    protowire.Number = 1
	fieldGoogle protowire.Number = 3
	fieldAzure  protowire.Number = 4
	fieldVault  protowire.Number = 5
	fieldHuawei protowire.Number = 7
)

// AWSKey is one of AWS KMS. What it was encrypted with as context is needed again.
func AWSKey(arn, role string, context map[string]string) CloudKey {
	fields := texts(arn, role)
	for k, v := range context {
		const fieldContext = 3
		fields = protowire.AppendTag(fields, fieldContext, protowire.BytesType)
		fields = protowire.AppendBytes(fields, texts(k, v))
	}
	name := arn
	if role != "" {
		name += "+" + role
	}
	return cloudKey(fieldAWS, name, fields)
}

// GoogleKey is one of Google's Cloud KMS.
func GoogleKey(id string) CloudKey { return cloudKey(fieldGoogle, id, texts(id)) }

// AzureKey is one of Azure's Key Vault.
func AzureKey(vault, name, version string) CloudKey {
	return cloudKey(fieldAzure, strings.TrimRight(vault, "/")+"/keys/"+name+"/"+version, texts(vault, name, version))
}

// VaultKey is one of a Vault's transit engine. An address with more in it than
// who is asked fits nothing that is allowed.
func VaultKey(address, engine, name string) CloudKey {
	if strings.ContainsAny(address, "?#@\\") {
		address = "odd address " + address
	}
	return cloudKey(fieldVault, strings.TrimRight(address, "/")+"/v1/"+engine+"/keys/"+name, texts(address, engine, name))
}

// HuaweiKey is one of Huawei's KMS.
func HuaweiKey(id string) CloudKey { return cloudKey(fieldHuawei, id, texts(id)) }

func cloudKey(field protowire.Number, name string, fields []byte) CloudKey {
	return CloudKey{Name: name, message: protowire.AppendBytes(protowire.AppendTag(nil, field, protowire.BytesType), fields)}
}

// texts are texts as the first fields of a message.
func texts(values ...string) (message []byte) {
	for i, v := range values {
		if v != "" {
			message = protowire.AppendTag(message, protowire.Number(i+1), protowire.BytesType)
			message = protowire.AppendString(message, v)
		}
	}
	return message
}

// Service is a key service of SOPS (`sops keyservice`), on this machine: it asks
// clouds for what they decrypt, with credentials that are its own. It is asked
// about the keys that it was named for, and no others: a file could name one whose
// service isn't a cloud's.
type Service struct {
	address string
	keys    []string
	client  *http.Client

	mu    sync.Mutex
	down  error // why it can't be reached
	until time.Time
}

// serviceTime is how long a service may take.
const serviceTime = 15 * time.Second

// downTime is how long one that can't be reached isn't asked again: a render may
// have many files for it.
const downTime = 5 * time.Second

// NewService is the one at an address: unix:///PATH or tcp://HOST:PORT of this
// machine. What it may be asked about are names of CloudKeys; one that ends with *
// stands for all that begin so.
func NewService(address string, keys []string) (*Service, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("the key service %q has no address like unix:///run/sops.sock or tcp://127.0.0.1:5000", address)
	}
	network, at := u.Scheme, u.Host
	switch {
	case u.Scheme == "unix" && u.Host == "" && u.Path != "":
		at = u.Path
	case u.Scheme == "tcp" && loopback(u.Hostname()) && u.Port() != "" && u.Path == "":
	default:
		return nil, fmt.Errorf("the key service %q has no address of this machine, like unix:///run/sops.sock or tcp://127.0.0.1:5000", address)
	}
	if len(keys) == 0 {
		return nil, errors.New("the key service needs to know which keys it may be asked about")
	}
	var plain http.Protocols
	plain.SetUnencryptedHTTP2(true)
	transport := &http.Transport{
		Protocols: &plain,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, at)
		},
	}
	noRedirect := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	client := &http.Client{Transport: transport, Timeout: serviceTime, CheckRedirect: noRedirect}
	return &Service{address: address, keys: slices.Clone(keys), client: client}, nil
}

func loopback(host string) bool { return host == "localhost" || net.ParseIP(host).IsLoopback() }

// May says whether the service may be asked about a key.
func (s *Service) May(key CloudKey) bool {
	return s != nil && slices.ContainsFunc(s.keys, func(allowed string) bool {
		prefix, many := strings.CutSuffix(allowed, "*")
		return key.Name == allowed || many && strings.HasPrefix(key.Name, prefix)
	})
}

// Decrypt has a message decrypted by a key.
func (s *Service) Decrypt(key CloudKey, message []byte) ([]byte, error) {
	if !s.May(key) {
		return nil, errOpen
	}
	request := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), key.message)
	request = protowire.AppendBytes(protowire.AppendTag(request, 2, protowire.BytesType), message)
	answer, err := s.call("/KeyService/Decrypt", request)
	if err != nil {
		return nil, fmt.Errorf("the key service at %s: %w", s.address, err)
	}
	plain, err := firstField(answer)
	if err != nil {
		return nil, fmt.Errorf("the key service at %s: %w", s.address, err)
	}
	return plain, nil
}

// frameHead is what comes before a message of gRPC: a byte that says whether it
// is compressed, and its length.
const frameHead = 5

// call is one call of gRPC without streams.
func (s *Service) call(method string, message []byte) ([]byte, error) {
	body := append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...)
	ctx, cancel := context.WithTimeout(context.Background(), serviceTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://localhost"+method, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/grpc+proto")
	r.Header.Set("Te", "trailers")
	response, err := s.ask(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxMessage+frameHead+1))
	if err != nil {
		return nil, errors.New("broke off")
	}
	for _, header := range []http.Header{response.Header, response.Trailer} {
		if code := header.Get("Grpc-Status"); code != "" && code != "0" {
			return nil, fmt.Errorf("refuses (code %.4s): %s", code, toldBy(header.Get("Grpc-Message")))
		}
	}
	if response.StatusCode != http.StatusOK || len(answer) < frameHead || answer[0] != 0 ||
		int(binary.BigEndian.Uint32(answer[1:frameHead])) != len(answer)-frameHead {
		return nil, errors.New("answers something else than a key service of SOPS would")
	}
	return answer[frameHead:], nil
}

// ask makes a request, unless it is known that nobody would answer.
func (s *Service) ask(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	down, until := s.down, s.until
	s.mu.Unlock()
	if down != nil && time.Now().Before(until) {
		return nil, down
	}
	response, err := s.client.Do(r)
	if err != nil {
		err = errors.New("can't be reached: " + cause(err))
	}
	s.mu.Lock()
	s.down, s.until = err, time.Now().Add(downTime)
	s.mu.Unlock()
	return response, err
}

// cause is the inmost of an error, without what was asked.
func cause(err error) string {
	if of, is := errors.AsType[*url.Error](err); is {
		err = of.Err
	}
	return err.Error()
}

// toldBy is a message of gRPC, for people.
func toldBy(message string) string {
	const most = 300
	if plain, err := url.PathUnescape(message); err == nil {
		message = plain
	}
	message = strings.Join(strings.Fields(message), " ")
	return message[:min(len(message), most)]
}

// firstField is the field 1 of a message: bytes.
func firstField(message []byte) ([]byte, error) {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			break
		}
		message = message[n:]
		if number == 1 && kind == protowire.BytesType {
			value, n := protowire.ConsumeBytes(message)
			if n < 0 {
				break
			}
			return value, nil
		}
		if n = protowire.ConsumeFieldValue(number, kind, message); n < 0 {
			break
		}
		message = message[n:]
	}
	return nil, errors.New("answers without a key")
}
