package server

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/status"
)

// problem answers with an application/problem+json (RFC 9457), as the API's
// own errors do.
func problem(w http.ResponseWriter, code int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(code)
	// An error here means that nobody is listening any more.
	_ = json.NewEncoder(w).Encode(huma.ErrorModel{Title: http.StatusText(code), Status: code, Detail: detail})
}

// appError is the answer where something could not be done with an App; code
// stands for every other reason than that there is none.
func appError(id, doing string, err error, code int) error {
	if errors.Is(err, ErrNoApp) {
		return huma.Error404NotFound("no App " + id + " is declared; `plumb get apps` lists those that are")
	}
	return refused(id+" "+doing, err, code)
}

// refusals are the codes of HTTP for the ways in which something is refused.
var refusals = map[status.RefusalKind]int{
	status.NotThere: http.StatusNotFound,
	status.Invalid:  http.StatusUnprocessableEntity,
	status.Denied:   http.StatusForbidden,
	status.Moved:    http.StatusConflict,
}

// refused is the answer where something could not be done, or was refused; code
// stands for the former.
func refused(what string, err error, code int) error {
	if r, ok := errors.AsType[*status.Refusal](err); ok {
		return huma.NewError(refusals[r.Kind], r.Reason)
	}
	return huma.NewError(code, what+": "+err.Error())
}

// historyError is the answer where the history couldn't be asked.
func historyError(err error) error {
	switch {
	case errors.Is(err, history.ErrNotFound):
		return huma.Error404NotFound(err.Error() + "; `plumb history` lists those that are kept")
	case errors.Is(err, history.ErrFull):
		return huma.NewError(http.StatusInsufficientStorage, err.Error())
	}
	return huma.Error500InternalServerError(err.Error())
}
