package server

import (
	"context"
	"net/http"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/status"
)

// rotateRequest asks for new values.
type rotateRequest struct {
	Body struct {
		_         struct{} `additionalProperties:"false"`
		Namespace string   `json:"namespace" minLength:"1" maxLength:"63" doc:"The Secret's namespace."`
		Name      string   `json:"name" minLength:"1" maxLength:"253" doc:"The Secret's name."`
		App       string   `json:"app,omitempty" maxLength:"317" doc:"The App (NAMESPACE/NAME) that declares it; left out: whichever does."`
		By        string   `json:"by,omitempty" maxLength:"100" doc:"Who asks, for the record, taken on trust."`
	}
}

func (e endpoints) rotate(ctx context.Context, in *rotateRequest) (*body[status.Rotated], error) {
	b := in.Body
	if err := printable(text{"namespace", b.Namespace}, text{"name", b.Name}, text{"app", b.App}, text{"by", b.By}); err != nil {
		return nil, err
	}
	secret := object.Key{Kind: "Secret", Namespace: b.Namespace, Name: b.Name}
	done, err := e.rotates.Rotate(ctx, secret, b.App, actor(b.By))
	if err != nil {
		return nil, appError(secret.String(), "can't be rotated", err, http.StatusConflict)
	}
	return &body[status.Rotated]{done}, nil
}
