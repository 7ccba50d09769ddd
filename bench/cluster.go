package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"plumb.dev/plumb/bench/process"
	"plumb.dev/plumb/internal/controlplane"
)

// cluster is a control plane that ends with this program.
type cluster struct {
	dir        string
	kubeconfig string
	version    string // of the API server
	pids       map[controlplane.Component]int
	metadata   metadata.Interface
	dynamic    dynamic.Interface
}

func startCluster(ctx context.Context, dir string) (*cluster, error) {
	status, err := controlplane.Up(ctx, controlplane.Options{Dir: filepath.Join(dir, "cluster"), DieWithCaller: true})
	if err != nil {
		return nil, err
	}
	c := &cluster{dir: status.Dir, kubeconfig: status.Kubeconfig, pids: map[controlplane.Component]int{}}
	for _, component := range status.Components {
		c.pids[component.Name] = component.PID
	}
	config, err := clientcmd.BuildConfigFromFlags("", status.Kubeconfig)
	if err != nil {
		return c, err
	}
	config.QPS = -1 // client-go's way to say: no limit
	return c, c.connect(config)
}

func (c *cluster) connect(config *rest.Config) error {
	disco, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return err
	}
	version, err := disco.ServerVersion()
	if err != nil {
		return err
	}
	c.version = version.GitVersion
	if c.metadata, err = metadata.NewForConfig(metadata.ConfigFor(config)); err != nil {
		return err
	}
	c.dynamic, err = dynamic.NewForConfig(config)
	return err
}

// namespace makes a namespace.
func (c *cluster) namespace(ctx context.Context, name string) error {
	body := fmt.Appendf(nil, `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":%q}}`, name)
	namespaces := schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	_, err := c.metadata.Resource(namespaces).Patch(ctx, name, types.ApplyPatchType, body, metav1.PatchOptions{FieldManager: "bench"})
	return err
}

// apply applies one object, and takes back no more of it than its metadata.
func (c *cluster) apply(ctx context.Context, m manifest, namespace string, body []byte) error {
	force := true
	options := metav1.PatchOptions{FieldManager: "bench", Force: &force}
	_, err := c.metadata.Resource(m.resource).Namespace(namespace).Patch(ctx, m.name, types.ApplyPatchType, body, options)
	if err != nil {
		return fmt.Errorf("apply %s/%s: %w", m.resource.Resource, m.name, err)
	}
	return nil
}

// The cluster is quiet when all its components together use less than this
// share of a core over such a time. It tells nobody, so it is looked at.
const (
	quietShare = 0.2
	quietSpan  = 500 * time.Millisecond
	quietLimit = time.Minute
)

// quiet waits until the controllers have done what follows from what was
// applied, so that the next measurement doesn't pay for it. On a machine that
// never becomes quiet it goes on after a while.
func (c *cluster) quiet(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, quietLimit)
	defer cancel()
	var last time.Duration
	calm := 0
	err := until(limited, quietSpan, func(context.Context) (bool, error) {
		used, err := c.cpu()
		if err != nil {
			return false, err
		}
		if share := float64(used-last) / float64(quietSpan); last > 0 && share < quietShare {
			calm++
		} else {
			calm = 0
		}
		last = used
		return calm == 2, nil
	})
	if limited.Err() != nil && ctx.Err() == nil {
		return nil
	}
	return err
}

// cpu is what all components used since they started.
func (c *cluster) cpu() (time.Duration, error) {
	var sum time.Duration
	for _, pid := range c.pids {
		used, err := process.Read(pid)
		if err != nil {
			return 0, err
		}
		sum += used.Own
	}
	return sum, nil
}

// apiServerCPU is what the API server alone used since it started.
func (c *cluster) apiServerCPU() (time.Duration, error) {
	used, err := process.Read(c.pids[controlplane.APIServer])
	return used.Own, err
}

func (c *cluster) close() error {
	return controlplane.Delete(context.Background(), c.dir)
}
