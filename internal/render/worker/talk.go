package worker

import (
	"context"
	"encoding/json"
	"fmt"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/render"
)

// The bounds of what a worker may say and ask in one render.
const (
	maxNotices   = 1_000
	maxNeeds     = 10_000 // the same may be named again and again
	maxQuestions = 10_000 // about the target
	maxGiven     = 100_000
	mostWeight   = 2 * render.MaxTotalBytes // the check tells better what is wrong with a little too much
)

// talk is one render as the daemon sees it: what it asks of the worker, and
// what the worker asks of it. Nothing that a worker says is trusted.
type talk struct {
	link    *link
	request render.Request
	clock   interface{ pause() (resume func()) }

	objects   []object.Object
	left      int // of the weight that objects may have
	notices   []string
	needs     int
	questions int
	given     []error // in place of answers
}

// run does the talking. Broken is why the worker can't go on; then there is no
// other result.
func (t *talk) run(ctx context.Context, renderer string) (objects []object.Object, err, broken error) {
	o := order{renderer: renderer, path: t.request.Path, params: t.request.Params, given: t.request.Given, live: t.request.Live != nil}
	payload, err := o.encode()
	if err != nil {
		return nil, err, nil
	}
	if err := t.link.sendNow(kindRequest, payload); err != nil {
		return nil, nil, err
	}
	t.left = mostWeight
	for {
		k, payload, err := t.link.receive()
		if err != nil {
			return nil, nil, err
		}
		if (k == kindDone || k == kindFailed) && t.link.in.Buffered() > 0 {
			return nil, nil, fmt.Errorf("%w: more than an end", errGarbage)
		}
		switch k {
		case kindDone:
			t.finish()
			return t.objects, nil, nil
		case kindFailed:
			r := newReader(payload, 0)
			err := r.fault(t.find)
			if broken := r.end(); broken != nil {
				return nil, nil, broken
			}
			t.finish()
			return nil, err, nil
		}
		if err := t.take(ctx, k, payload); err != nil {
			return nil, nil, err
		}
	}
}

// finish hands on what people should know.
func (t *talk) finish() {
	if t.request.Notice != nil {
		each(t.notices, t.request.Notice)
	}
}

// find is the error of a number that was given.
func (t *talk) find(number int) error {
	if number < 0 || number >= len(t.given) {
		return nil
	}
	return t.given[number]
}

// take takes in one frame, and answers it if it asks.
func (t *talk) take(ctx context.Context, k kind, payload []byte) error {
	switch k {
	case kindObject:
		return t.object(payload)
	case kindNotice:
		if t.notices = append(t.notices, cut(string(payload))); len(t.notices) > maxNotices {
			return fmt.Errorf("%w: more than %d notices", errGarbage, maxNotices)
		}
		return nil
	case kindNeed:
		return t.need(payload)
	case kindFile, kindFolder, kindStat:
		return t.reply(t.file(k, string(payload)))
	case kindCapabilities, kindLookup, kindList:
		return t.target(ctx, k, payload)
	}
	return fmt.Errorf("%w: a frame of the kind %d", errGarbage, k)
}

func (t *talk) object(payload []byte) error {
	if len(t.objects) == render.MaxObjects {
		return fmt.Errorf("%w: more than %d objects", errGarbage, render.MaxObjects)
	}
	o, left, err := decodeObject(payload, t.left)
	if err != nil {
		return err
	}
	t.left = left
	t.objects = append(t.objects, o)
	return nil
}

func (t *talk) need(payload []byte) error {
	n, err := decodeNeed(payload)
	if t.needs++; t.needs > maxNeeds {
		return fmt.Errorf("%w: more than %d needs", errGarbage, maxNeeds)
	}
	if err == nil && t.request.Need != nil {
		t.request.Need(n)
	}
	return err
}

// file answers from the tree.
func (t *talk) file(k kind, path string) ([]byte, error) {
	switch k {
	case kindFile:
		return t.request.Files.ReadFile(path)
	case kindFolder:
		entries, err := t.request.Files.ReadDir(path)
		return encodeEntries(entries), err
	default:
		e, err := t.request.Files.Stat(path)
		w := &writer{}
		w.entry(e)
		return w.b, err
	}
}

// target answers from the target. The time that this takes isn't the render's.
func (t *talk) target(ctx context.Context, k kind, payload []byte) error {
	if t.questions++; t.questions > maxQuestions || t.request.Live == nil {
		return fmt.Errorf("%w: %d questions about the target", errGarbage, t.questions)
	}
	q := query{}
	if k != kindCapabilities {
		var err error
		if q, err = decodeQuery(payload); err != nil {
			return err
		}
	}
	resume := t.clock.pause()
	defer resume()
	switch k {
	case kindCapabilities:
		c, err := t.request.Live.Capabilities(ctx)
		return t.reply(encodeCapabilities(c), err)
	case kindLookup:
		o, err := t.request.Live.Object(ctx, q.apiVersion, q.kind, q.namespace, q.name)
		if err != nil || o == nil {
			return t.reply(t.objectsOf(nil, err))
		}
		return t.reply(t.objectsOf([]map[string]any{o}, nil))
	default:
		return t.reply(t.objectsOf(t.request.Live.List(ctx, q.apiVersion, q.kind, q.namespace)))
	}
}

func (t *talk) objectsOf(objects []map[string]any, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return encodeLive(objects)
}

// reply answers, or refuses with an error that is found again by its number.
func (t *talk) reply(payload []byte, err error) error {
	if err == nil {
		return t.link.sendNow(kindAnswer, payload)
	}
	if len(t.given) == maxGiven {
		return fmt.Errorf("%w: it asked for %d things that aren't there", errGarbage, maxGiven)
	}
	w := &writer{}
	w.number(len(t.given))
	w.fault(err)
	t.given = append(t.given, err)
	return t.link.sendNow(kindRefusal, w.b)
}

// ready reads what a worker says when it is confined.
func ready(k kind, payload []byte, into any) error {
	if k != kindReady || len(payload) > maxNeed {
		return errGarbage
	}
	if err := json.Unmarshal(payload, into); err != nil {
		return fmt.Errorf("%w: %w", errGarbage, err)
	}
	return nil
}
