package git_test

import (
	"fmt"
	"net/http"
)

// path spreads files over folders, a hundred in each.
func path(i int) string { return fmt.Sprintf("d%02d/e%02d/f%02d.yaml", i/10_000, i/100%100, i%100) }

func plainly(next http.Handler) http.Handler { return next }

// withoutProtocol makes the server speak Git's first protocol.
func withoutProtocol(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		req.Header.Del("Git-Protocol")
		next.ServeHTTP(w, req)
	})
}

// signalThen tells of each request before it goes on.
func signalThen(asked chan<- struct{}, wrap func(http.Handler) http.Handler) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		wrapped := wrap(next)
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			select {
			case asked <- struct{}{}:
			default:
			}
			wrapped.ServeHTTP(w, req)
		})
	}
}
