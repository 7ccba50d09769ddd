package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"sigs.k8s.io/yaml"
)

// cluster talks to the API server as someone with a kubeconfig does, and not by way of Plumb. It needs three kinds of requests, so it is no
// more than net/http.
type cluster struct {
	server string
	http   *http.Client
}

// openCluster reads a kubeconfig that holds its keys in itself, as that of `plumb dev up` does.
func openCluster(path string) (*cluster, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("find the cluster: %w; KUBECONFIG must name the demo's kubeconfig", err)
	}
	var config struct {
		Clusters []struct {
			Cluster struct {
				Server    string `json:"server"`
				Authority []byte `json:"certificate-authority-data"`
			} `json:"cluster"`
		} `json:"clusters"`
		Users []struct {
			User struct {
				Certificate []byte `json:"client-certificate-data"`
				Key         []byte `json:"client-key-data"`
			} `json:"user"`
		} `json:"users"`
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		return nil, fmt.Errorf("read the kubeconfig %s: %w", path, err)
	}
	if len(config.Clusters) != 1 || len(config.Users) != 1 {
		return nil, fmt.Errorf("the kubeconfig %s is not the demo's: it must have one cluster and one user", path)
	}
	to, as := config.Clusters[0].Cluster, config.Users[0].User
	pair, err := tls.X509KeyPair(as.Certificate, as.Key)
	if err != nil {
		return nil, fmt.Errorf("read the kubeconfig %s: %w", path, err)
	}
	authority := x509.NewCertPool()
	authority.AppendCertsFromPEM(to.Authority)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authority, Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}}
	return &cluster{to.Server, &http.Client{Transport: transport, Timeout: 30 * time.Second}}, nil
}

var errNotThere = errors.New("it is not there")

// get reads what is at a path.
func (c *cluster) get(ctx context.Context, path string, into any) error {
	return c.do(ctx, http.MethodGet, path, nil, into)
}

// patch merges a change into what is at a path, as a client of this name.
func (c *cluster) patch(ctx context.Context, path, manager string, change any) error {
	body, err := json.Marshal(change)
	if err != nil {
		return err
	}
	return c.do(ctx, http.MethodPatch, path+"?fieldManager="+manager, body, nil)
}

func (c *cluster) do(ctx context.Context, method, path string, body []byte, into any) error {
	request, err := http.NewRequestWithContext(ctx, method, c.server+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/merge-patch+json")
	answer, err := c.http.Do(request)
	if err != nil {
		return fmt.Errorf("ask the cluster: %w", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 8<<20))
	switch {
	case err != nil:
		return fmt.Errorf("ask the cluster: %w", err)
	case answer.StatusCode == http.StatusNotFound:
		return fmt.Errorf("%s: %w", path, errNotThere)
	case answer.StatusCode/100 != 2:
		return fmt.Errorf("%s %s: %s: %s", method, path, answer.Status, text)
	case into == nil:
		return nil
	}
	return json.Unmarshal(text, into)
}

// deployment is the part of a Deployment that the demo looks at.
type deployment struct {
	Spec struct {
		Replicas int `json:"replicas"`
		Template struct {
			Spec struct {
				Containers []struct {
					Resources struct {
						Requests map[string]string `json:"requests"`
					} `json:"resources"`
				} `json:"containers"`
			} `json:"spec"`
		} `json:"template"`
	} `json:"spec"`
}

func deploymentPath(namespace, name string) string {
	return "/apis/apps/v1/namespaces/" + namespace + "/deployments/" + name
}

// handManager is the field manager that a hand edit is made as.
const handManager = "plumb-demo"

// scale edits a Deployment by hand: what `kubectl scale` does, where there is no kubectl.
func scale(ctx context.Context, target string, replicas int, out io.Writer) error {
	namespace, name, ok := strings.Cut(target, "/")
	if !ok || strings.Contains(name, "/") {
		return fmt.Errorf("%q is not NAMESPACE/NAME of a Deployment, such as shop/web", target)
	}
	c, err := openCluster(os.Getenv("KUBECONFIG"))
	if err != nil {
		return err
	}
	path := deploymentPath(namespace, name)
	var before deployment
	if err := c.get(ctx, path, &before); err != nil {
		return err
	}
	change := map[string]any{"spec": map[string]any{"replicas": replicas}}
	if err := c.patch(ctx, path, handManager, change); err != nil {
		return err
	}
	fmt.Fprintf(out, "Deployment %s: spec.replicas was %d, and is %d now\n", target, before.Spec.Replicas, replicas)
	return nil
}
