package server

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"plumb.dev/plumb/internal/status"
)

func (e endpoints) listKeys(context.Context, *struct{}) (*body[list[status.Key]], error) {
	keys, err := e.keys.Keys()
	if err != nil { // which may name files of the daemon's machine
		e.log.Error("the keys can't be read", "error", err)
		return nil, huma.Error503ServiceUnavailable("the keys can't be read; the daemon's log says why")
	}
	return itemsOf(keys), nil
}
