package controlplane

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// apiClient talks to the API server, or to etcd, whose readiness is asked in the same way. It needs a handful of requests, so it is no more
// than net/http.
type apiClient struct {
	server string
	http   *http.Client
}

// newAPIClient talks to the API server as its administrator.
func newAPIClient(l layout, p ports) (*apiClient, error) {
	return newClient(l, httpsURL(p.APIServer), clusterCA, userAdmin)
}

// newEtcdClient talks to etcd as the API server does.
func newEtcdClient(l layout, p ports) (*apiClient, error) {
	return newClient(l, httpsURL(p.Etcd), etcdCA, "apiserver-etcd")
}

func newClient(l layout, server, authority, identity string) (*apiClient, error) {
	pool, err := readAuthority(l, authority)
	if err != nil {
		return nil, err
	}
	pair, err := tls.LoadX509KeyPair(l.cert(identity), l.key(identity))
	if err != nil {
		return nil, fmt.Errorf("read certificate %s: %w", identity, err)
	}
	transport := &http.Transport{
		ForceAttemptHTTP2: true,
		TLSClientConfig:   &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12},
	}
	return &apiClient{server, &http.Client{Transport: transport}}, nil
}

func (a *apiClient) close() { a.http.CloseIdleConnections() }

// do sends a request and hands back the answer's body if its status is a success.
func (a *apiClient) do(ctx context.Context, method, path string, body []byte) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, method, a.server+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/apply-patch+yaml") // of which JSON is a part; the other requests have no body
	request.Header.Set("Accept", "application/json, */*")
	answer, err := a.http.Do(request)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode/100 == 2 {
		return answer.Body, nil
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 4<<10))
	return nil, &answerError{answer.StatusCode, fmt.Sprintf("%s %s: %s: %s", method, path, answer.Status, strings.TrimSpace(string(text)))}
}

type answerError struct {
	status int
	text   string
}

func (e *answerError) Error() string { return e.text }

// ready asks whether the server serves. One that is taken for dead is started anew, so a slow one, on a busy machine, is given time.
func (a *apiClient) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	body, err := a.do(ctx, http.MethodGet, "/readyz", nil)
	if err != nil {
		return err
	}
	return body.Close()
}

// apply makes the object at path be as given, by server-side apply.
func (a *apiClient) apply(ctx context.Context, path string, object any) error {
	text, err := json.Marshal(object)
	if err != nil {
		return err
	}
	body, err := a.do(ctx, http.MethodPatch, path+"?fieldManager=plumb-dev&force=true", text)
	if err != nil {
		return err
	}
	return body.Close()
}

// remove deletes the object at path; one that is not there is fine.
func (a *apiClient) remove(ctx context.Context, path string) error {
	body, err := a.do(ctx, http.MethodDelete, path, nil)
	if refused, ok := errors.AsType[*answerError](err); ok && refused.status == http.StatusNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	return body.Close()
}

// watch hands over each object of a collection, those that are there and then each change, until seen says that it has seen enough.
func (a *apiClient) watch(ctx context.Context, collection string, seen func(object json.RawMessage) (enough bool, err error)) error {
	body, err := a.do(ctx, http.MethodGet, collection+"?watch=true", nil)
	if err != nil {
		return err
	}
	defer body.Close()
	events := json.NewDecoder(body)
	for {
		var event struct {
			Type   string          `json:"type"`
			Object json.RawMessage `json:"object"`
		}
		if err := events.Decode(&event); err != nil {
			return fmt.Errorf("watch %s: %w", collection, err)
		}
		if event.Type == "ERROR" {
			return fmt.Errorf("watch %s: %s", collection, event.Object)
		}
		if enough, err := seen(event.Object); enough || err != nil {
			return err
		}
	}
}
