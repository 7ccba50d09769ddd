package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"

	"plumb.dev/plumb/internal/event"
)

const (
	silence = 45 * time.Second // the daemon says something three times in this
	maxLine = 1 << 20          // bytes
)

var (
	// ErrEnded is returned where the daemon ended a stream.
	ErrEnded = errors.New("the daemon ended the stream")

	errSilent = fmt.Errorf("nothing was heard for %s", silence)
)

// Events returns events, oldest first.
func (c *Client) Events(ctx context.Context, q event.Query) ([]event.Event, error) {
	return items[event.Event](ctx, c, eventQuery(q), "events")
}

// FollowEvents calls fn with events, and with those to come, until ctx is done,
// fn returns an error, or the daemon ends the stream: ErrEnded.
func (c *Client) FollowEvents(ctx context.Context, q event.Query, fn func(event.Event) error) error {
	return follow(ctx, c, call{method: http.MethodGet, path: []string{"events", "stream"}, query: eventQuery(q)}, fn)
}

func eventQuery(q event.Query) url.Values {
	query := url.Values{}
	set(query, "app", q.App)
	set(query, "kind", string(q.Kind))
	setNumber(query, "after", q.After)
	setNumber(query, "limit", int64(q.Limit))
	return query
}

// Log returns the newest lines of the daemon's log about an App, oldest first.
func (c *Client) Log(ctx context.Context, id string, limit int) ([]event.Line, error) {
	return items[event.Line](ctx, c, limitQuery(limit), append(appPath(id), "logs")...)
}

// FollowLog calls fn with these lines, and with those to come, like FollowEvents.
func (c *Client) FollowLog(ctx context.Context, id string, limit int, fn func(event.Line) error) error {
	return follow(ctx, c, call{method: http.MethodGet, path: append(appPath(id), "logs", "stream"), query: limitQuery(limit)}, fn)
}

func limitQuery(limit int) url.Values {
	query := url.Values{}
	setNumber(query, "limit", int64(limit))
	return query
}

// follow reads a stream of JSON lines.
func follow[T any](ctx context.Context, c *Client, a call, fn func(T) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r, err := c.request(ctx, a)
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "application/x-ndjson, application/problem+json")
	endless := *c.http
	endless.Timeout = 0
	watch := time.AfterFunc(silence, func() { cancel(errSilent) })
	defer watch.Stop()
	response, err := endless.Do(r)
	if err != nil {
		return c.unreachable(ctx, err)
	}
	defer response.Body.Close()
	if media, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); response.StatusCode != http.StatusOK || media != "application/x-ndjson" {
		content, err := io.ReadAll(io.LimitReader(response.Body, maxLine))
		if err != nil {
			return c.brokeOff(ctx, err)
		}
		if err := c.read(response, content, new(json.RawMessage)); err != nil {
			return err
		}
		return fmt.Errorf("what answers at %s is not a stream: %s", c.base, media)
	}
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		watch.Reset(silence)
		if len(lines.Bytes()) == 0 {
			continue
		}
		var value T
		if err := json.Unmarshal(lines.Bytes(), &value); err != nil {
			return c.misunderstood(err)
		}
		if err := fn(value); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return c.brokeOff(ctx, err)
	}
	return ErrEnded
}

// brokeOff says that an answer didn't come whole.
func (c *Client) brokeOff(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		err = context.Cause(ctx)
		if errors.Is(err, context.Canceled) {
			return err
		}
	}
	return fmt.Errorf("the daemon at %s broke off its answer: %w", c.base, err)
}

// misunderstood says that an answer makes no sense.
func (c *Client) misunderstood(err error) error {
	return fmt.Errorf("the daemon at %s answered with something that this plumb doesn't understand (is it of another version?): %w", c.base, err)
}
