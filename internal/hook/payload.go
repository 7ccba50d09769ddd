package hook

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"plumb.dev/plumb/internal/git"
	"plumb.dev/plumb/internal/registry"
)

// payload is what a webhook says, as far as it matters.
type payload struct {
	// urls name the repository, each in another way, and hold no password; never
	// empty unless the event is ignored.
	urls []string
	ref  string
	// ignored says why nothing is to be done; empty if something is.
	ignored string
}

// maxURLs bounds how many names of a repository are tried.
const maxURLs = 16

// Where servers say which repository it is. Of what isn't there, or isn't a
// text, nothing comes.
var (
	repositories = []string{"repository", "project"}
	addresses    = []string{
		"clone_url", "ssh_url", "html_url", "url", // GitHub, Gitea
		"git_http_url", "git_ssh_url", "web_url", "homepage", "http_url", // GitLab
	}
)

// parse reads a webhook of whatever server.
func parse(header http.Header, body []byte) (payload, error) {
	document, err := decode(header, body)
	if err != nil {
		return payload{}, err
	}
	if event := event(header, document); !isPush(event) {
		return payload{ignored: "nothing was pushed: " + bounded(event)}, nil
	}
	p := payload{ref: bounded(text(document["ref"]))}
	p.add(text(document["url"])) // the plain form
	for _, name := range repositories {
		repository, _ := document[name].(map[string]any)
		for _, field := range addresses {
			p.add(text(repository[field]))
		}
	}
	if len(p.urls) == 0 {
		return payload{}, errors.New("the payload names no repository: expected url, repository.clone_url or project.git_http_url")
	}
	return p, nil
}

// decode reads JSON, alone or in the field of a form that GitHub can put it in.
func decode(header http.Header, body []byte) (map[string]any, error) {
	kind, _, _ := mime.ParseMediaType(header.Get("Content-Type"))
	if kind == "application/x-www-form-urlencoded" {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, errors.New("the payload is not a form")
		}
		body = []byte(form.Get("payload"))
	}
	var document map[string]any
	if json.Unmarshal(body, &document) != nil || document == nil {
		return nil, errors.New("the payload is not a JSON object")
	}
	return document, nil
}

// event is what a server says has happened; empty where it doesn't say.
func event(header http.Header, document map[string]any) string {
	for _, name := range []string{"X-Github-Event", "X-Gitea-Event", "X-Forgejo-Event", "X-Gitlab-Event"} {
		if e := header.Get(name); e != "" && e != "System Hook" {
			return e
		}
	}
	return first(text(document["event_name"]), text(document["object_kind"]))
}

// isPush says whether branches or tags may have moved. What doesn't say what it
// is, is taken for a push.
func isPush(event string) bool {
	event = strings.ToLower(event)
	return event == "" || event == "create" || event == "delete" || event == "repository_update" || strings.Contains(event, "push")
}

// add takes a URL in, if it is one.
func (p *payload) add(s string) {
	if s == "" || len(p.urls) >= maxURLs {
		return
	}
	_, noRepository := git.ParseURL(s)
	_, noCharts := registry.ParseURL(s)
	if (noRepository == nil || noCharts == nil) && !slices.Contains(p.urls, s) {
		p.urls = append(p.urls, s)
	}
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// bounded is a text that is fit for a log.
func bounded(s string) string {
	const longest = 200
	return strings.ToValidUTF8(s[:min(len(s), longest)], "")
}
