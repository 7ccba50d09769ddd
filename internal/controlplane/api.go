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

// apiClient talks to the API server as its administrator. It needs a handful of requests, so it is no more than net/http.
type apiClient struct {
	server string
	http   *http.Client
}

func newAPIClient(l layout, server string) (*apiClient, error) {
	pool, err := readAuthority(l, clusterCA)
	if err != nil {
		return nil, err
	}
	identity, err := tls.LoadX509KeyPair(l.cert(userAdmin), l.key(userAdmin))
	if err != nil {
		return nil, fmt.Errorf("read the administrator's certificate: %w", err)
	}
	transport := &http.Transport{
		ForceAttemptHTTP2: true,
		TLSClientConfig:   &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{identity}, MinVersion: tls.VersionTLS12},
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
	request.Header.Set("Content-Type", "application/json")
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

// ready asks whether the server serves.
func (a *apiClient) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	body, err := a.do(ctx, http.MethodGet, "/readyz", nil)
	if err != nil {
		return err
	}
	return body.Close()
}

// create creates an object in a collection; one that is there already is fine.
func (a *apiClient) create(ctx context.Context, collection string, object any) error {
	text, err := json.Marshal(object)
	if err != nil {
		return err
	}
	body, err := a.do(ctx, http.MethodPost, collection, text)
	var refused *answerError
	if errors.As(err, &refused) && refused.status == http.StatusConflict {
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
