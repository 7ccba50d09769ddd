package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/bench/chart"
)

// The namespaces that things go to: those of the daemon, and those of the floor.
const (
	fleetNamespace = "fleet"
	floorNamespace = "floor"
)

// Every object carries this label, whoever applies it, so that the same watch
// sees them all.
const (
	partLabel = "bench.plumb.dev/part-of"
	partValue = "fleet"
)

// The resources that Apps are made of.
var (
	deployments     = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	services        = schema.GroupVersionResource{Version: "v1", Resource: "services"}
	serviceAccounts = schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"}
	configMaps      = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
)

// fleet is what a repository holds and what of it is declared.
type fleet struct {
	files      map[string]string // of the first commit
	apps       []string          // that are declared
	objects    []manifest        // of those, as a bare loop applies them
	checkFirst bool
	turns      map[string]string // the value of the line that commits change, by App
}

// manifest is one object ready to be applied.
type manifest struct {
	resource schema.GroupVersionResource
	name     string
	content  map[string]any
}

// body is the object as it is applied in a namespace.
func (m manifest) body(namespace string) ([]byte, error) {
	metadata := maps.Clone(m.content["metadata"].(map[string]any))
	metadata["namespace"] = namespace
	content := maps.Clone(m.content)
	content["metadata"] = metadata
	return json.Marshal(content)
}

// newFleet is a repository of so many Apps, of which the first are declared.
// Each is a kustomization of five objects.
func newFleet(folders, declared int) *fleet {
	f := &fleet{files: map[string]string{"README.md": "Made for a benchmark.\n"}, turns: map[string]string{}}
	for i := range folders {
		name := appName(i)
		folder := "apps/" + name + "/"
		texts := appManifests(name)
		f.files[folder+"kustomization.yaml"] = kustomization(slices.Sorted(maps.Keys(texts)))
		for file, text := range texts {
			f.files[folder+file] = text
		}
		if i < declared {
			f.apps = append(f.apps, name)
			f.turns[name] = firstTurn
			f.files["declared/"+name+".yaml"] = f.declaration(name)
			for _, file := range slices.Sorted(maps.Keys(texts)) {
				f.objects = append(f.objects, mustParse(texts[file]))
			}
		}
	}
	return f
}

// checkedFirst is a fleet whose Apps have everything checked before anything is applied.
func checkedFirst(f *fleet) *fleet {
	f.checkFirst = true
	for _, name := range f.apps {
		f.files["declared/"+name+".yaml"] = f.declaration(name)
	}
	return f
}

// newBulk is a repository of one App of so many objects, in files of some each.
func newBulk(objects int) *fleet {
	const name, each = "bulk", 100
	f := &fleet{files: map[string]string{}, apps: []string{name}, turns: map[string]string{name: firstTurn}}
	f.files["declared/"+name+".yaml"] = f.declaration(name)
	for from := 0; from < objects; from += each {
		var texts []string
		for i := from; i < min(from+each, objects); i++ {
			text := labelled(settings(fmt.Sprintf("%s-%05d", name, i)))
			texts = append(texts, text)
			f.objects = append(f.objects, mustParse(text))
		}
		f.files[fmt.Sprintf("apps/%s/part-%04d.yaml", name, from/each)] = strings.Join(texts, "---\n")
	}
	return f
}

// newCharts is a repository of so many Apps, each of which is a chart of its own
// with so many components.
func newCharts(apps, components int) *fleet {
	f := &fleet{files: map[string]string{}, turns: map[string]string{}}
	for i := range apps {
		name := appName(i)
		f.apps = append(f.apps, name)
		f.turns[name] = firstTurn
		f.files["declared/"+name+".yaml"] = f.declaration(name)
		for file, text := range chart.Files(name, partLabel+": "+partValue, components) {
			f.files["apps/"+name+"/"+file] = text
		}
	}
	return f
}

func appName(i int) string { return fmt.Sprintf("app-%04d", i) }

// declaration is the App, as the root declares it.
func (f *fleet) declaration(name string) string {
	sync := ""
	if f.checkFirst {
		sync = "  sync: {validate: first}\n"
	}
	return fmt.Sprintf("apiVersion: plumb.dev/v1alpha1\nkind: App\nmetadata: {name: %s, namespace: %s}\n"+
		"spec:\n  source: {path: apps/%s}\n  target: {namespace: %s}\n%s", name, fleetNamespace, name, fleetNamespace, sync)
}

// objectsPerApp is how many objects newFleet gives each App.
const objectsPerApp = 5

// appManifests are the files of one App.
func appManifests(name string) map[string]string {
	return map[string]string{
		"account.yaml":    fmt.Sprintf("apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: %s\nautomountServiceAccountToken: false\n", name),
		"deployment.yaml": strings.ReplaceAll(deploymentText, "NAME", name),
		"files.yaml":      filesOf(name),
		"service.yaml": strings.ReplaceAll("apiVersion: v1\nkind: Service\nmetadata:\n  name: NAME\nspec:\n"+
			"  selector:\n    app: NAME\n  ports:\n    - name: http\n      port: 80\n      targetPort: http\n", "NAME", name),
		"settings.yaml": settings(settingsOf(name)),
	}
}

// settingsOf is the ConfigMap of an App whose line commits and hands change.
func settingsOf(app string) string { return app + "-settings" }

// firstTurn is the value of that line in the first commit.
const firstTurn = "start"

// settings is a ConfigMap with a line to change.
func settings(name string) string { return settingsAt(name, firstTurn) }

func settingsAt(name, turn string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: %s\ndata:\n  turn: %q\n"+
		"  log-level: info\n  upstream: http://upstream.example.com:8080\n  timeout: 30s\n", name, turn)
}

// filesOf is a ConfigMap with a file of a kilobyte.
func filesOf(name string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: %s-files\ndata:\n  server.conf: |\n", name)
	for i := range 20 {
		fmt.Fprintf(&b, "    location /part-%02d { proxy_pass http://%s-%02d; }\n", i, name, i)
	}
	return b.String()
}

func kustomization(files []string) string {
	return "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n  - " + strings.Join(files, "\n  - ") +
		"\nlabels:\n  - pairs:\n      " + partLabel + ": " + partValue + "\n"
}

// labelled puts the label into a text that no kustomization gives it to.
func labelled(text string) string {
	return strings.Replace(text, "metadata:\n", "metadata:\n  labels: {"+partLabel+": "+partValue+"}\n", 1)
}

const deploymentText = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: NAME
spec:
  replicas: 0
  selector:
    matchLabels:
      app: NAME
  template:
    metadata:
      labels:
        app: NAME
    spec:
      serviceAccountName: NAME
      containers:
        - name: server
          image: registry.example.com/server:1.4.2
          args: ["--config=/etc/server/server.conf", "--listen=:8080"]
          envFrom:
            - configMapRef:
                name: NAME-settings
          ports:
            - name: http
              containerPort: 8080
          readinessProbe:
            httpGet:
              path: /healthz
              port: http
          resources:
            requests:
              cpu: 50m
              memory: 64Mi
            limits:
              memory: 128Mi
          volumeMounts:
            - name: files
              mountPath: /etc/server
      volumes:
        - name: files
          configMap:
            name: NAME-files
`

// mustParse makes of a manifest's text what the renderer would. The text is ours,
// so it always parses.
func mustParse(text string) manifest {
	var content map[string]any
	if err := yaml.Unmarshal([]byte(text), &content); err != nil {
		panic(err)
	}
	metadata := content["metadata"].(map[string]any)
	metadata["labels"] = map[string]any{partLabel: partValue}
	resources := map[any]schema.GroupVersionResource{
		"Deployment": deployments, "Service": services, "ServiceAccount": serviceAccounts, "ConfigMap": configMaps,
	}
	return manifest{resource: resources[content["kind"]], name: metadata["name"].(string), content: content}
}

// turn is a commit that changes one line of an App.
func (f *fleet) turn(app, value string) commit {
	f.turns[app] = value
	return commit{
		message: "Turn " + app,
		files:   map[string]string{"apps/" + app + "/settings.yaml": settingsAt(settingsOf(app), value)},
	}
}

// breakUp is a commit that breaks an App: for its renderer, or for the API server.
func (f *fleet) breakUp(app string, unreadable bool) commit {
	text := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + settingsOf(app) + "\n"
	if !unreadable {
		text = strings.Replace(settings(settingsOf(app)), "data:\n", "data: [no, map]\nother:\n", 1)
	}
	return commit{message: "Break " + app, files: map[string]string{"apps/" + app + "/settings.yaml": text}}
}
