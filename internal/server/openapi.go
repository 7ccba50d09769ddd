package server

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
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
	huma.Register(api, huma.Operation{
		OperationID: "sync-app", Method: http.MethodPost, Path: "/api/v1/apps/{namespace}/{name}/sync",
		Summary:       "Asks for a look at the App's source, a comparison and whatever follows; doesn't wait for it.",
		DefaultStatus: http.StatusAccepted, MaxBodyBytes: maxBody, Security: bearer,
		Errors: append([]int{http.StatusConflict, http.StatusUnsupportedMediaType}, refusalsOfOne...),
	}, e.syncApp)
	huma.Register(api, get("list-releases", "/api/v1/releases", "The history, newest first.", refusalsOfMany), e.listReleases)
	huma.Register(api, get("get-release", "/api/v1/releases/{id}", "One release.", refusalsOfOne), e.getRelease)
	huma.Register(api, get("get-root", "/api/v1/root", "The root that Apps are declared in, and what is wrong with it.", refusalsOfMany), e.getRoot)
	return api
}

// bearer says that an operation needs the token.
var bearer = []map[string][]string{{"token": {}}}

// get is an operation that reads.
func get(id, path, summary string, errors []int) huma.Operation {
	return huma.Operation{OperationID: id, Method: http.MethodGet, Path: path, Summary: summary, Errors: errors, Security: bearer}
}

// apiConfig is huma's configuration without what it would serve or add by
// itself: no pages, no schema links.
func apiConfig() huma.Config {
	config := huma.DefaultConfig("Plumb", "v1")
	config.Info.Description = "How Apps stand, what happened to them, and a way to ask for a sync. Every request needs the daemon's token."
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", ""
	config.CreateHooks = nil
	config.RejectUnknownQueryParameters = true
	config.AllowAdditionalPropertiesByDefault = true // answers may gain fields; what is asked may not have others
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token": {Type: "http", Scheme: "bearer", Description: "The content of the file token in the daemon's data folder."},
	}
	return config
}
