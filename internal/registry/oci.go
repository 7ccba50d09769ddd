package registry

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
)

// The media types of what is in a registry.
const (
	typeChart      = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
	typeProvenance = "application/vnd.cncf.helm.chart.provenance.v1.prov"
	typeCosign     = "application/vnd.dev.cosign.simplesigning.v1+json"
	typeBundle     = "application/vnd.dev.sigstore.bundle.v0.3+json"
	typeDocker     = "application/vnd.docker.distribution.manifest.v2+json"
	typeDockerList = "application/vnd.docker.distribution.manifest.list.v2+json"

	annotationCosign      = "dev.cosignproject.cosign/signature"
	annotationCertificate = "dev.sigstore.cosign/certificate"
)

// The bounds of what a registry tells.
const (
	maxTags      = 50_000
	maxTag       = 128 // letters, which the specification allows
	maxTagPages  = 200
	tagPage      = 1000
	maxManifest  = 4 << 20
	maxLayers    = 100
	maxManifests = 32 // of an index
	maxSigners   = 50
	maxCosignLen = 64 << 10
)

// remotes are the ways into one registry.
type remotes struct {
	host   string
	client *auth.Client
	plain  bool // by HTTP, on this machine
}

// enter readies the ways into a registry, through a door.
func enter(ctx context.Context, d *door, u URL, c Credentials) (*remotes, error) {
	made := &remotes{host: u.endpoint(), client: authorized(d, u.endpoint(), c)}
	if !u.Loopback() {
		return made, nil
	}
	plain, err := d.speaksPlain(ctx, u)
	if !plain && err != nil {
		return nil, err
	}
	made.plain = plain
	return made, nil
}

// authorized gets tokens where the registry says. Whether credentials may go
// there, the door decides.
func authorized(d *door, host string, c Credentials) *auth.Client {
	client := &auth.Client{Client: d.client, Cache: auth.NewCache(), ClientID: "plumb", Credential: func(_ context.Context, of string) (auth.Credential, error) {
		if of != host {
			return auth.EmptyCredential, nil
		}
		return auth.Credential{Username: c.Username, Password: c.Password, AccessToken: c.BearerToken}, nil
	}}
	client.SetUserAgent("plumb")
	return client
}

// repository is a chart's place in the registry.
func (w *remotes) repository(name string) (*remote.Repository, error) {
	repository, err := remote.NewRepository(w.host + "/" + name)
	if err != nil {
		return nil, fmt.Errorf("%w: %.200q is no name in a registry: use lower case letters, digits, and - . _ between them", ErrURL, name)
	}
	repository.Client, repository.PlainHTTP = w.client, w.plain
	repository.TagListPageSize, repository.TagListMaxPages, repository.ReferrerListMaxPages, repository.MaxMetadataBytes = tagPage, maxTagPages, maxSigners, maxManifest
	return repository, nil
}

// askRegistry readies the way to a registry. What it has is asked for each chart.
func (r *Repository) askRegistry(ctx context.Context) (finder, error) {
	if r.oci == nil {
		made, err := enter(ctx, r.door, r.url, r.credentials)
		if err != nil {
			return nil, err
		}
		r.oci = made
	}
	ways := r.oci
	return func(ctx context.Context, w Want) (offer, error) {
		ctx, cancel := context.WithTimeout(ctx, r.registry.options.Time)
		defer cancel()
		return r.tagged(ctx, ways, w)
	}, nil
}

// tagged finds what a registry has for a Want.
func (r *Repository) tagged(ctx context.Context, ways *remotes, w Want) (offer, error) {
	from, err := ways.repository(path.Join(r.url.Path, w.Chart))
	if err != nil {
		return offer{}, err
	}
	reference, version := w.Digest, ""
	if reference == "" {
		if version, err = versionIn(ctx, from, w.Version); err != nil {
			return offer{}, err
		}
		reference = tag(version)
	} else if Exact(w.Version) {
		version = w.Version
	}
	m, err := r.resolved(ctx, from, reference)
	if errors.Is(err, ErrNoVersion) && w.Digest == "" && Exact(w.Version) { // as ranges find it, and chart repositories
		if other, otherErr := r.resolved(ctx, from, tag(respelt(version))); otherErr == nil {
			m, version, err = other, respelt(version), nil
		}
	}
	if err != nil {
		return offer{}, err
	}
	return m.offer(from, version, r.registry.options), nil
}

// resolved is the manifest that a tag or digest refers to.
func (r *Repository) resolved(ctx context.Context, from *remote.Repository, reference string) (manifest, error) {
	at, err := resolve(ctx, from, reference)
	switch {
	case errors.Is(err, errdef.ErrNotFound):
		return manifest{}, fmt.Errorf("%w: %s", ErrNoVersion, reference)
	case errors.Is(err, errdef.ErrInvalidReference):
		return manifest{}, fmt.Errorf("%w: %.200q is neither a tag nor a digest", ErrURL, reference)
	case err != nil:
		return manifest{}, err
	}
	m, err := r.manifest(ctx, from, at)
	if err != nil {
		return manifest{}, fmt.Errorf("%s: %w", reference, err)
	}
	return m, nil
}

// resolve describes what a tag or digest refers to. A server, or a proxy before
// it, that can't tell by itself is asked for the manifest.
func resolve(ctx context.Context, from *remote.Repository, reference string) (ocispec.Descriptor, error) {
	at, err := from.Resolve(ctx, reference)
	if err == nil || errors.Is(err, errdef.ErrInvalidReference) || Outcome(failure(err)) != "failed" {
		return at, err
	}
	at, body, getErr := from.FetchReference(ctx, reference)
	if getErr != nil {
		return at, err
	}
	return at, body.Close()
}

// versionIn is the newest version of a range that is tagged. One version needs
// no list of all. Other tags than versions aren't looked at: 2024 isn't newer
// than 1.2.0, it is something else.
func versionIn(ctx context.Context, from *remote.Repository, asked string) (string, error) {
	if Exact(asked) {
		return asked, nil
	}
	var versions []string
	seen := 0
	err := from.Tags(ctx, "", func(tags []string) error {
		for _, t := range tags {
			if version := untag(t); len(t) <= maxTag && Exact(version) {
				versions = append(versions, version)
			}
		}
		if seen += len(tags); seen > maxTags {
			return fmt.Errorf("%w: it has more than %d tags", ErrTooLarge, maxTags)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	return newest(asked, versions)
}

// manifest is what one holds that counts.
type manifest struct {
	at         []ocispec.Descriptor // what may be signed: itself, and the index that it is in
	digest     string
	layer      ocispec.Descriptor
	provenance *ocispec.Descriptor
	created    time.Time
	loose      bool
}

// manifest reads a manifest, once.
func (r *Repository) manifest(ctx context.Context, from *remote.Repository, at ocispec.Descriptor) (manifest, error) {
	r.mu.Lock()
	known, ok := r.manifests[at.Digest.String()]
	r.mu.Unlock()
	if ok {
		return known, nil
	}
	var made manifest
	var err error
	if at.MediaType == ocispec.MediaTypeImageIndex || at.MediaType == typeDockerList {
		made, err = fromIndex(ctx, from, at)
	} else {
		made, err = fromManifest(ctx, from, at)
	}
	if err != nil {
		return manifest{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	remember(r.manifests, at.Digest.String(), made)
	return made, nil
}

func fromManifest(ctx context.Context, from *remote.Repository, at ocispec.Descriptor) (manifest, error) {
	m, err := readManifest(ctx, from, at)
	if err != nil {
		return manifest{}, err
	}
	return chartIn(at, m)
}

// fromIndex finds the chart in an index over several manifests: the only one that
// is of Helm's making. Others are such as signatures, or how the chart was built.
func fromIndex(ctx context.Context, from *remote.Repository, at ocispec.Descriptor) (manifest, error) {
	var index ocispec.Index
	b, err := blob(ctx, from.Manifests(), at, maxManifest)
	if err != nil {
		return manifest{}, err
	}
	if json.Unmarshal(b, &index) != nil {
		return manifest{}, fmt.Errorf("%w: its index of manifests can't be read", ErrDamaged)
	}
	if len(index.Manifests) > maxManifests {
		return manifest{}, fmt.Errorf("%w: its index has more than %d manifests", ErrTooLarge, maxManifests)
	}
	var found []manifest
	for _, one := range index.Manifests {
		if one.MediaType != ocispec.MediaTypeImageManifest && one.MediaType != typeDocker {
			continue
		}
		m, err := readManifest(ctx, from, one)
		if err != nil {
			return manifest{}, err
		}
		if made, err := chartIn(one, m); err == nil && !made.loose {
			made.at = append(made.at, at)
			found = append(found, made)
		}
	}
	if len(found) != 1 {
		return manifest{}, fmt.Errorf("%w: it is an index of %d manifests, of which %d are charts: push the chart with helm push, or give the digest of its manifest", ErrDamaged, len(index.Manifests), len(found))
	}
	return found[0], nil
}

func readManifest(ctx context.Context, from *remote.Repository, at ocispec.Descriptor) (ocispec.Manifest, error) {
	var m ocispec.Manifest
	if at.MediaType != ocispec.MediaTypeImageManifest && at.MediaType != typeDocker {
		return m, fmt.Errorf("%w: it is of the type %.100q, and charts are of %s", ErrDamaged, at.MediaType, ocispec.MediaTypeImageManifest)
	}
	b, err := blob(ctx, from.Manifests(), at, maxManifest)
	if err == nil && json.Unmarshal(b, &m) != nil {
		err = fmt.Errorf("%w: its manifest can't be read", ErrDamaged)
	}
	return m, err
}

// chartIn finds the package in a manifest: the layer that Helm makes, or else
// the only one that is a packed folder.
func chartIn(at ocispec.Descriptor, m ocispec.Manifest) (manifest, error) {
	made := manifest{at: []ocispec.Descriptor{at}, digest: at.Digest.String()}
	made.created, _ = time.Parse(time.RFC3339, m.Annotations[ocispec.AnnotationCreated])
	if len(m.Layers) > maxLayers {
		return made, fmt.Errorf("%w: it has more than %d layers", ErrTooLarge, maxLayers)
	}
	var charts, folders []ocispec.Descriptor
	for _, l := range m.Layers {
		switch {
		case l.MediaType == typeChart:
			charts = append(charts, l)
		case l.MediaType == typeProvenance:
			made.provenance = &l
		case strings.HasSuffix(l.MediaType, "tar+gzip"), strings.HasSuffix(l.MediaType, ".tar.gzip"):
			folders = append(folders, l)
		}
	}
	switch {
	case len(charts) == 1:
		made.layer = charts[0]
	case len(charts) == 0 && len(folders) == 1:
		made.layer, made.loose = folders[0], true
	default:
		return made, fmt.Errorf("%w: it has %d layers that could be the chart: push it with helm push", ErrDamaged, len(charts)+len(folders))
	}
	if !digestForm.MatchString(made.layer.Digest.String()) {
		return made, fmt.Errorf("%w: its layer has the digest %.100q, which is no SHA-256", ErrDamaged, made.layer.Digest)
	}
	return made, nil
}

// offer is what a manifest offers.
func (m manifest) offer(from *remote.Repository, version string, o Options) offer {
	return offer{
		version: version, digest: m.layer.Digest.String(), created: m.created, manifest: m.digest, loose: m.loose,
		get: func(ctx context.Context) ([]byte, error) {
			ctx, cancel := context.WithTimeout(ctx, o.Time)
			defer cancel()
			return blob(ctx, from.Blobs(), m.layer, o.PackageBytes)
		},
		provenance: func(ctx context.Context) ([]byte, error) {
			ctx, cancel := context.WithTimeout(ctx, o.Time)
			defer cancel()
			if m.provenance == nil {
				return nil, ErrGone
			}
			return blob(ctx, from.Blobs(), *m.provenance, maxSignature)
		},
		signatures: func(ctx context.Context) ([]signed, error) {
			ctx, cancel := context.WithTimeout(ctx, o.Time)
			defer cancel()
			return signaturesOf(ctx, from, m.at)
		},
	}
}

// blob fetches what a descriptor describes, and checks that it is that.
func blob(ctx context.Context, from content.Fetcher, at ocispec.Descriptor, limit int64) ([]byte, error) {
	if at.Size > limit || at.Size < 0 {
		return nil, fmt.Errorf("%w: it has %d bytes, and %d are the most", ErrTooLarge, at.Size, limit)
	}
	body, err := from.Fetch(ctx, at)
	if err != nil {
		return nil, failure(err)
	}
	defer body.Close()
	b, err := content.ReadAll(body, at)
	if errors.Is(err, content.ErrMismatchedDigest) || errors.Is(err, content.ErrTrailingData) || errors.Is(err, content.ErrInvalidDescriptorSize) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("%w: what the registry sent is not of the digest %s", ErrDamaged, at.Digest)
	}
	return b, failure(err)
}

// signaturesOf are the signatures of cosign for any of these manifests: those
// that were found, though others can't be read.
func signaturesOf(ctx context.Context, from *remote.Repository, manifests []ocispec.Descriptor) (all []signed, err error) {
	for _, of := range manifests {
		tagged, tagErr := signaturesTagged(ctx, from, of)
		bundled, bundleErr := signaturesBundled(ctx, from, of)
		err = cmp.Or(err, failure(tagErr), failure(bundleErr))
		for _, s := range slices.Concat(tagged, bundled) {
			s.manifest = of.Digest.String()
			all = append(all, s)
		}
	}
	return all, err
}

// signaturesTagged are those in a manifest whose tag is made of the digest.
func signaturesTagged(ctx context.Context, from *remote.Repository, of ocispec.Descriptor) ([]signed, error) {
	at, err := resolve(ctx, from, strings.Replace(of.Digest.String(), ":", "-", 1)+".sig")
	if errors.Is(err, errdef.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return signaturesIn(ctx, from, at)
}

// signaturesBundled are those in bundles that refer to the manifest, as cosign
// makes them since its version 3.
func signaturesBundled(ctx context.Context, from *remote.Repository, of ocispec.Descriptor) ([]signed, error) {
	var bundles []ocispec.Descriptor
	err := from.Referrers(ctx, of, "", func(found []ocispec.Descriptor) error {
		for _, at := range found {
			if slices.Contains([]string{typeBundle, ocispec.MediaTypeEmptyJSON, ""}, at.ArtifactType) { // some registries tell the configuration's type
				bundles = append(bundles, at)
			}
		}
		if len(bundles) > maxSigners {
			return fmt.Errorf("%w: it has more than %d signatures", ErrTooLarge, maxSigners)
		}
		return nil
	})
	var all []signed
	for _, at := range bundles {
		if err == nil {
			var more []signed
			more, err = signaturesIn(ctx, from, at)
			all = append(all, more...)
		}
	}
	return all, err
}

// signaturesIn are the signatures in a manifest.
func signaturesIn(ctx context.Context, from *remote.Repository, at ocispec.Descriptor) ([]signed, error) {
	m, err := readManifest(ctx, from, at)
	if err != nil {
		return nil, err
	}
	var all []signed
	for _, l := range m.Layers[:min(len(m.Layers), maxSigners)] {
		s := signed{signature: l.Annotations[annotationCosign], bundled: l.MediaType == typeBundle, certified: l.Annotations[annotationCertificate] != ""}
		if l.Size > maxCosignLen || !s.bundled && (l.MediaType != typeCosign || s.signature == "") {
			continue // as what says what is in an image is
		}
		if s.payload, err = blob(ctx, from.Blobs(), l, maxCosignLen); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}
