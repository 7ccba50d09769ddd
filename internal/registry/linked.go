package registry

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"oras.land/oras-go/v2/registry/remote"
)

// The index of a chart repository may say of a package that it is in a registry:
// oci://HOST/PATH, with a tag or a digest. It is fetched from there as from a
// registry that someone asks for, and has to be what the index says it is.

// link is the way to a registry that an index names.
type link struct {
	door *door
	ways *remotes
}

// maxLinks bounds the registries that are known at one time. An index that names
// another one each time must not fill the memory.
const maxLinks = 16

// linked is what an index offers in a registry. Where the index tells a digest it
// is looked for once, and else at each look, as a tag is.
func (r *Repository) linked(ctx context.Context, text string, o offer) (offer, error) {
	ctx, cancel := context.WithTimeout(ctx, r.registry.options.Time)
	defer cancel()
	at, reference, err := parseLink(text, o.version)
	if err != nil {
		return offer{}, fmt.Errorf("version %s: the index names a place in a registry: %w", o.version, err)
	}
	id := o.id + "\n" + o.digest
	m, from, err := r.follow(ctx, at, reference, id)
	if err != nil {
		return offer{}, fmt.Errorf("version %s, which the index says is at %s: %w", o.version, at, r.unopened(at, err))
	}
	if o.digest != "" && o.digest != m.layer.Digest.String() && o.digest != m.digest {
		return offer{}, fmt.Errorf("%w: the registry has version %s with the digest %s (its manifest: %s), and the index tells %s; it was exchanged, or the index is wrong",
			ErrDamaged, o.version, m.layer.Digest, m.digest, o.digest)
	}
	if o.digest != "" {
		r.mu.Lock()
		remember(r.manifests, id, m)
		r.mu.Unlock()
	}
	made := m.offer(from, o.version, r.registry.options)
	made.created, made.loose = o.created, false // the index says which chart it is
	return made, nil
}

// parseLink reads where in which registry a package is. Without a tag it is at
// that of its version.
func parseLink(text, version string) (at URL, reference string, err error) {
	folder, name := text[:strings.LastIndexByte(text, '/')+1], text[strings.LastIndexByte(text, '/')+1:]
	name, digest, pinned := strings.Cut(name, "@")
	name, tagged, _ := strings.Cut(name, ":")
	switch {
	case pinned:
		reference = digest
	case tagged != "":
		reference = tag(tagged)
	default:
		reference = tag(version)
	}
	at, err = ParseURL(folder + name)
	if err == nil && at.Path == "" {
		err = fmt.Errorf("%w: it names no chart", ErrURL)
	}
	return at, reference, err
}

// follow finds the manifest at a place in a registry that the index names.
func (r *Repository) follow(ctx context.Context, at URL, reference, id string) (manifest, *remote.Repository, error) {
	to, err := r.link(ctx, at)
	if err != nil {
		return manifest{}, nil, err
	}
	from, err := to.ways.repository(at.Path)
	if err != nil {
		return manifest{}, nil, err
	}
	r.mu.Lock()
	m, known := r.manifests[id]
	r.mu.Unlock()
	if known {
		return m, from, nil
	}
	m, err = r.resolved(ctx, from, reference)
	return m, from, err
}

// link is the way to a registry.
func (r *Repository) link(ctx context.Context, u URL) (link, error) {
	r.linking.Lock()
	defer r.linking.Unlock()
	if have, ok := r.links[u.Origin()]; ok {
		return have, nil
	}
	c := Credentials{}
	if r.opens(u) {
		c = r.credentials
	}
	door, err := open(u, c, "", r.url.Loopback())
	if err != nil {
		return link{}, err
	}
	ways, err := enter(ctx, door, u, c)
	if err != nil {
		door.close()
		return link{}, err
	}
	if len(r.links) >= maxLinks {
		r.forget()
	}
	r.links[u.Origin()] = link{door, ways}
	return r.links[u.Origin()], nil
}

// opens says whether our credentials are for a registry that the index names: it
// is on the repository's own host, or one that they are passed to. An index can't
// have those of another entry used, or it could have fetched what its reader may
// not see.
func (r *Repository) opens(u URL) bool {
	return u.endpoint() == r.url.endpoint() || r.credentials.passedTo(u.endpoint())
}

// unopened adds to an error for want of credentials, or of a CA, how to give them.
func (r *Repository) unopened(u URL, err error) error {
	err = failure(err)
	if r.opens(u) || !errors.Is(err, ErrCredentials) && !errors.Is(err, ErrTLS) {
		return err
	}
	return fmt.Errorf("%w; what is given for the repository isn't used there, because it is an index that names the registry: "+
		"use the registry as the repository, or name %s in passCredentials of the repository's entry", err, u.endpoint())
}

// unlink lets the registries go that an index named.
func (r *Repository) unlink() {
	r.linking.Lock()
	defer r.linking.Unlock()
	r.forget()
}

// forget is unlink, with linking held.
func (r *Repository) forget() {
	for _, l := range r.links {
		l.door.close()
	}
	clear(r.links)
}
