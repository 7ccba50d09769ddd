package controlplane

import (
	"encoding/json"
	"fmt"
	"net"
	"strconv"
)

// Component is one process of a control plane, by the name of its program.
type Component string

// The components, in the order in which they start.
const (
	Etcd              Component = "etcd"
	APIServer         Component = "kube-apiserver"
	ControllerManager Component = "kube-controller-manager"
	Scheduler         Component = "kube-scheduler"
	Nodes             Component = "kwok" // stands in for the kubelets: simulated nodes, whose pods run without containers
)

// Components lists all of them, in the order in which they start.
func Components() []Component {
	return []Component{Etcd, APIServer, ControllerManager, Scheduler, Nodes}
}

const (
	loopback       = "127.0.0.1"
	serviceRange   = "10.96.0.0/16"
	firstServiceIP = "10.96.0.1" // the API server's own, from serviceRange
	podRange       = "10.244.0.1/16"
	nodeIP         = "10.0.0.1" // of every simulated node: nothing listens there
	nodesUserName  = "plumb:nodes"

	// clientQPS lifts the limits that components put on themselves: here they share a machine with what they serve, and tests wait for them.
	clientQPS = 1000
)

// ports are the loopback ports of one control plane.
type ports struct {
	Etcd      int `json:"etcd"`
	EtcdPeer  int `json:"etcdPeer"`
	APIServer int `json:"apiServer"`
}

func httpsURL(port int) string { return "https://" + net.JoinHostPort(loopback, strconv.Itoa(port)) }

// arguments is the command line of a component, without the program's name.
func arguments(c Component, l layout, p ports) []string {
	var flags []string
	switch c {
	case Etcd:
		flags = etcdFlags(l, p)
	case APIServer:
		flags = apiServerFlags(l, p)
	case ControllerManager:
		flags = controllerManagerFlags(l)
	case Scheduler:
		// No port of its own: nobody asks it, and a port less is a race less.
		flags = []string{"--config=" + l.schedulerConfig(), "--secure-port=0"}
	case Nodes:
		flags = []string{
			"--kubeconfig=" + l.clientConfig(userNodes),
			"--manage-all-nodes=true",
			"--node-ip=" + nodeIP,
			"--cidr=" + podRange,
			"--node-lease-duration-seconds=40",
		}
	}
	return append([]string{string(c)}, flags...)
}

func etcdFlags(l layout, p ports) []string {
	client, peer := httpsURL(p.Etcd), httpsURL(p.EtcdPeer)
	return []string{
		"--name=plumb",
		"--data-dir=" + l.data(),
		"--listen-client-urls=" + client, "--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer, "--initial-cluster=plumb=" + peer,
		"--cert-file=" + l.cert("etcd"), "--key-file=" + l.key("etcd"),
		"--client-cert-auth", "--trusted-ca-file=" + l.cert(etcdCA),
		"--peer-cert-file=" + l.cert("etcd"), "--peer-key-file=" + l.key("etcd"),
		"--peer-client-cert-auth", "--peer-trusted-ca-file=" + l.cert(etcdCA),
		"--heartbeat-interval=50", "--election-timeout=250", // a single member elects itself after up to one such time
		"--unsafe-no-fsync", // survives kill -9, not a power cut: right for a cluster that is made to be thrown away
		"--log-level=warn",
	}
}

func apiServerFlags(l layout, p ports) []string {
	return []string{
		"--bind-address=" + loopback, "--secure-port=" + strconv.Itoa(p.APIServer),
		// Without these it looks for a network interface, and fails on a machine that is off the net.
		"--advertise-address=" + loopback, "--endpoint-reconciler-type=none",
		"--tls-cert-file=" + l.cert("apiserver"), "--tls-private-key-file=" + l.key("apiserver"), "--cert-dir=" + l.config(),
		"--client-ca-file=" + l.cert(clusterCA), "--anonymous-auth=false",
		"--authorization-mode=RBAC",
		"--etcd-servers=" + httpsURL(p.Etcd),
		"--etcd-cafile=" + l.cert(etcdCA), "--etcd-certfile=" + l.cert("apiserver-etcd"), "--etcd-keyfile=" + l.key("apiserver-etcd"),
		"--kubelet-certificate-authority=" + l.cert(clusterCA),
		"--kubelet-client-certificate=" + l.cert("apiserver-kubelet"), "--kubelet-client-key=" + l.key("apiserver-kubelet"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-signing-key-file=" + l.key(serviceAccounts), "--service-account-key-file=" + l.cert(serviceAccounts),
		"--service-cluster-ip-range=" + serviceRange,
		"--allow-privileged=true",
		"--shutdown-watch-termination-grace-period=10ms", // or else it waits a minute for watches, which do not end by themselves
		"--profiling=false",
	}
}

func controllerManagerFlags(l layout) []string {
	return []string{
		"--kubeconfig=" + l.clientConfig(userControllerManager),
		"--secure-port=0", // as the scheduler
		"--leader-elect=false",
		"--use-service-account-credentials", // each controller with the rights of its own RBAC role
		"--service-account-private-key-file=" + l.key(serviceAccounts),
		"--root-ca-file=" + l.cert(clusterCA),
		"--cluster-signing-cert-file=" + l.cert(clusterCA), "--cluster-signing-key-file=" + l.key(clusterCA),
		fmt.Sprintf("--kube-api-qps=%d", clientQPS), fmt.Sprintf("--kube-api-burst=%d", 2*clientQPS),
		"--profiling=false",
	}
}

// writeConfigs writes the kubeconfigs of all users and the scheduler's configuration, which takes its client's limits from a file only.
func writeConfigs(l layout, p ports) error {
	server := httpsURL(p.APIServer)
	for path, user := range map[string]string{
		l.kubeconfig():                        userAdmin,
		l.clientConfig(userControllerManager): userControllerManager,
		l.clientConfig(userScheduler):         userScheduler,
		l.clientConfig(userNodes):             userNodes,
	} {
		if err := writeKubeconfig(l, path, user, server); err != nil {
			return err
		}
	}
	text, err := json.Marshal(map[string]any{
		"apiVersion":       "kubescheduler.config.k8s.io/v1",
		"kind":             "KubeSchedulerConfiguration",
		"leaderElection":   map[string]any{"leaderElect": false},
		"clientConnection": map[string]any{"kubeconfig": l.clientConfig(userScheduler), "qps": clientQPS, "burst": 2 * clientQPS},
	})
	if err != nil {
		return fmt.Errorf("configuration of the scheduler: %w", err)
	}
	return replaceFile(l.schedulerConfig(), text)
}
