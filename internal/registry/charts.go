package registry

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"strings"
)

// listing is what is known of a repository's index.
type listing struct {
	charts         index
	etag, modified string // what the server called it
	wanted         map[string]bool
}

// askIndex looks at the index of a chart repository: whole, if a chart is wanted
// that wasn't before, and else only if it changed.
func (r *Repository) askIndex(ctx context.Context, wants []Want) (finder, error) {
	wanted := map[string]bool{}
	for _, w := range wants {
		wanted[w.Chart] = true
	}
	header := http.Header{"Accept-Encoding": {"gzip"}}
	if r.listing.covers(wanted) {
		set(header, "If-None-Match", r.listing.etag)
		set(header, "If-Modified-Since", r.listing.modified)
	}
	err := r.download(ctx, request{url: r.base().JoinPath("index.yaml"), header: header}, func(response *http.Response) error {
		if response.StatusCode == http.StatusNotModified {
			return nil
		}
		return r.takeIndex(ctx, response, wanted)
	})
	if err != nil {
		return nil, err
	}
	charts := r.listing.charts
	return func(ctx context.Context, w Want) (offer, error) { return r.listed(ctx, charts[w.Chart], w) }, nil
}

func set(h http.Header, name, value string) {
	if value != "" {
		h.Set(name, value)
	}
}

// covers says whether all that is wanted was looked for.
func (l listing) covers(wanted map[string]bool) bool {
	if l.charts == nil {
		return false
	}
	for chart := range maps.Keys(wanted) {
		if !l.wanted[chart] {
			return false
		}
	}
	return true
}

// takeIndex reads the index in an answer.
func (r *Repository) takeIndex(ctx context.Context, response *http.Response, wanted map[string]bool) error {
	body := io.Reader(response.Body)
	if response.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(io.LimitReader(response.Body, r.registry.options.IndexBytes))
		if err != nil {
			return noIndex(err)
		}
		body = unzipped
	}
	return r.registry.spool(ctx, body, func(content []byte) error {
		charts, err := parseIndex(content, wanted)
		if err == nil {
			r.listing = listing{charts: charts, etag: response.Header.Get("ETag"), modified: response.Header.Get("Last-Modified"), wanted: wanted}
		}
		return err
	})
}

// spool has an index read once all of it is here. Until then it lies in a file,
// for many may come at one time, and take their time; and few are read at one
// time, so it doesn't matter to the memory how many there are.
func (r *Registry) spool(ctx context.Context, from io.Reader, read func([]byte) error) (err error) {
	file, err := os.CreateTemp(r.store.dir, "index-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	defer func() { err = errors.Join(err, file.Close()) }()
	n, err := io.Copy(file, io.LimitReader(from, r.options.IndexBytes+1))
	if err == nil && n > r.options.IndexBytes {
		err = fmt.Errorf("%w: its index has more than %d bytes", ErrTooLarge, r.options.IndexBytes)
	}
	if err != nil {
		return err
	}
	select {
	case r.reading <- struct{}{}:
		defer func() { <-r.reading }()
	case <-ctx.Done():
		return ctx.Err()
	}
	content := make([]byte, n)
	if _, err := file.ReadAt(content, 0); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return read(content)
}

// base is the URL that relative ones begin at.
func (r *Repository) base() *url.URL {
	u := &url.URL{Scheme: r.url.Scheme, Host: r.url.HostPort(), Path: "/" + r.url.Path}
	if r.url.Path != "" {
		u.Path += "/"
	}
	return u
}

// listed finds what an index has for a Want.
func (r *Repository) listed(ctx context.Context, versions []entry, w Want) (offer, error) {
	e, err := choose(versions, w)
	if err != nil {
		return offer{}, err
	}
	o := offer{version: e.Version, created: e.created(), digest: w.Digest}
	if e.Digest != "" {
		o.digest = digest(e.Digest)
	}
	if o.digest != "" && !digestForm.MatchString(o.digest) {
		return offer{}, fmt.Errorf("%w: the index tells %.100q as the digest of version %s", ErrDamaged, e.Digest, e.Version)
	}
	at, err := r.resolve(e.URLs[0])
	if err != nil {
		return offer{}, fmt.Errorf("version %s: %w", e.Version, err)
	}
	o.id = at.String() + "\n" + e.Version + "\n" + e.Created
	if at.Scheme == "oci" {
		return r.linked(ctx, e.URLs[0], o)
	}
	o.get = func(ctx context.Context) ([]byte, error) { return r.fetch(ctx, at, r.registry.options.PackageBytes) }
	o.provenance = func(ctx context.Context) ([]byte, error) {
		signed := *at
		signed.Path, signed.RawPath = at.Path+".prov", ""
		return r.fetch(ctx, &signed, maxSignature)
	}
	return o, nil
}

// choose picks the entry of an index that a Want is for.
func choose(versions []entry, w Want) (entry, error) {
	if len(versions) == 0 {
		return entry{}, fmt.Errorf("%w: the index has no chart of this name", ErrGone)
	}
	var texts []string
	by := map[string]entry{}
	for _, e := range versions {
		if w.Digest != "" && e.Digest != "" && digest(e.Digest) != w.Digest {
			continue
		}
		if _, twice := by[e.Version]; !twice && len(e.URLs) > 0 {
			texts = append(texts, e.Version)
			by[e.Version] = e
		}
	}
	if w.Digest != "" && len(texts) == 0 {
		return entry{}, fmt.Errorf("%w: the index has none of the digest %s", ErrNoVersion, w.Digest)
	}
	version, err := newest(w.Version, texts)
	return by[version], err
}

// digest is a digest as an index has it, with what kind it is.
func digest(text string) string {
	return digestPrefix + strings.ToLower(strings.TrimPrefix(text, digestPrefix))
}

// resolve is where a package is.
func (r *Repository) resolve(text string) (*url.URL, error) {
	given, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%w: the index tells a URL of its package that can't be parsed", ErrDamaged)
	}
	at := r.base().ResolveReference(given)
	if at.Scheme == "http" && r.url.Scheme == "https" && strings.EqualFold(at.Host, r.url.HostPort()) {
		at.Scheme = "https" // it is written by a server behind what speaks TLS for it
	}
	return at, nil
}

// request is something that is downloaded.
type request struct {
	url    *url.URL
	header http.Header
}

// download takes an answer, within the time that a download may take.
func (r *Repository) download(ctx context.Context, q request, take func(*http.Response) error) (err error) {
	defer func() { err = failure(err) }()
	ctx, cancel := context.WithTimeout(ctx, r.registry.options.Time)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, q.url.String(), nil)
	if err != nil {
		return err
	}
	if q.header != nil {
		req.Header = q.header
	}
	req.Header.Set("User-Agent", "plumb")
	response, err := r.door.client.Do(req)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK && (response.StatusCode != http.StatusNotModified || q.header == nil) {
		return status(response.StatusCode)
	}
	return take(response)
}

// maxSignature bounds a provenance file, and the parts of a signature.
const maxSignature = 1 << 20

// fetch downloads a file of at most so many bytes.
func (r *Repository) fetch(ctx context.Context, at *url.URL, limit int64) ([]byte, error) {
	var content []byte
	err := r.download(ctx, request{url: at}, func(response *http.Response) (err error) {
		content, err = io.ReadAll(io.LimitReader(response.Body, limit+1))
		if int64(len(content)) > limit {
			return fmt.Errorf("%w: %s has more than %d bytes", ErrTooLarge, shown(at), limit)
		}
		return err
	})
	return content, err
}
