package controlplane

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// prepareCluster makes what a fresh cluster needs besides its own defaults: the right of the simulated nodes to act as such, and the nodes.
func prepareCluster(ctx context.Context, api *apiClient, nodes int) error {
	objects := append(nodesRights(), nodeObjects(nodes)...)
	for _, object := range objects {
		if err := api.apply(ctx, object.path, object.body); err != nil {
			return fmt.Errorf("prepare the cluster: %w", err)
		}
	}
	return nil
}

// clusterObject is an object and where the API server has it.
type clusterObject struct {
	path string
	body map[string]any
}

// nodesRights is what the simulated nodes may do: what kubelets may (the built-in role system:node), and list what belongs to all of them,
// because one process stands for all.
func nodesRights() []clusterObject {
	const group, base = "rbac.authorization.k8s.io", "/apis/rbac.authorization.k8s.io/v1/"
	rule := func(group, resources, verbs string) map[string]any {
		return map[string]any{"apiGroups": []string{group}, "resources": strings.Fields(resources), "verbs": strings.Fields(verbs)}
	}
	metadata := map[string]any{"name": nodesUserName}
	return []clusterObject{
		{base + "clusterroles/" + nodesUserName, map[string]any{
			"apiVersion": group + "/v1", "kind": "ClusterRole", "metadata": metadata,
			"rules": []any{
				rule("", "nodes pods", "get list watch patch update delete"),
				rule("", "nodes/status pods/status", "patch update"),
				rule("", "events", "create patch update"),
				rule("coordination.k8s.io", "leases", "get list watch create patch update delete"),
			},
		}},
		{base + "clusterrolebindings/" + nodesUserName, map[string]any{
			"apiVersion": group + "/v1", "kind": "ClusterRoleBinding", "metadata": metadata,
			"roleRef":  map[string]any{"apiGroup": group, "kind": "ClusterRole", "name": nodesUserName},
			"subjects": []any{map[string]any{"apiGroup": group, "kind": "User", "name": nodesUserName}},
		}},
	}
}

func nodeObjects(nodes int) []clusterObject {
	objects := make([]clusterObject, nodes)
	for i := range objects {
		name := nodeName(i)
		objects[i] = clusterObject{"/api/v1/nodes/" + name, map[string]any{
			"apiVersion": "v1", "kind": "Node",
			"metadata": map[string]any{"name": name, "labels": map[string]string{
				"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
			}},
		}}
	}
	return objects
}

func nodeName(i int) string { return fmt.Sprintf("node-%d", i+1) }

// awaitControllers waits until the controllers of a controller manager that was just started are at work. It tells nobody, so something that it
// keeps in every namespace is taken away, in a namespace where nobody uses it, and is there again as soon as it works. One that is left alone
// before that ends, should the API server go away meanwhile.
func awaitControllers(ctx context.Context, api *apiClient) error {
	const collection, name = "/api/v1/namespaces/kube-node-lease/configmaps", "kube-root-ca.crt"
	if err := api.remove(ctx, collection+"/"+name); err != nil {
		return fmt.Errorf("wait for the controllers: %w", err)
	}
	if err := awaitNamed(ctx, api, collection, name); err != nil {
		return fmt.Errorf("wait for the controllers: %w", err)
	}
	return nil
}

// awaitDefaults waits for what the controllers make in every namespace before a pod can be created there.
func awaitDefaults(ctx context.Context, api *apiClient) error {
	if err := awaitNamed(ctx, api, "/api/v1/namespaces/default/serviceaccounts", "default"); err != nil {
		return fmt.Errorf("wait for the default service account: %w", err)
	}
	return nil
}

func awaitNamed(ctx context.Context, api *apiClient, collection, name string) error {
	return api.watch(ctx, collection, func(object json.RawMessage) (bool, error) {
		var named struct{ Metadata struct{ Name string } }
		err := json.Unmarshal(object, &named)
		return named.Metadata.Name == name, err
	})
}

// awaitNodes waits until this many nodes are ready and take pods.
func awaitNodes(ctx context.Context, api *apiClient, nodes int) error {
	waiting := map[string]bool{}
	for i := range nodes {
		waiting[nodeName(i)] = true
	}
	err := api.watch(ctx, "/api/v1/nodes", func(object json.RawMessage) (bool, error) {
		var node node
		if err := json.Unmarshal(object, &node); err != nil {
			return false, err
		}
		if node.takesPods() {
			delete(waiting, node.Metadata.Name)
		}
		return len(waiting) == 0, nil
	})
	if err != nil {
		return fmt.Errorf("wait for %d nodes: %w", nodes, err)
	}
	return nil
}

// node is the part of a Node that says whether pods can go there.
type node struct {
	Metadata struct{ Name string }
	Spec     struct{ Taints []struct{ Key string } }
	Status   struct {
		Conditions []struct{ Type, Status string }
	}
}

// takesPods: ready, and the taint of a node that is not ready has been taken off, which the controller manager does some time later.
func (n node) takesPods() bool {
	for _, taint := range n.Spec.Taints {
		if taint.Key == "node.kubernetes.io/not-ready" {
			return false
		}
	}
	for _, condition := range n.Status.Conditions {
		if condition.Type == "Ready" {
			return condition.Status == "True"
		}
	}
	return false
}
