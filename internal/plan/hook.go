package plan

import (
	"fmt"

	"plumb.dev/plumb/internal/object"
)

// Hook is an object that would be made once, at a moment of the release.
type Hook struct {
	Phase  string        `json:"phase" enum:"pre-sync,sync,post-sync,sync-fail,pre-delete,post-delete" doc:"When it would run."`
	Key    object.Key    `json:"object" doc:"Which object; of one with generateName the name ends otherwise."`
	Origin object.Origin `json:"origin,omitzero" doc:"Where it is declared."`
	Wave   int           `json:"wave,omitempty" doc:"Its wave; 0 is absent."`

	// Digest is of what would be made.
	Digest string `json:"-"`
}

// hooks shows which hooks would run.
func (t *text) hooks(p Plan) {
	if len(p.Hooks) == 0 {
		return
	}
	t.line(0, "")
	t.line(0, t.paint(bold, "hooks:"))
	for _, h := range p.Hooks {
		line := t.paint(green, "> "+printable(h.Key.String()))
		if h.Origin.File != "" {
			line += "  " + t.paint(faint, printable(h.Origin.String()))
		}
		t.line(1, line+"  "+h.when())
	}
}

// when says for people when a hook would run.
func (h Hook) when() string {
	if h.Wave != 0 {
		return fmt.Sprintf("%s, wave %d", h.Phase, h.Wave)
	}
	return h.Phase
}
