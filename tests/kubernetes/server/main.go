// A real Kubernetes for tests: kube-apiserver or kube-controller-manager, whichever the first argument names, from the module k8s.io/kubernetes.
package main

import (
	"os"

	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

func main() {
	command := apiserver.NewAPIServerCommand()
	if os.Args[1] == "kube-controller-manager" {
		command = controllers.NewControllerManagerCommand()
	}
	os.Args = os.Args[1:]
	os.Exit(cli.Run(command))
}
