// Command istio answers what Istio's own control plane computes for a configuration of meshd's.
//
// usage: istio DIR FILE.yaml...    writes DIR/FILE.json: {"listeners", "routes", "clusters", "endpoints"} in Envoy v3 JSON, and "invalid",
// the documents that Istio's validation refuses, which the answer leaves out. Each file holds one `kind: Node`, at most one `kind: Mesh`, and
// Kubernetes' and Istio's resources, one document each.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"sigs.k8s.io/yaml"

	"istio.io/istio/pilot/pkg/config/kube/crd"
	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pilot/test/xds"
	"istio.io/istio/pkg/config"
	"istio.io/istio/pkg/config/mesh"
	"istio.io/istio/pkg/log"
	"istio.io/istio/pkg/test"
)

// domain completes short hosts of rules, as in a cluster.
const domain = "cluster.local"

type document struct {
	APIVersion string                           `json:"apiVersion"`
	Kind       string                           `json:"kind"`
	Metadata   struct{ Name, Namespace string } `json:"metadata"`
	Spec       json.RawMessage                  `json:"spec"`
}

type node struct {
	Namespace, ServiceAccount, Locality string
	Labels                              map[string]string
	Addresses                           []string
	Gateway                             bool
}

// world is what a file says, in Istio's terms.
type world struct {
	proxy   *model.Proxy
	options xds.FakeOptions
	invalid []string
}

func read(text []byte) (*world, error) {
	proxy := &model.Proxy{Metadata: &model.NodeMetadata{ClusterID: "Kubernetes"}}
	w := &world{proxy: proxy, options: xds.FakeOptions{MeshConfig: mesh.DefaultMeshConfig()}, invalid: []string{}}
	var kubernetes []string
	for _, part := range strings.Split("\n"+string(text), "\n---") {
		if strings.TrimSpace(part) == "" {
			continue
		}
		var d document
		if err := yaml.Unmarshal([]byte(part), &d); err != nil {
			return nil, err
		}
		group, _, _ := strings.Cut(d.APIVersion, "/")
		switch {
		case group == "meshd.io" && d.Kind == "Node":
			if err := w.setNode(d.Spec); err != nil {
				return nil, err
			}
		case group == "meshd.io" && d.Kind == "Mesh":
			settings, err := mesh.ApplyMeshConfigDefaults(string(d.Spec))
			if err != nil {
				return nil, err
			}
			w.options.MeshConfig = settings
		case strings.HasSuffix(group, "istio.io"):
			w.addRules(d, part)
		default:
			kubernetes = append(kubernetes, part)
		}
	}
	w.options.KubernetesObjectString = strings.Join(kubernetes, "\n---\n")
	return w, nil
}

func (w *world) setNode(spec []byte) error {
	var n node
	if err := json.Unmarshal(spec, &n); err != nil {
		return err
	}
	if n.Gateway {
		w.proxy.Type = model.Router
	}
	w.proxy.ConfigNamespace, w.proxy.Metadata.ServiceAccount = n.Namespace, n.ServiceAccount
	w.proxy.Labels, w.proxy.Metadata.Labels, w.proxy.IPAddresses = n.Labels, n.Labels, n.Addresses
	if n.Locality != "" {
		parts := append(strings.Split(n.Locality, "/"), "", "")
		w.proxy.Locality = &core.Locality{Region: parts[0], Zone: parts[1], SubZone: parts[2]}
	}
	return nil
}

func (w *world) addRules(d document, text string) {
	namespace := d.Metadata.Namespace
	if namespace == "" {
		namespace = "default"
	}
	found, _, err := crd.ParseInputs(text)
	if err != nil {
		w.invalid = append(w.invalid, fmt.Sprintf("%s/%s/%s: %v", d.Kind, namespace, d.Metadata.Name, err))
		return
	}
	for _, rule := range found {
		rule.Namespace, rule.Domain = namespace, domain
		w.options.Configs = append(w.options.Configs, config.Config(rule))
	}
}

func (w *world) answer() (map[string]any, error) {
	out := map[string]any{"invalid": w.invalid}
	err := test.Wrap(func(t test.Failer) {
		server := xds.NewFakeDiscoveryServer(t, w.options)
		proxy := server.SetupProxy(w.proxy)
		listeners := server.Listeners(proxy)
		out["listeners"], out["routes"] = list(listeners), list(server.RoutesFromListeners(proxy, listeners))
		out["clusters"], out["endpoints"] = list(server.Clusters(proxy)), list(server.Endpoints(proxy))
	})
	return out, err
}

func list[T proto.Message](items []T) []json.RawMessage {
	out := []json.RawMessage{}
	for _, item := range items {
		text, err := protojson.Marshal(item)
		if err != nil {
			panic(err) // what Istio built, it can write
		}
		out = append(out, text)
	}
	return out
}

func run(folder, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	w, err := read(text)
	if err != nil {
		return err
	}
	out, err := w.answer()
	if err != nil {
		return err
	}
	answer, err := json.Marshal(out)
	if err != nil {
		return err
	}
	name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)) + ".json"
	return os.WriteFile(filepath.Join(folder, name), answer, 0o644)
}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: istio DIR FILE.yaml...")
		os.Exit(2)
	}
	for _, scope := range log.Scopes() {
		scope.SetOutputLevel(log.NoneLevel)
	}
	failed := false
	for _, file := range os.Args[2:] {
		if err := run(os.Args[1], file); err != nil {
			fmt.Fprintln(os.Stderr, file+":", err)
			failed = true
		}
	}
	if failed {
		os.Exit(1)
	}
}
