package server

import (
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/status"
)

// OpenAPI is the description of the API, as YAML; docs/openapi.yaml holds it.
func OpenAPI() ([]byte, error) {
	return describe(newRouter(), endpoints{}).OpenAPI().YAML()
}

// describe mounts the API's endpoints and returns what describes them.
func describe(routes *router, e endpoints) huma.API {
	api := humago.New(routes, apiConfig())
	huma.Register(api, get("list-apps", "/api/v1/apps", "All Apps and how they stand, sorted by namespace and name.", refusalsOfMany), e.listApps)
	huma.Register(api, get("get-app", "/api/v1/apps/{namespace}/{name}", "One App with its objects and newest releases.", refusalsOfOne), e.getApp)
	huma.Register(api, get("render-app", "/api/v1/apps/{namespace}/{name}/render",
		"The App's objects as they would be applied. The values of Secrets are hidden, their keys are not.", refusalsOfOne), e.renderApp)
	huma.Register(api, post("sync-app", "/api/v1/apps/{namespace}/{name}/sync",
		"Asks for a look at the App's source, a comparison and whatever follows; doesn't wait for it.", http.StatusAccepted), e.syncApp)
	huma.Register(api, get("list-releases", "/api/v1/releases", "The history, newest first.", refusalsOfMany), e.listReleases)
	huma.Register(api, get("get-release", "/api/v1/releases/{id}", "One release.", refusalsOfOne), e.getRelease)
	huma.Register(api, get("get-root", "/api/v1/root", "The root that Apps are declared in, and what is wrong with it.", refusalsOfMany), e.getRoot)
	huma.Register(api, get("list-keys", "/api/v1/keys",
		"The public halves of the keys that the daemon opens secrets with: what is to be sealed is encrypted for the newest.", refusalsOfMany), e.listKeys)
	describePlans(api, e)
	describeGates(api, e)
	describeNews(api, e)
	return api
}

func describePlans(api huma.API, e endpoints) {
	huma.Register(api, get("get-plan", "/api/v1/apps/{namespace}/{name}/plan",
		"What would be done to bring the App in line, as its repository stands or as another revision of it declares.", refusalsOfOne), e.getPlan)
	huma.Register(api, get("list-plans", "/api/v1/plans",
		"What another revision of the root repository would do, for every App that it touches.", refusalsOfOne), e.listPlans)
	huma.Register(api, get("compare", "/api/v1/compare", "In what two Apps differ as they are declared.", refusalsOfOne), e.compareApps)
	huma.Register(api, get("blame", "/api/v1/blame",
		"Where each field of a live object comes from: the line in Git and who wrote it, or the program that did.", refusalsOfOne), e.blame)
	huma.Register(api, post("rollback-app", "/api/v1/apps/{namespace}/{name}/rollback",
		"Makes and pushes a commit that restores what the App was made from at an earlier release.", http.StatusOK), e.rollback)
}

func describeGates(api huma.API, e endpoints) {
	huma.Register(api, post("approve-plan", "/api/v1/apps/{namespace}/{name}/approve",
		"Approves or turns down the plan that waits. A plan whose base moved is refused, and the answer names the new one.", http.StatusOK), e.approve)
	huma.Register(api, get("list-pauses", "/api/v1/pauses", "All pauses that hold.", refusalsOfMany), e.listPauses)
	huma.Register(api, post("pause", "/api/v1/pauses",
		"Leaves an App, an object or everything as it is for a while. Of the same thing again, it changes the pause.", http.StatusOK), e.pause)
	huma.Register(api, post("resume", "/api/v1/resume",
		"Ends a pause: puts back what is declared, or writes what is live to Git.", http.StatusOK), e.resume)
	huma.Register(api, post("rotate", "/api/v1/rotate",
		"Makes the generated values of a Secret anew, and restarts the workloads that it names.", http.StatusOK), e.rotate)
}

func describeNews(api huma.API, e endpoints) {
	huma.Register(api, get("list-events", "/api/v1/events", "What happened, oldest first.", refusalsOfMany), e.listEvents)
	huma.Register(api, ndjson(get("stream-events", "/api/v1/events/stream", "The same, and what happens from then on: a JSON document in a line each.",
		refusalsOfStreams)), e.streamEvents)
	huma.Register(api, get("list-log", "/api/v1/apps/{namespace}/{name}/logs", "What the daemon's log said about the App, oldest first.", refusalsOfOne), e.listLines)
	huma.Register(api, ndjson(get("stream-log", "/api/v1/apps/{namespace}/{name}/logs/stream",
		"The same, and what it says from then on: a JSON document in a line each.", refusalsOfStreams)), e.streamLines)
	huma.Register(api, get("wait", "/api/v1/wait",
		"What became of a commit; answers as soon as that is decided for every App, or when the time is over.", refusalsOfStreams), e.wait)
}

// ndjson is an operation that answers with JSON lines.
func ndjson(o huma.Operation) huma.Operation {
	o.Responses = map[string]*huma.Response{"200": {
		Description: "JSON documents, one in a line. Blank lines in between show that the daemon is there.",
		Content:     map[string]*huma.MediaType{"application/x-ndjson": {Schema: &huma.Schema{Type: huma.TypeString}}},
	}}
	return o
}

// bearer says that an operation needs the token.
var bearer = []map[string][]string{{"token": {}}}

// get is an operation that reads.
func get(id, path, summary string, errors []int) huma.Operation {
	return huma.Operation{OperationID: id, Method: http.MethodGet, Path: path, Summary: summary, Errors: errors, Security: bearer}
}

// post is an operation that does something.
func post(id, path, summary string, answers int) huma.Operation {
	return huma.Operation{
		OperationID: id, Method: http.MethodPost, Path: path, Summary: summary, DefaultStatus: answers, MaxBodyBytes: maxBody, Security: bearer,
		Errors: append([]int{http.StatusConflict, http.StatusUnsupportedMediaType}, refusalsOfOne...),
	}
}

// apiConfig is huma's configuration without what it would serve or add by
// itself: no pages, no schema links.
func apiConfig() huma.Config {
	config := huma.DefaultConfig("Plumb", "v1")
	config.Info.Description = "How Apps stand, what would be done and what was, and the verbs of those who operate them. Every request needs the daemon's token."
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", ""
	config.CreateHooks = nil
	config.RejectUnknownQueryParameters = true
	config.AllowAdditionalPropertiesByDefault = true // answers may gain fields; what is asked may not have others
	config.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token": {Type: "http", Scheme: "bearer", Description: "The content of the file token in the daemon's data folder."},
	}
	return config
}

// schemaName names a type's schema by the type, and by its package, too, where
// another has the same name.
func schemaName(t reflect.Type, hint string) string {
	switch t {
	case reflect.TypeFor[plan.Change]():
		return "PlanChange"
	case reflect.TypeFor[plan.Problem]():
		return "PlanProblem"
	case reflect.TypeFor[status.Key]():
		return "SecretKey"
	}
	return huma.DefaultSchemaNamer(t, hint)
}
