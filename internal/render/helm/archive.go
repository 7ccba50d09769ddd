package helm

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// maxRatio is how many times its size a package may have when it is unpacked.
// Text comes to about a tenth, and runs of one letter to a thousandth.
const (
	maxRatio = 100
	// small is what a package may have unpacked whatever its own size.
	small = 4 << 20
)

// unpack reads the files of a packed chart: below the one folder that is in it.
// Links and names that lead out of it are errors, and so is what exceeds the
// bounds, before it is unpacked.
func (b *build) unpack(at string, packed []byte) ([]file, error) {
	unzipped, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("%s: is no packed chart: %w", at, err)
	}
	limit := min(b.bounds.bytes-b.bytes, max(small, maxRatio*int64(len(packed))))
	from := &io.LimitedReader{R: unzipped, N: limit + 1}
	reader := tar.NewReader(from)
	var files []file
	seen := map[string]bool{}
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || from.N <= 0 {
			return nil, badArchive(at, from.N <= 0, limit, err)
		}
		name, isFile, err := member(header)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", at, err)
		}
		if !isFile {
			if err := b.count(at, 0); err != nil {
				return nil, err
			}
			continue
		}
		content, err := io.ReadAll(reader)
		if err != nil || from.N <= 0 {
			return nil, badArchive(at, from.N <= 0, limit, err)
		}
		if seen[name] {
			return nil, fmt.Errorf("%s: %s is in it twice; pack it again", at, name)
		}
		seen[name] = true
		if err := b.count(at, len(content)); err != nil {
			return nil, err
		}
		files = append(files, file{name: name, content: withoutMark(content), origin: at})
	}
	slices.SortFunc(files, func(x, y file) int { return strings.Compare(x.name, y.name) })
	return files, nil
}

func badArchive(at string, tooLarge bool, limit int64, err error) error {
	if tooLarge {
		return fmt.Errorf("%s: has more than %d bytes when it is unpacked; keep the chart's folder in its place", at, limit)
	}
	return fmt.Errorf("%s: is no packed chart: %w", at, err)
}

// maxName bounds the name of a file in a package.
const maxName = 1024

// member is the name of a packed file in its chart, below the package's folder.
func member(h *tar.Header) (name string, isFile bool, err error) {
	switch h.Typeflag {
	case tar.TypeDir, tar.TypeXGlobalHeader, tar.TypeXHeader:
		return "", false, nil
	case tar.TypeReg:
	default:
		return "", false, fmt.Errorf("%q is a link or a device; pack it again without", h.Name)
	}
	whole := strings.ReplaceAll(h.Name, `\`, "/")
	_, below, _ := strings.Cut(strings.TrimPrefix(whole, "./"), "/")
	clean := path.Clean(below)
	switch {
	case len(whole) > maxName, strings.ContainsRune(whole, 0):
		return "", false, errors.New("a name in it can't be used; pack it again")
	case path.IsAbs(whole), path.IsAbs(below), clean == "..", strings.HasPrefix(clean, "../"), slices.Contains(strings.Split(whole, "/"), ".."), strings.Contains(below, ":/"):
		return "", false, fmt.Errorf("%q leads out of the chart; pack it again", h.Name)
	case below == "":
		return "", false, fmt.Errorf("%q is outside of the chart's folder; pack it again", h.Name)
	}
	return clean, true, nil
}
