package kustomize

//lint:file-ignore SA1019 people have kustomizations with the old fields, and bases may be remote as well

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/api/types"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/manifest"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/tree"
)

// The limits of remote bases.
const (
	maxRemoteDepth = 5  // of bases that name bases
	maxRemote      = 50 // of one build
)

// base is a folder of another repository, as a kustomization names one.
type base struct {
	git    v1alpha1.Git // the URL, and a tag or commit
	folder string
}

// parseBase takes apart what names a remote base. The library says what is the
// repository, the ref and the folder, so that it means the same as for
// `kustomize build`; what it would hand to Git then is held to what a URL has to
// look like.
func parseBase(given string) (base, error) {
	if strings.ContainsFunc(given, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`\%'"<>{}|^`+"`", r) }) {
		return base{}, errors.New("has characters in it that no address of a repository has")
	}
	if withUser.MatchString(given) {
		return base{}, errCredentials
	}
	if isFile(given) {
		return base{}, errors.New("is the address of a file; commit a copy of the file and name that, or name the folder of a repository as https://HOST/ORG/REPO//FOLDER?ref=TAG")
	}
	o := (&resource.Origin{}).Append(given)
	address, err := cloneAddress(o.Repo)
	if err != nil {
		return base{}, err
	}
	b := base{git: v1alpha1.Git{URL: address}, folder: o.Path}
	if o.Path == noFolder && !strings.Contains(given, noFolder) {
		b.folder = ""
	}
	if b.folder = strings.Trim(b.folder, "/"); strings.HasPrefix(b.folder, "../") || b.folder == ".." || strings.HasPrefix(b.folder, tree.MountMark) {
		return base{}, errors.New("leads out of its repository")
	}
	return b, b.pin(o.Ref)
}

// withUser is an address of the web with a user in it. The library leaves the
// user out for some hosts, so it is looked for before it is asked.
var withUser = regexp.MustCompile(`(?i)^(git::)?https?://[^/]*@`)

var errCredentials = errors.New("has credentials in it; those are given to the daemon")

// noFolder is what the library makes of an address without a folder.
const noFolder = "notCloned"

// files are the hosts and paths by which people name single files.
var rawFile = regexp.MustCompile(`(?i)^(https?://)?(raw|gist)\.githubusercontent\.com/|/releases/(latest/)?download/|/-?/?raw/|/blob/`)

// isFile says whether an address is that of a file.
func isFile(given string) bool {
	address, _, _ := strings.Cut(given, "?")
	return rawFile.MatchString(address) || slices.Contains([]string{".yaml", ".yml", ".json"}, path.Ext(address))
}

const (
	hostPart = `[A-Za-z0-9]([A-Za-z0-9.-]{0,250}[A-Za-z0-9])?`
	pathPart = `[A-Za-z0-9_~.][A-Za-z0-9._~+/-]{0,500}`
)

var (
	webAddress   = regexp.MustCompile(`^(https?)://(` + hostPart + `(?::[0-9]{1,5})?)/(` + pathPart + `)$`)
	shellAddress = regexp.MustCompile(`^ssh://(?:[A-Za-z][A-Za-z0-9._-]{0,60}@)?(` + hostPart + `(?::[0-9]{1,5})?)/(` + pathPart + `)$`)
	shortAddress = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,60}@(` + hostPart + `):(` + pathPart + `)$`)
)

// cloneAddress is the URL of a repository, if it is one that may be followed.
// No error quotes it, for it may hold a password.
func cloneAddress(repo string) (string, error) {
	repo = strings.TrimRight(repo, "/")
	switch {
	case repo == "":
		return "", errors.New("is not understood as a repository; write https://HOST/ORG/REPO//FOLDER?ref=TAG")
	case strings.HasPrefix(repo, "file://"):
		return "", errors.New("is a repository on this machine, which no render reads")
	}
	known := webAddress.MatchString(repo) || shellAddress.MatchString(repo) || shortAddress.MatchString(repo)
	if !known || slices.ContainsFunc(strings.FieldsFunc(repo, func(r rune) bool { return r == '/' || r == ':' }), isDots) {
		return "", errors.New("is not understood as a repository; write https://HOST/ORG/REPO//FOLDER?ref=TAG")
	}
	return repo, nil
}

func isDots(name string) bool { return name == "." || name == ".." || strings.HasPrefix(name, "-") }

// canonical is the address as a daemon is told which ones it allows: without a
// user, with the host in lower case, and with ssh:// before the short form.
func (b base) canonical() string {
	for _, form := range []struct {
		is     *regexp.Regexp
		scheme string
		host   int
	}{{webAddress, "", 2}, {shellAddress, "ssh", 1}, {shortAddress, "ssh", 1}} {
		m := form.is.FindStringSubmatch(b.git.URL)
		if m == nil {
			continue
		}
		if form.scheme == "" {
			form.scheme = m[1]
		}
		return form.scheme + "://" + strings.ToLower(m[form.host]) + "/" + m[len(m)-1]
	}
	return ""
}

var (
	commitID = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)
	tagName  = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._+/-]{0,200}$`)
)

// branches are names that are never those of tags.
var branches = []string{"main", "master", "HEAD", "head", "develop", "dev", "trunk", "default", "latest"}

// pin sets what of the repository is meant, and holds it to what doesn't move.
// A name is looked up among tags alone.
func (b *base) pin(ref string) error {
	tag := strings.TrimPrefix(ref, "refs/tags/")
	const how = "add ?ref= and a tag, or the 40 digits of a commit"
	switch {
	case ref == "":
		return errors.New("isn't pinned, so it could change at any time; " + how)
	case commitID.MatchString(ref):
		b.git.Commit = ref
	case slices.Contains(branches, ref), strings.HasPrefix(ref, "refs/heads/"), strings.HasPrefix(ref, "origin/"):
		return fmt.Errorf("follows the branch %s, so it could change at any time; %s", ref, how)
	case !tagName.MatchString(tag), strings.HasPrefix(tag, "refs/"), strings.Contains(tag, ".."), strings.Contains(tag, "//"),
		strings.HasSuffix(tag, "/"), strings.HasSuffix(tag, "."), strings.HasSuffix(tag, ".lock"):
		return errors.New("has a ref that is no name of a tag; " + how)
	default:
		b.git.Tag = tag
	}
	return nil
}

// String is the base as messages and origins have it, with a file of it.
func (b base) shown(file string) string {
	ref := b.git.Tag + b.git.Commit
	if file = strings.TrimPrefix(file, "/"); file != "" {
		file = "//" + file
	}
	return b.git.URL + file + "?ref=" + ref
}

// remotes are the remote bases of one build.
type remotes struct {
	allowed func(url string) bool
	need    func(render.Need)
	bases   map[string]base // by mount
	missing []render.Need   // those that aren't mounted yet
}

// remoteBase looks at a remote base, and notes what the library is to read in
// its place.
func (v *vetting) remoteBase(given string, where ...string) {
	r := &v.build.remotes
	b, err := parseBase(given)
	switch {
	case r.allowed == nil || r.need == nil:
		v.fail(where, "%s %w", address(given), errDenied)
		return
	case err != nil:
		v.fail(where, "%s is remote, and %w", address(given), err)
		return
	case !r.allowed(b.canonical()):
		v.fail(where, "%s %w", given, errDenied)
		return
	case v.depth >= maxRemoteDepth:
		v.fail(where, "%s is remote: bases name bases more than %d deep", given, maxRemoteDepth)
		return
	}
	need := render.Need{Git: &b.git}
	mount := need.Mount()
	r.need(need)
	r.bases[mount] = b
	if len(r.bases) > maxRemote {
		v.fail(where, "%s is remote: more than %d remote bases are part of this build", given, maxRemote)
		return
	}
	_, err = v.build.files.Stat(mount)
	switch {
	case err != nil && !errors.Is(err, tree.ErrNotFound): // such as that it is denied; see Bounded
		v.fail(where, "%s %w", given, err)
		return
	case err != nil:
		if !slices.ContainsFunc(r.missing, func(have render.Need) bool { return have.Mount() == mount }) {
			r.missing = append(r.missing, need)
		}
		return
	}
	at := path.Join(mount, b.folder)
	if e, err := v.build.files.Stat(at); err != nil || e.Mode != tree.Folder {
		v.fail(where, "%s: there is no such folder at %s", given, b.git.Tag+b.git.Commit)
		return
	}
	v.rewritten = append(v.rewritten, rewrite{field: where[0], given: given, at: at})
}

// address is what may be told of an address that wasn't understood: not what
// may be a password.
func address(given string) string {
	if at := strings.LastIndexByte(given, '@'); at >= 0 && strings.Contains(given[:at], ":") {
		return "…" + given[at:]
	}
	return given
}

// rewrite is a remote base of a list, and where it is mounted.
type rewrite struct{ field, given, at string }

// isNeed says whether an entry was rewritten.
func isNeed(entry string) bool { return strings.HasPrefix(entry, tree.MountMark+"need-") }

// errMissing is that a base isn't mounted yet.
var errMissing = errors.New("a remote base is not there yet")

// survey looks for all remote bases that can be seen so far, so that they can be
// fetched together, and not one after the other. The error is what is wrong with
// them, or render.Missing.
func (b *build) survey() error {
	type stop struct {
		folder string
		depth  int
	}
	todo := []stop{{b.top, 0}}
	for _, given := range b.params.Components {
		if at, in := b.inside(b.top, given); in && !remote(given) {
			todo = append(todo, stop{at, 0})
		}
	}
	seen := map[string]bool{}
	var errs []error
	for ; len(todo) > 0 && len(seen) < maxKustomizations; todo = todo[1:] {
		here := todo[0]
		if seen[here.folder] {
			continue
		}
		seen[here.folder] = true
		file, content, k := b.kustomizationOf(here.folder)
		v := vetting{build: b, at: file, folder: here.folder, depth: here.depth, content: content}
		for _, given := range v.bases(k) {
			todo = append(todo, stop{given, here.depth})
		}
		for _, r := range v.rewritten {
			todo = append(todo, stop{r.at, here.depth + 1})
		}
		errs = append(errs, v.errs...)
	}
	if len(errs) > 0 {
		return render.Join(errs)
	}
	return render.Missing{Needs: b.remotes.missing}
}

// bases looks at the remote bases of a kustomization, and returns the others.
func (v *vetting) bases(k types.Kustomization) []string {
	var local []string
	for n, list := range [][]string{k.Resources, k.Bases, k.Components} {
		for i, given := range list {
			if remote(given) {
				v.remoteBase(given, basesIn[n], strconv.Itoa(i))
				continue
			}
			if at, in := v.build.inside(v.folder, given); in {
				local = append(local, at)
			}
		}
	}
	return local
}

// kustomizationOf is the kustomization of a folder, and its file; nothing where
// there is none that can be read.
func (b *build) kustomizationOf(folder string) (file string, content []byte, k types.Kustomization) {
	for _, name := range render.KustomizationFiles() {
		file = path.Join(folder, name)
		content, err := b.files.ReadFile(file)
		if err != nil {
			continue
		}
		if manifest.CheckExpansion(file, content) != nil || k.Unmarshal(content) != nil {
			return file, nil, types.Kustomization{}
		}
		return file, content, k
	}
	return file, nil, k
}
