package kube

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"plumb.dev/plumb/internal/discovery"
	"plumb.dev/plumb/internal/hooks"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/sight"
	"plumb.dev/plumb/internal/target"
)

var _ target.Runner = (*Cluster)(nil)

// Make creates an object. A create says for sure whether there was one before,
// which an apply doesn't.
func (c *Cluster) Make(ctx context.Context, as target.Actor, d plan.Desired) target.Outcome {
	out := target.Outcome{Key: d.Key}
	k, err := c.served(ctx, d)
	if err != nil {
		out.Err = err
		return out
	}
	live, err := c.create(ctx, as, k, d)
	if apierrors.IsNotFound(err) && as.CreateNamespace && d.Key.Namespace == as.Namespace {
		if err = c.createNamespace(ctx, as); err == nil {
			live, err = c.create(ctx, as, k, d)
		}
	}
	if apierrors.IsAlreadyExists(err) {
		there, failed := c.Object(ctx, as, d.Key, d.APIVersion)
		if err = target.ErrThere; failed != nil || there == nil {
			err = errors.Join(target.ErrSkipped, failed) // it went meanwhile
		}
		live = there
	} else if apierrors.IsNotFound(err) && d.Key.Namespace != "" {
		err = fmt.Errorf("its namespace %s is not there, and what comes with the App comes later; "+
			"have it made (target.createNamespace), or make the Namespace a hook of a lower wave", d.Key.Namespace)
	} else if err != nil {
		err = explainMasked(d.Key, err, maskOf(as, d))
	}
	if out.Err = err; live != nil {
		out.Live = sight.ReduceBy(c.judge, d.Key.GroupKind(), live)
		c.view.Answered(out.Live)
	}
	return out
}

func (c *Cluster) create(ctx context.Context, as target.Actor, k discovery.Kind, d plan.Desired) (made *unstructured.Unstructured, err error) {
	cs, err := c.as(as)
	if err != nil {
		return nil, err
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(d.Body); err != nil {
		return nil, fmt.Errorf("%s: its JSON can't be read: %w", d.Key, err)
	}
	err = c.limited(ctx, func(ctx context.Context) (err error) {
		made, err = contentOf(cs, k, d.Key).Create(ctx, u, metav1.CreateOptions{
			FieldManager: object.FieldManager, FieldValidation: metav1.FieldValidationStrict,
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

// Remove deletes an object, with what it owns.
func (c *Cluster) Remove(ctx context.Context, as target.Actor, live plan.Live) error {
	err := c.delete(ctx, as, plan.Change{Key: live.Key, Live: live})
	switch {
	case err == nil:
		c.view.Deleting(live.Key, live.UID)
	case apierrors.IsNotFound(err), apierrors.IsConflict(err): // it is gone, and maybe another one has its name
		c.view.Missed(live.Key, live.Version)
		return nil
	}
	return explain(live.Key, err)
}

// tailLines is how many lines of each container are read.
const tailLines = 200

// Log is the end of what each of a pod's containers printed, or of those of a
// Job's newest pod.
func (c *Cluster) Log(ctx context.Context, as target.Actor, live plan.Live) ([]hooks.Printed, error) {
	cs, err := c.as(as)
	if err != nil {
		return nil, err
	}
	pod, err := c.podOf(ctx, cs, live)
	if err != nil || pod == nil {
		return nil, explain(live.Key, err)
	}
	var all []hooks.Printed
	for _, name := range hooks.Containers(pod) {
		text, err := c.printed(ctx, cs, pod, name)
		all = append(all, hooks.Printed{Container: name, Text: text, Err: err})
	}
	return all, nil
}

var pods = schema.GroupVersionResource{Version: "v1", Resource: "pods"}

// podOf is the pod that an object is, or the newest of the Job that it is; nil
// where it has none.
func (c *Cluster) podOf(ctx context.Context, cs clients, live plan.Live) (pod *unstructured.Unstructured, err error) {
	in := cs.dynamic.Resource(pods).Namespace(live.Key.Namespace)
	err = c.limited(ctx, func(ctx context.Context) error {
		switch live.Key.GroupKind() {
		case schema.GroupKind{Kind: "Pod"}:
			pod, err = in.Get(ctx, live.Key.Name, metav1.GetOptions{})
			return err
		case schema.GroupKind{Group: "batch", Kind: "Job"}:
			found, err := in.List(ctx, metav1.ListOptions{LabelSelector: "batch.kubernetes.io/controller-uid=" + live.UID})
			if err != nil || len(found.Items) == 0 {
				return err
			}
			newest := slices.MaxFunc(found.Items, func(a, b unstructured.Unstructured) int {
				return cmp.Or(a.GetCreationTimestamp().Compare(b.GetCreationTimestamp().Time), strings.Compare(a.GetName(), b.GetName()))
			})
			pod = &newest
		}
		return nil
	})
	return pod, err
}

// mostPrinted bounds what is kept of one container, mostRead what is read of it
// to come to the end.
const (
	mostPrinted = 256 << 10
	mostRead    = 64 << 20
)

// printed is what a container printed last. It is text and no object, so it is
// asked for past the client library's decoders.
func (c *Cluster) printed(ctx context.Context, cs clients, pod *unstructured.Unstructured, container string) (text string, err error) {
	at := cs.address.JoinPath("api/v1/namespaces", pod.GetNamespace(), "pods", pod.GetName(), "log")
	at.RawQuery = url.Values{"container": {container}, "tailLines": {strconv.Itoa(tailLines)}}.Encode()
	err = c.limited(ctx, func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), http.NoBody)
		if err != nil {
			return err
		}
		answer, err := cs.http.Do(request)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		end, err := endOf(io.LimitReader(answer.Body, mostRead))
		if answer.StatusCode/100 != 2 {
			return refusedLog(answer.Status, end)
		}
		text = strings.ToValidUTF8(string(end), "\uFFFD")
		return err
	})
	return text, err
}

// endOf is the last part of what there is to read.
func endOf(r io.Reader) (end []byte, err error) {
	part := make([]byte, 32<<10)
	for {
		n, err := r.Read(part)
		end = append(end, part[:n]...)
		if len(end) > 2*mostPrinted {
			end = append(end[:0], end[len(end)-mostPrinted:]...)
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return end, err
		} else if err != nil {
			return end[max(0, len(end)-mostPrinted):], nil
		}
	}
}

// refusedLog is why the server has no log to give. A container that has not
// begun has none, which isn't an error.
func refusedLog(status string, body []byte) error {
	var said metav1.Status
	switch err := json.Unmarshal(body, &said); {
	case err != nil || said.Message == "":
		return fmt.Errorf("the API server answered %s", status)
	case said.Code == http.StatusBadRequest && strings.Contains(said.Message, "is waiting to start"):
		return nil
	default:
		return errors.New(said.Message)
	}
}

// Hooked implements target.Runner.
func (c *Cluster) Hooked(key object.Key) (plan.Live, bool) { return c.view.Hooked(key) }
