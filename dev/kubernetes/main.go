// Command plumb-kubernetes is a whole Kubernetes control plane in one executable: the first argument picks the component, the rest are that
// component's own flags. Package internal/controlplane of Plumb starts it once per component.
//
// It is for development, tests and the demo, on loopback, never for production. It lives in a module of its own because Kubernetes needs
// replace lines for its staging modules, which the product's go.mod must not have.
package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	_ "time/tzdata" // time zones of CronJobs, wherever the machine has no zone files

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"          // --logging-format=json
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // metrics of the components' own clients
	_ "k8s.io/component-base/metrics/prometheus/version"  // the build's version as a metric
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"

	"plumb.dev/plumb/dev/kubernetes/lifeline"
)

func main() {
	if err := lifeline.Watch(os.Getenv(lifeline.Variable), os.Exit); err != nil {
		fmt.Fprintln(os.Stderr, "plumb-kubernetes:", err)
		os.Exit(exitUsage)
	}
	os.Exit(run(os.Args[1:], os.Stderr))
}

const exitUsage = 3

// components are the programs inside. Each reads its flags from os.Args and answers with an exit code.
func components() map[string]func() int {
	return map[string]func() int{
		"etcd":                    runEtcd,
		"kube-apiserver":          func() int { return runKubernetes(apiserver.NewAPIServerCommand()) },
		"kube-controller-manager": func() int { return runKubernetes(controllermanager.NewControllerManagerCommand()) },
		"kube-scheduler":          func() int { return runKubernetes(scheduler.NewSchedulerCommand()) },
		"kwok":                    runKwok,
	}
}

func run(args []string, errOut io.Writer) int {
	all := components()
	if len(args) > 0 {
		if component, ok := all[args[0]]; ok {
			os.Args = args // every component parses os.Args and shows os.Args[0] as its name
			return component()
		}
		fmt.Fprintf(errOut, "plumb-kubernetes: no component is called %q\n", args[0])
	}
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	fmt.Fprintf(errOut, "usage: plumb-kubernetes %s [flags of the component]\n", strings.Join(names, "|"))
	return exitUsage
}

func runKubernetes(command *cobra.Command) int {
	return cli.Run(command)
}

// runEtcd serves until etcd ends; etcdmain exits the process by itself when it fails.
func runEtcd() int {
	etcdmain.Main(os.Args)
	return 0
}
