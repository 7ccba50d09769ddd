package helm

import (
	"errors"
	"fmt"

	"plumb.dev/plumb/internal/archive"
	"plumb.dev/plumb/internal/tree"
)

// unpack reads the files of a packed chart, within what is left of the bounds.
// Charts have no links, whatever they lead to.
func (b *build) unpack(at string, packed []byte) ([]file, error) {
	left := archive.Limits{Bytes: max(1, b.bounds.bytes-b.bytes), Files: max(1, b.bounds.files-b.files), Depth: b.bounds.depth}
	members, err := archive.Unpack(packed, left)
	switch {
	case errors.Is(err, archive.ErrTooLarge):
		return nil, fmt.Errorf("%s: %w; keep the chart's folder in its place", at, err)
	case err != nil:
		return nil, fmt.Errorf("%s: is no packed chart: %w", at, err)
	}
	files := make([]file, len(members))
	for i, m := range members {
		if m.Mode == tree.Link {
			return nil, fmt.Errorf("%s: is no packed chart: %q is a link; pack it again without", at, m.Name)
		}
		if err := b.count(at, len(m.Content)); err != nil {
			return nil, err
		}
		files[i] = file{name: m.Name, content: withoutMark(m.Content), origin: at}
	}
	return files, nil
}
