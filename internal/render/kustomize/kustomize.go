// Package kustomize builds kustomizations, as `kustomize build` does, from a
// tree in place of a disk.
//
// Nothing reaches out: no program is started, no network is used, no file of
// the host is read. The library would clone what looks like a repository and
// fetch what looks like a URL, without asking its file system. So every
// kustomization is vetted on its way to the library, and what names something
// remote never gets there; see vet. A remote base that is allowed is followed
// and mounted by the engine, as any source is, and the library gets the path of
// that; see remote.go.
//
// What an App asks for in spec.render.kustomize is done as by a kustomization on
// top; see overlay.go. Patching does the same for what another renderer made.
//
// A base may lie anywhere in the repository, but not outside it. Links are
// followed inside the repository; a path with .. after a linked folder is taken
// as it is written, not from where the link leads.
package kustomize

import (
	"context"
	"errors"
	"fmt"
	"path"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/openapi"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/tree"
)

// Renderer builds kustomizations. The zero value is ready, and it is safe for
// concurrent use: builds take turns.
type Renderer struct {
	// Remote says whether bases of a repository may be used. The URL has no user
	// and no query; a host is in lower case. Nil allows none.
	Remote func(url string) bool
}

// Name implements render.Renderer.
func (Renderer) Name() string { return v1alpha1.RendererKustomize }

// Wants implements render.Renderer: every folder with a kustomization file. It
// doesn't list the folder, so that a file that comes to it isn't an input.
func (Renderer) Wants(files tree.Reader, at string) (bool, error) {
	e, err := files.Stat(at)
	if err != nil || e.Mode != tree.Folder {
		return false, err
	}
	for _, name := range render.KustomizationFiles() {
		e, err := files.Stat(path.Join(at, name))
		switch {
		case err == nil && e.Mode != tree.Folder:
			return true, nil
		case err != nil && !errors.Is(err, tree.ErrNotFound):
			return false, err
		}
	}
	return false, nil
}

// Render implements render.Renderer. The objects are in the order that
// `kustomize build` prints them.
func (k Renderer) Render(_ context.Context, r render.Request) ([]object.Object, error) {
	b := newBuild(r.Files, r.Path, r.Params.Kustomize)
	b.remotes.allowed, b.remotes.need = k.Remote, r.Need
	if r.Notice != nil {
		b.notice = r.Notice
	}
	return b.result()
}

// result is what the build comes to, or what is wrong with it.
func (b *build) result() ([]object.Object, error) {
	objects, err := b.alone()
	var p *render.Panic
	switch {
	case b.refused != nil:
		return nil, b.named(b.refused) // the library takes it for an absent file
	case errors.As(err, &p) && b.schema != "" && strings.HasPrefix(fmt.Sprint(p.Value), "invalid schema file"):
		return nil, b.named(fmt.Errorf("%s: openapi: %s is no OpenAPI schema in JSON; correct it, or leave it out", b.schemaOf, b.schema))
	case errors.As(err, &p):
		p.Value = b.tell(fmt.Sprint(p.Value))
		return nil, p
	case err != nil:
		return nil, b.named(b.explain(err))
	}
	return objects, nil
}

// library is held by who uses the library: it keeps schemas in variables of its
// own, so there is one build at a time in a process, whoever asks for it.
var library sync.Mutex

// build is one use of the library.
type build struct {
	files  tree.Reader
	top    string // the folder that is built
	params *v1alpha1.Kustomize

	// refused is the first thing that must not reach the library. From then on
	// it gets nothing at all.
	refused error
	seen    int  // kustomizations that were read
	handed  int  // bytes that the library was given
	altered bool // the top's own file was handed out with the images in it

	custom   bool          // the library's schemas were changed
	schema   string        // the file that was named last for them
	schemaOf object.Origin // where it was

	sources sources
	remotes remotes
	read    map[string][]byte // all that the library was given, by path
	notice  func(string)
	warned  int // outdated fields that were told

	overlaid bool              // a kustomization of the parameters is on top
	over     map[string][]byte // that one, and what it has beside it
	declared string            // where the parameters stand, for messages
	mounts   map[string]bool   // see isMount
}

func newBuild(files tree.Reader, top string, params *v1alpha1.Kustomize) *build {
	if params == nil {
		params = &v1alpha1.Kustomize{}
	}
	return &build{
		files: files, top: top, params: params, read: map[string][]byte{}, notice: func(string) {}, mounts: map[string]bool{},
		overlaid: isOverlaid(params), over: map[string][]byte{}, declared: "spec.render.kustomize", remotes: remotes{bases: map[string]base{}},
	}
}

// alone runs the build by itself: one at a time, and on a goroutine that may
// end early. The library ends the whole process where it thinks that something
// can't be; see mute.
func (b *build) alone() (objects []object.Object, err error) {
	library.Lock()
	defer library.Unlock()
	err = errNeverEnded
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if v := recover(); v != nil {
				err = &render.Panic{Renderer: v1alpha1.RendererKustomize, Value: v, Stack: debug.Stack()}
			}
		}()
		defer mute(b.logged, func(message string) {
			err = &render.Panic{Renderer: v1alpha1.RendererKustomize, Value: message, Stack: debug.Stack()}
			runtime.Goexit()
		})()
		if objects, err = b.run(); errors.Is(b.refused, errMissing) {
			b.refused = b.survey()
		}
	}()
	<-done
	if b.custom {
		openapi.ResetOpenAPI() // or the next build would go by this one's schema
	}
	return objects, err
}

var errNeverEnded = errors.New("the build did not end")

// run is the build. The options are those of `kustomize build`, but for what
// may be loaded: all that is in the tree.
func (b *build) run() ([]object.Object, error) {
	options := krusty.MakeDefaultOptions()
	options.Reorder = krusty.ReorderOptionUnspecified
	options.LoadRestrictions = types.LoadRestrictionsNone
	options.PluginConfig = types.DisabledPluginConfig()
	top := path.Join(treeFolder, b.top)
	if b.over[overlayFile] != nil {
		top = overlayFolder
	}
	if b.overlaid {
		var err error
		if b.over[overlayFile], err = b.overlay(); err != nil {
			b.refused = err
			return nil, err
		}
		top = overlayFolder
	}
	made, err := krusty.MakeKustomizer(options).Run(files{b}, top)
	if err != nil {
		return nil, err
	}
	return b.objects(made)
}

// objects turns the library's resources into ours.
func (b *build) objects(made resmap.ResMap) ([]object.Object, error) {
	objects := make([]object.Object, 0, made.Size())
	for _, r := range made.Resources() {
		u, err := unstructuredOf(r)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.CurId(), err)
		}
		o := object.Object{Unstructured: u}
		o.Origin = b.shownOrigin(b.sources.of(o))
		objects = append(objects, o)
	}
	return objects, nil
}

// shownOrigin is a place as people may look it up: of a remote base, in its
// repository.
func (b *build) shownOrigin(o object.Origin) object.Origin {
	name, rest := tree.Mounted(o.File)
	if base, isBase := b.remotes.bases[name]; isBase {
		o.File = base.shown(rest)
	}
	return o
}

// shown is a path for messages, where the tree's top has a name.
func shown(at string) string {
	if at == "" {
		return "the repository's top"
	}
	return at
}
