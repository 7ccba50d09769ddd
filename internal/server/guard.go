package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
)

// route is a method and an exact path.
type route struct{ method, path string }

// publicRoutes is the reviewed list of what is answered without the token:
//   - the probes, which tell names of checks and nothing else;
//   - the webhook, which checks a signature of its own before it reads anything;
//   - the metrics, where the operator said so.
func publicRoutes(c Config) map[route]bool {
	return map[route]bool{
		{http.MethodGet, "/healthz"}:    true,
		{http.MethodGet, "/readyz"}:     true,
		{http.MethodPost, "/hooks/git"}: true,
		{http.MethodGet, "/metrics"}:    c.MetricsPublic,
	}
}

// guard lets in who has the token, and everyone to what is public.
type guard struct {
	token  [sha256.Size]byte
	open   bool // there is a token at all
	public map[route]bool
}

func (g guard) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if crossSite(r) {
			problem(w, http.StatusForbidden, "the request comes from a page of another site (Origin: "+r.Header.Get("Origin")+"), which may not use this API")
			return
		}
		if !g.isPublic(r) && !(g.open && authorized(r, g.token)) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="plumb"`)
			problem(w, http.StatusUnauthorized,
				"this needs the daemon's token: send it as `Authorization: Bearer TOKEN`; it stands in the file token of the daemon's data folder")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isPublic says whether a request is on the reviewed list, by its method and
// its very path: nothing is cleaned or decoded first.
func (g guard) isPublic(r *http.Request) bool {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	return g.public[route{method, r.URL.Path}]
}

// digest makes tokens of equal length, so that comparing them takes equal time.
func digest(token string) [sha256.Size]byte { return sha256.Sum256([]byte(token)) }

// authorized says whether a request carries the token.
func authorized(r *http.Request, token [sha256.Size]byte) bool {
	scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return false
	}
	sum := digest(strings.TrimSpace(given))
	return subtle.ConstantTimeCompare(sum[:], token[:]) == 1
}

// crossSite says whether a browser sends the request for a page of another
// origin. Who sends no Origin is no page.
func crossSite(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false
	}
	u, err := url.Parse(origin)
	return err != nil || u.Host == "" || !strings.EqualFold(u.Host, r.Host)
}

// maxBody bounds what the API reads of a request. The webhook has a bound of its own.
const maxBody = 64 << 10

// bounded limits bodies, and takes none but JSON: a form of another site can't
// send that.
func bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/hooks/") {
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
			media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
			if r.Method == http.MethodPost && (err != nil || media != "application/json") {
				problem(w, http.StatusUnsupportedMediaType, "the body must be JSON: send `Content-Type: application/json` and at least {}")
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// headers are on every answer: nothing is guessed from it and nothing is kept.
func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// recovered turns a panic into an answer and a line in the log, and keeps the
// daemon up.
func recovered(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			what := recover()
			if what == nil {
				return
			}
			log.Error("a request could not be answered", "method", r.Method, "path", r.URL.Path, "panic", what, "stack", string(debug.Stack()))
			problem(w, http.StatusInternalServerError, "the daemon failed to answer; its log says more")
		}()
		next.ServeHTTP(w, r)
	})
}
