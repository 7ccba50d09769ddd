package controlplane

import (
	"fmt"
	"os"

	"sigs.k8s.io/yaml"
)

// clusterName names the cluster, its context and its user in every kubeconfig, so that a merged one stays readable.
const clusterName = "plumb-dev"

// kubeconfig holds what a client needs in itself, not by file names: it goes on working when copied elsewhere.
type kubeconfig struct {
	APIVersion     string         `json:"apiVersion"`
	Kind           string         `json:"kind"`
	CurrentContext string         `json:"current-context"`
	Clusters       []namedCluster `json:"clusters"`
	Contexts       []namedContext `json:"contexts"`
	Users          []namedUser    `json:"users"`
}

type namedCluster struct {
	Name    string `json:"name"`
	Cluster struct {
		Server    string `json:"server"`
		Authority []byte `json:"certificate-authority-data"`
	} `json:"cluster"`
}

type namedContext struct {
	Name    string `json:"name"`
	Context struct {
		Cluster string `json:"cluster"`
		User    string `json:"user"`
	} `json:"context"`
}

type namedUser struct {
	Name string `json:"name"`
	User struct {
		Certificate []byte `json:"client-certificate-data"`
		Key         []byte `json:"client-key-data"`
	} `json:"user"`
}

// writeKubeconfig writes the kubeconfig of the user whose certificate has this name.
func writeKubeconfig(l layout, path, user, server string) error {
	config := kubeconfig{
		APIVersion: "v1", Kind: "Config", CurrentContext: clusterName,
		Clusters: make([]namedCluster, 1), Contexts: make([]namedContext, 1), Users: make([]namedUser, 1),
	}
	cluster, context, self := &config.Clusters[0], &config.Contexts[0], &config.Users[0]
	cluster.Name, context.Name, self.Name = clusterName, clusterName, clusterName+"-"+user
	cluster.Cluster.Server = server
	context.Context.Cluster, context.Context.User = cluster.Name, self.Name
	for file, into := range map[string]*[]byte{
		l.cert(clusterCA): &cluster.Cluster.Authority,
		l.cert(user):      &self.User.Certificate,
		l.key(user):       &self.User.Key,
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("write the kubeconfig of %s: %w", user, err)
		}
		*into = text
	}
	text, err := yaml.Marshal(config)
	if err != nil {
		return fmt.Errorf("write the kubeconfig of %s: %w", user, err)
	}
	return replaceFile(path, text)
}

// replaceFile writes a file that only its owner may read; readers see the old text or the new one, never a part.
func replaceFile(path string, text []byte) error {
	next := path + ".next"
	if err := os.WriteFile(next, text, 0o600); err != nil {
		return err
	}
	return os.Rename(next, path)
}
