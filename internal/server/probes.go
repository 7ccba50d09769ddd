package server

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"net/http"
)

// probes answer whether the daemon lives and is ready.
type probes struct {
	ready       func(ctx context.Context) []Check
	tokenDigest [sha256.Size]byte
}

// Readiness is the answer of /readyz.
type Readiness struct {
	Ready  bool          `json:"ready"`
	Checks []CheckResult `json:"checks"`
}

// CheckResult is how one check stands.
type CheckResult struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Reason string `json:"reason,omitempty"` // told to who has the token
}

// health answers while the process lives.
func (p probes) health(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]string{"status": "ok"})
}

// readiness answers 200 when every check is well, and 503 otherwise. Which
// check fails is public; why may name hosts and paths, and is not.
func (p probes) readiness(w http.ResponseWriter, r *http.Request) {
	var checks []Check
	if p.ready != nil {
		checks = p.ready(r.Context())
	}
	state := readiness(checks, authorized(r, p.tokenDigest))
	code := http.StatusOK
	if !state.Ready {
		code = http.StatusServiceUnavailable
	}
	answer(w, code, state)
}

// readiness sums up the checks.
func readiness(checks []Check, why bool) Readiness {
	state := Readiness{Ready: true, Checks: make([]CheckResult, len(checks))}
	for i, c := range checks {
		state.Checks[i] = CheckResult{Name: c.Name, OK: c.Err == nil}
		if c.Err == nil {
			continue
		}
		state.Ready = false
		if why {
			state.Checks[i].Reason = c.Err.Error()
		}
	}
	return state
}

// answer writes a value as JSON.
func answer(w http.ResponseWriter, code int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	// An error here means that nobody is listening any more.
	_ = json.NewEncoder(w).Encode(value)
}
