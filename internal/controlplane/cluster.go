package controlplane

import (
	"context"
	"encoding/json"
	"fmt"
)

// prepareCluster makes what a fresh cluster needs besides its own defaults: the right of the simulated nodes to act as such, and the nodes.
func prepareCluster(ctx context.Context, api *apiClient, nodes int) error {
	const rbac = "rbac.authorization.k8s.io"
	err := api.create(ctx, "/apis/"+rbac+"/v1/clusterrolebindings", map[string]any{
		"apiVersion": rbac + "/v1", "kind": "ClusterRoleBinding",
		"metadata": map[string]any{"name": nodesUserName},
		"roleRef":  map[string]any{"apiGroup": rbac, "kind": "ClusterRole", "name": "system:node"},
		"subjects": []any{map[string]any{"apiGroup": rbac, "kind": "User", "name": nodesUserName}},
	})
	if err != nil {
		return fmt.Errorf("give the simulated nodes their rights: %w", err)
	}
	for i := range nodes {
		if err := api.create(ctx, "/api/v1/nodes", nodeObject(nodeName(i))); err != nil {
			return fmt.Errorf("create node %s: %w", nodeName(i), err)
		}
	}
	return nil
}

func nodeName(i int) string { return fmt.Sprintf("node-%d", i+1) }

func nodeObject(name string) map[string]any {
	return map[string]any{
		"apiVersion": "v1", "kind": "Node",
		"metadata": map[string]any{"name": name, "labels": map[string]string{
			"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
		}},
	}
}

// awaitDefaults waits for what the controllers make in every namespace before a pod can be created there.
func awaitDefaults(ctx context.Context, api *apiClient) error {
	err := api.watch(ctx, "/api/v1/namespaces/default/serviceaccounts", func(object json.RawMessage) (bool, error) {
		var account struct{ Metadata struct{ Name string } }
		err := json.Unmarshal(object, &account)
		return account.Metadata.Name == "default", err
	})
	if err != nil {
		return fmt.Errorf("wait for the default service account: %w", err)
	}
	return nil
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
