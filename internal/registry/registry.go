package registry

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/archive"
	"plumb.dev/plumb/internal/signature"
	"plumb.dev/plumb/internal/tree"
)

// Options say how packages are fetched and kept. Only Data is required; a zero
// field means its default.
type Options struct {
	// Data is the folder that packages are kept in.
	Data string
	// Kept bounds them, in bytes. Default 1 GiB.
	Kept int64
	// IndexBytes bounds an index, unpacked; PackageBytes a package. Defaults
	// 64 MiB and 32 MiB.
	IndexBytes, PackageBytes int64
	// Time bounds one download, from its first byte to its last. Default 2m.
	Time time.Duration
	// Unpacked bounds what is in a package.
	Unpacked archive.Limits
	// Transfers bounds the downloads at one time. Default 32; of one repository
	// there are 4, so that a slow one doesn't hold up the others.
	Transfers int
}

// The defaults of Options.
const (
	DefaultKept         = 1 << 30
	DefaultPackageBytes = 32 << 20
	DefaultTime         = 2 * time.Minute
	DefaultTransfers    = 32

	ofOneRepository = 4
	readAtOnce      = 4 // indexes and packages: as they take the memory
)

// Registry fetches from repositories, and keeps what was fetched.
type Registry struct {
	options Options
	store   *store
	slots   chan struct{} // one is held by each download
	reading chan struct{} // one is held by each index that is read, and package that is unpacked
}

// New makes a Registry. What its folder has from an earlier time counts.
func New(o Options) (*Registry, error) {
	o.Kept = cmp.Or(o.Kept, DefaultKept)
	o.IndexBytes, o.PackageBytes = cmp.Or(o.IndexBytes, maxIndex), cmp.Or(o.PackageBytes, DefaultPackageBytes)
	o.Time, o.Transfers = cmp.Or(o.Time, DefaultTime), cmp.Or(o.Transfers, DefaultTransfers)
	dir, err := filepath.Abs(o.Data)
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return nil, fmt.Errorf("folder for charts: %w", err)
	}
	return &Registry{
		options: o, slots: make(chan struct{}, o.Transfers), reading: make(chan struct{}, readAtOnce),
		store: &store{dir: dir, limits: o.Unpacked, most: o.Kept, bytes: -1, trees: map[place]held{}},
	}, nil
}

// Repository is a repository to fetch from. It is safe for concurrent use.
func (r *Registry) Repository(u URL) *Repository {
	return &Repository{
		registry: r, url: u, folder: folderOf(u),
		links: map[string]link{},
		named: map[string]string{}, admitted: map[string]chartFile{}, proven: map[proof]bool{}, manifests: map[string]manifest{},
	}
}

// Want is a chart that is wanted. It is comparable.
type Want struct {
	Chart   string
	Version string // one, or a range; empty for the newest release
	Digest  string // sha256:… that pins it; empty for any
	Verify  string // a v1alpha1.Verify in JSON; empty for none
}

// Package is a version of a chart that was fetched, checked, and can be read.
type Package struct {
	Chart, Version string
	// Digest is sha256:… of the package's bytes.
	Digest string
	// Created is when it was put there, where the repository tells.
	Created time.Time
}

// Result is what became of a Want.
type Result struct {
	Package
	Err error
}

// Repository is a chart repository, or a folder in a registry. What it knows
// beside the packages in the data folder is lost with it, and learned again.
type Repository struct {
	registry *Registry
	url      URL
	folder   string

	looking     sync.Mutex // held while it is asked what there is
	door        *door
	credentials Credentials
	listing     listing
	oci         *remotes

	linking sync.Mutex
	links   map[string]link // the registries that the index names, by origin

	mu        sync.Mutex
	named     map[string]string    // the digests of packages whose index doesn't tell them
	admitted  map[string]chartFile // packages that were found sound, by digest
	proven    map[proof]bool       // packages whose signature was found sound
	manifests map[string]manifest  // of a registry, by digest, or by the id of what an index tells
	known     known                // what each Want was; nil before it was read
}

// proof is that a package is signed by a key.
type proof struct{ digest, manifest, verify string }

// offer is what a repository has for a Want.
type offer struct {
	version string
	digest  string // of the package; empty where the repository doesn't tell
	created time.Time
	id      string // of a package whose digest isn't told
	// manifest is the digest of a registry's manifest.
	manifest string
	// loose packages may call themselves what they like: they are not of Helm's
	// making.
	loose bool

	get        func(context.Context) ([]byte, error)
	provenance func(context.Context) ([]byte, error)
	signatures func(context.Context) ([]signed, error)
}

// signed is a signature in a registry, and what it is of: apart, or in a bundle.
type signed struct {
	manifest  string // the digest of what it has to be about
	payload   []byte
	signature string
	bundled   bool
	certified bool // it has a certificate, as keyless ones have
}

// check checks it.
func (s signed) check(key string) error {
	if s.bundled {
		return signature.CosignBundle(key, s.payload, s.manifest)
	}
	err := signature.Cosign(key, s.payload, s.signature, s.manifest)
	if err != nil && s.certified {
		return signature.ErrKeyless
	}
	return err
}

// Fetch asks the repository once, and fetches what isn't here yet. An error is
// about the repository; one about a chart is in its Result.
func (r *Repository) Fetch(ctx context.Context, c Credentials, wants []Want) (map[Want]Result, error) {
	r.looking.Lock()
	defer r.looking.Unlock()
	find, err := r.ask(ctx, c, wants)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.url, failure(err))
	}
	results := make(map[Want]Result, len(wants))
	var mu sync.Mutex
	var running sync.WaitGroup
	own := make(chan struct{}, ofOneRepository)
	for _, w := range wants {
		own <- struct{}{}
		running.Go(func() {
			defer func() { <-own }()
			p, err := r.inTurn(ctx, w, find)
			if err != nil {
				err = fmt.Errorf("chart %s in %s: %w", w.Chart, r.url, failure(err))
			}
			mu.Lock()
			defer mu.Unlock()
			results[w] = Result{Package: p, Err: err}
		})
	}
	running.Wait()
	if err := r.learn(results); err != nil {
		return nil, fmt.Errorf("%s: keep what was learned: %w", r.url, failure(err))
	}
	return results, nil
}

// inTurn settles one chart once there is room for a download.
func (r *Repository) inTurn(ctx context.Context, w Want, find finder) (Package, error) {
	select {
	case r.registry.slots <- struct{}{}:
		defer func() { <-r.registry.slots }()
		return r.settle(ctx, w, find)
	case <-ctx.Done():
		return Package{}, ctx.Err()
	}
}

// finder finds what there is for a Want.
type finder func(context.Context, Want) (offer, error)

// ask learns what the repository has. It is called with looking held.
func (r *Repository) ask(ctx context.Context, c Credentials, wants []Want) (finder, error) {
	if r.door == nil || !r.credentials.equal(c) {
		header := c.header()
		if r.url.OCI() {
			header = "" // the registry says how it wants to have them
		}
		door, err := open(r.url, c, header, r.url.Loopback())
		if err != nil {
			return nil, err
		}
		r.shut()
		r.door, r.credentials = door, c
	}
	if r.url.OCI() {
		return r.askRegistry(ctx)
	}
	return r.askIndex(ctx, wants)
}

// Close lets connections go.
func (r *Repository) Close() {
	r.looking.Lock()
	defer r.looking.Unlock()
	r.shut()
}

func (r *Repository) shut() {
	if r.door != nil {
		r.door.close()
	}
	r.door, r.oci = nil, nil
	r.unlink()
}

// settle finds, fetches and checks one chart.
func (r *Repository) settle(ctx context.Context, w Want, find finder) (Package, error) {
	o, err := find(ctx, w)
	if err != nil {
		return Package{}, err
	}
	if o.digest == "" {
		r.mu.Lock()
		o.digest = r.named[o.id]
		r.mu.Unlock()
	}
	file, digest, err := r.take(ctx, o)
	if err != nil {
		return Package{}, err
	}
	if o.digest = digest; o.version == "" {
		o.version = file.Version
	}
	if err := file.check(w.Chart, o); err != nil {
		return Package{}, err
	}
	if err := r.verify(ctx, w, o); err != nil {
		return Package{}, fmt.Errorf("version %s: %w", o.version, err)
	}
	return Package{Chart: w.Chart, Version: o.version, Digest: o.digest, Created: o.created}, nil
}

// take has the package in the data folder, and returns what it says of itself.
func (r *Repository) take(ctx context.Context, o offer) (chartFile, string, error) {
	at := place{r.folder, o.digest}
	if o.digest != "" {
		r.mu.Lock()
		file, sound := r.admitted[o.digest]
		r.mu.Unlock()
		if _, err := os.Stat(r.registry.store.path(at)); sound && err == nil {
			return file, o.digest, nil
		}
		if content, err := r.registry.store.read(at); err == nil {
			file, err := r.admit(o.digest, content)
			return file, o.digest, err
		} else if !errors.Is(err, errAbsent) {
			return chartFile{}, "", err
		}
	}
	content, err := o.get(ctx)
	if err != nil {
		return chartFile{}, "", fmt.Errorf("version %s: %w", o.version, err)
	}
	at.digest = DigestOf(content)
	if o.digest != "" && o.digest != at.digest {
		return chartFile{}, "", fmt.Errorf("%w: the package of version %s has the digest %s, and its repository tells %s; it was exchanged, or damaged", ErrDamaged, o.version, at.digest, o.digest)
	}
	file, err := r.admit(at.digest, content)
	if err != nil {
		return chartFile{}, "", fmt.Errorf("version %s: %w", o.version, err)
	}
	if err := r.registry.store.write(at, content); err != nil {
		return chartFile{}, "", fmt.Errorf("keep version %s: %w", o.version, err)
	}
	if o.id != "" {
		r.mu.Lock()
		remember(r.named, o.id, at.digest)
		r.mu.Unlock()
	}
	return file, at.digest, nil
}

// admit finds out whether a package can be read, and is a chart.
func (r *Repository) admit(digest string, content []byte) (chartFile, error) {
	r.registry.reading <- struct{}{}
	defer func() { <-r.registry.reading }()
	files, _, err := r.registry.store.unpack(content)
	if err != nil {
		return chartFile{}, err
	}
	file, err := readChart(files)
	if err != nil {
		return chartFile{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	remember(r.admitted, digest, file)
	return file, nil
}

// chartFile is what a package says of itself.
type chartFile struct {
	Name    string `yaml:"name"`
	Version string `yaml:"version"`
}

// maxChartFile bounds a Chart.yaml.
const maxChartFile = 256 << 10

func readChart(files tree.Tree) (chartFile, error) {
	content, err := files.WithLimits(tree.Limits{FileBytes: maxChartFile}).ReadFile("Chart.yaml")
	if err != nil {
		return chartFile{}, fmt.Errorf("%w: the package is no chart: %w", ErrDamaged, err)
	}
	var c chartFile
	if err := yaml.Unmarshal(content, &c); err != nil {
		return chartFile{}, fmt.Errorf("%w: the package's Chart.yaml can't be read", ErrDamaged)
	}
	return c, nil
}

// check holds a package to be what it was asked for: else an old one that was
// signed could be handed out as a new one.
func (c chartFile) check(chart string, o offer) error {
	if !o.loose && (c.Name != chart || !sameVersion(c.Version, o.version)) {
		return fmt.Errorf("%w: the package of version %s says of itself that it is %.100s %.100s", ErrDamaged, o.version, c.Name, c.Version)
	}
	return nil
}

// verify checks a package's signature, once.
func (r *Repository) verify(ctx context.Context, w Want, o offer) error {
	if w.Verify == "" {
		return nil
	}
	of := proof{o.digest, o.manifest, w.Verify}
	r.mu.Lock()
	proven := r.proven[of]
	r.mu.Unlock()
	if proven {
		return nil
	}
	var keys v1alpha1.Verify
	if err := json.Unmarshal([]byte(w.Verify), &keys); err != nil {
		return fmt.Errorf("%w: the keys can't be read: %w", signature.ErrUnverified, err)
	}
	if err := r.prove(ctx, w, o, keys); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	remember(r.proven, of, true)
	return nil
}

// remember keeps what was learned, until it is too much: what is forgotten is
// learned again.
func remember[K comparable, V any](m map[K]V, key K, value V) {
	const most = 10_000
	if len(m) >= most {
		clear(m)
	}
	m[key] = value
}

func (r *Repository) prove(ctx context.Context, w Want, o offer, keys v1alpha1.Verify) error {
	switch {
	case keys.Provenance != "":
		file, err := o.provenance(ctx)
		if err != nil {
			return notSigned("provenance file", err)
		}
		return signature.Provenance(keys.Provenance, file, w.Chart+"-"+o.version+".tgz", o.digest)
	case keys.Cosign != "" && o.signatures != nil:
		all, unread := o.signatures(ctx)
		err := fmt.Errorf("%w: it has no signature of cosign", signature.ErrUnverified)
		for _, s := range all {
			if err = s.check(keys.Cosign); err == nil {
				return nil
			}
		}
		if unread != nil {
			return notSigned("signature of cosign", unread)
		}
		return err
	case keys.Cosign != "":
		return fmt.Errorf("%w: it is in no registry, where cosign keeps signatures: give provenance, or take the chart from oci://", signature.ErrUnverified)
	}
	return fmt.Errorf("%w: no key says how it has to be signed", signature.ErrUnverified)
}

// notSigned tells a signature that isn't there from one that can't be fetched.
func notSigned(what string, err error) error {
	if err := failure(err); !errors.Is(err, ErrGone) {
		return fmt.Errorf("its %s can't be fetched: %w", what, err)
	}
	return fmt.Errorf("%w: it has no %s", signature.ErrUnverified, what)
}

// Tree is a package that was fetched, by its digest.
func (r *Repository) Tree(digest string) (tree.Tree, error) {
	files, err := r.registry.store.tree(place{r.folder, digest})
	if err != nil {
		return tree.Tree{}, fmt.Errorf("package %s of %s: %w", digest, r.url, err)
	}
	return files, nil
}

// Absent says whether an error of Tree is that the package isn't here, so that
// fetching it again helps.
func Absent(err error) bool { return errors.Is(err, errAbsent) }
