package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// Error is a refusal of the daemon.
type Error struct {
	Status int    // of HTTP
	Detail string // what, where and what to do
}

func (e *Error) Error() string { return e.Detail }

// NotFound says that what was asked for isn't there.
func NotFound(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Status == http.StatusNotFound
}

// ErrNotRunning is returned where nothing answers.
var ErrNotRunning = errors.New("no daemon answers")

// unreachable says what helps when no answer came.
func (c *Client) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	reason := err
	if e, ok := errors.AsType[*url.Error](err); ok {
		reason = e.Err // the rest of it repeats the URL
	}
	return fmt.Errorf("%w at %s: start one with `plumb run --root URL`, or name another with --server or PLUMB_SERVER (%w)", ErrNotRunning, c.base, reason)
}

// read reads an answer into a value, or the error that it is.
func (c *Client) read(response *http.Response, content []byte, into any) error {
	media, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	switch {
	case response.StatusCode == http.StatusUnauthorized:
		return &Error{response.StatusCode, fmt.Sprintf("the daemon at %s refuses this token: "+
			"the right one stands in the file token of its data folder; name that file with --token-file or PLUMB_TOKEN_FILE", c.base)}
	case media == "application/problem+json":
		return problem(response.StatusCode, content)
	case response.StatusCode >= 300 || media != "application/json":
		return &Error{response.StatusCode, fmt.Sprintf("what answers at %s is not Plumb's daemon (%s, %s): name the right one with --server",
			c.base, response.Status, media)}
	}
	if err := json.Unmarshal(content, into); err != nil {
		return c.misunderstood(err)
	}
	return nil
}

// problem is the error that an application/problem+json tells.
func problem(code int, content []byte) error {
	var p struct {
		Detail string `json:"detail"`
		Errors []struct {
			Message  string `json:"message"`
			Location string `json:"location"`
		} `json:"errors"`
	}
	if err := json.Unmarshal(content, &p); err != nil || p.Detail == "" {
		return &Error{code, fmt.Sprintf("the daemon refused, and says no more than %d %s", code, http.StatusText(code))}
	}
	details := []string{p.Detail}
	for _, e := range p.Errors {
		details = append(details, strings.TrimPrefix(e.Location+": "+e.Message, ": "))
	}
	return &Error{code, strings.Join(details, ": ")}
}
