package server

import (
	"net/http"
	"strings"
)

// router is a mux that knows its patterns, and answers what it doesn't know
// like everything else: with a problem.
type router struct {
	mux      *http.ServeMux
	patterns []string // as given: METHOD /path
}

func newRouter() *router { return &router{mux: http.NewServeMux()} }

// Handle serves a pattern.
func (r *router) Handle(pattern string, h http.Handler) {
	r.patterns = append(r.patterns, pattern)
	r.mux.Handle(pattern, h)
}

// HandleFunc serves a pattern.
func (r *router) HandleFunc(pattern string, h func(http.ResponseWriter, *http.Request)) {
	r.Handle(pattern, http.HandlerFunc(h))
}

func (r *router) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	handler, pattern := r.mux.Handler(q)
	if pattern != "" {
		r.mux.ServeHTTP(w, q)
		return
	}
	answer := verdict{header: http.Header{}}
	handler.ServeHTTP(&answer, q) // the mux's own refusal: 404, 405 or a redirect to the cleaned path
	if allow := answer.header.Get("Allow"); allow != "" {
		w.Header().Set("Allow", allow)
		problem(w, http.StatusMethodNotAllowed, q.Method+" does not go with "+q.URL.Path+": use "+strings.ReplaceAll(allow, ", ", " or "))
		return
	}
	problem(w, http.StatusNotFound, "there is nothing at "+q.URL.Path+"; docs/api.md lists what there is")
}

// verdict is a ResponseWriter that keeps the header only.
type verdict struct{ header http.Header }

func (v *verdict) Header() http.Header         { return v.header }
func (v *verdict) Write(b []byte) (int, error) { return len(b), nil }
func (v *verdict) WriteHeader(int)             {}
