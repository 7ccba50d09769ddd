package git_test

import (
	"fmt"
	"io"
	"net/http"
	"time"
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

// endless answers with one ref after the other and never ends.
func endless(pause time.Duration) func(http.Handler) http.Handler {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
			packet := func(s string) { _, _ = fmt.Fprintf(w, "%04x%s", len(s)+4, s) }
			packet("# service=git-upload-pack\n")
			_, _ = io.WriteString(w, "0000")
			capabilities := "\x00multi_ack\n"
			for i := 0; req.Context().Err() == nil; i++ {
				packet(fmt.Sprintf("%040x refs/heads/branch-%d%s", i+1, i, capabilities))
				capabilities = "\n"
				if pause > 0 {
					w.(http.Flusher).Flush()
					select {
					case <-time.After(pause):
					case <-req.Context().Done():
					}
				}
			}
		})
	}
}
