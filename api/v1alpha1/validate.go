package v1alpha1

import (
	"cmp"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"
)

// Validate says all that is wrong with the values of an App, whether or not
// Default has filled it in.
func Validate(a App) []FieldError {
	s := sink{kind: KindApp}
	s.label("metadata.name", a.Name, true)
	s.label("metadata.namespace", a.Namespace, false)
	validateSource(&s, a.Spec.Source)
	validateRender(&s, a.Spec.Render)
	validateChartRender(&s, a.Spec.Source, a.Spec.Render)
	s.label("spec.target.namespace", a.Spec.Target.Namespace, false)
	if name := a.Spec.Target.ServiceAccount; name != "" && len(validation.IsDNS1123Subdomain(name)) > 0 {
		s.add("spec.target.serviceAccount", fmt.Sprintf("%q is not the name of a service account", name), "give the name alone, without its namespace")
	}
	validateSync(&s, a.Spec.Sync)
	if git := a.Spec.Source.Git; git != nil && cmp.Or(git.Tag, git.Commit) != "" && a.Spec.Sync.OnFailure == FailureRollback {
		s.add("spec.sync.onFailure", "a rollback is a commit on a branch, and spec.source.git follows none", "follow a branch, or use hold")
	}
	validateHealth(&s, a.Spec.Health)
	validateDependsOn(&s, a)
	validateIgnore(&s, a.Spec.Ignore)
	validateSensitive(&s, a.Spec.Sensitive)
	validateProject(&s, a.Spec.Project)
	return s.errs
}

// ValidateProject says all that is wrong with the values of a Project, whether
// or not DefaultProject has filled it in.
func ValidateProject(p Project) []FieldError {
	s := sink{kind: KindProject}
	s.label("metadata.name", p.Name, true)
	s.label("metadata.namespace", p.Namespace, false)
	validateWindows(&s, "spec.windows", p.Spec.Windows)
	return s.errs
}

// label holds a name to what Kubernetes allows for one that may become part of a host's.
func (s *sink) label(field, name string, required bool) {
	switch {
	case name == "" && required:
		s.add(field, "is missing", "give the "+s.kind+" a name")
	case name != "" && len(validation.IsDNS1123Label(name)) > 0:
		s.add(field, fmt.Sprintf("%q is not a name", name), "use at most 63 lower case letters, digits and -, with a letter or digit at both ends")
	}
}

func (s *sink) atLeastASecond(field string, d time.Duration) {
	if d != 0 && d < time.Second {
		s.add(field, fmt.Sprintf("%s is too short", d), "give at least 1s")
	}
}

func badPath(p string) string {
	switch {
	case strings.HasPrefix(p, "/"):
		return "is absolute"
	case strings.Contains(p, "://"):
		return "is a URL"
	case strings.Contains(p, `\`):
		return "has a backslash"
	case hasControl(p):
		return "has a control character"
	}
	for name := range strings.SplitSeq(p, "/") {
		if name == ".." {
			return "has .. in it"
		}
	}
	return ""
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// commitID is a whole object id, SHA-1 or SHA-256.
var commitID = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

func validateGit(s *sink, field string, g Git) {
	set := 0
	for _, ref := range []string{g.Branch, g.Tag, g.Commit} {
		if ref != "" {
			set++
		}
	}
	if set > 1 {
		s.add(field, "more than one of branch, tag and commit is given", "keep one of them")
	}
	if g.Commit != "" && !commitID.MatchString(g.Commit) {
		s.add(field+".commit", fmt.Sprintf("%q is not a commit's id", g.Commit), "give all 40 hexadecimal digits, in lower case (git rev-parse prints them)")
	}
	s.ref(field, "branch", g.Branch)
	s.ref(field, "tag", g.Tag)
	if why := badURL(g.URL); why != "" {
		s.add(field+".url", why, "give a URL such as https://git.example.com/shop.git; credentials are given to the daemon")
	}
}

func (s *sink) ref(field, kind, name string) {
	if why := badRef(name); why != "" {
		s.add(field+"."+kind, fmt.Sprintf("%q %s", name, why), "give the "+kind+"'s name")
	}
}

// badRef says why Git wouldn't take a name for a branch or tag.
func badRef(name string) string {
	switch {
	case strings.HasPrefix(name, "refs/"):
		return "has refs/ before the name"
	case strings.HasPrefix(name, "-"), strings.HasPrefix(name, "/"), strings.HasSuffix(name, "/"), strings.HasSuffix(name, "."),
		strings.HasSuffix(name, ".lock"), strings.Contains(name, ".."), strings.Contains(name, "//"), strings.Contains(name, "@{"),
		strings.ContainsAny(name, " ~^:?*[\\"), hasControl(name):
		return "is not a name that Git takes"
	}
	return ""
}

// badURL says why a repository's URL is refused. It doesn't quote the URL,
// which may hold a password.
func badURL(u string) string {
	parsed, err := url.Parse(u)
	switch {
	case hasControl(u), strings.HasPrefix(u, "-"), strings.Contains(u, "::"):
		return "is not a URL that is fetched from"
	case err != nil && strings.Contains(u, "://"):
		return "is not a URL"
	case err == nil && parsed.User != nil && hasPassword(parsed.User):
		return "has a password in it"
	}
	return ""
}

func hasPassword(u *url.Userinfo) bool {
	_, has := u.Password()
	return has
}

func validateRender(s *sink, r Render) {
	var given []string
	for _, way := range []struct {
		name string
		is   bool
	}{{RendererPlain, r.Plain != nil}, {RendererKustomize, r.Kustomize != nil}, {RendererHelm, r.Helm != nil}} {
		if way.is {
			given = append(given, way.name)
		}
	}
	if len(given) > 1 {
		s.add("spec.render", "more than one way is given", "keep one of "+strings.Join(given, " and "))
	}
	if r.Kustomize != nil {
		validateKustomize(s, *r.Kustomize)
	}
	if r.Helm != nil {
		validateHelm(s, *r.Helm)
		validateImages(s, "spec.render.helm.images", r.Helm.Images)
		validatePatches(s, "spec.render.helm.patches", r.Helm.Patches)
	}
	if r.Substitute != nil {
		validateSubstitute(s, *r.Substitute)
	}
}

// maxReleaseName is how long Helm lets the name of a release be.
const maxReleaseName = 53

// kubeVersion is a version of Kubernetes, whole or without its last part.
var kubeVersion = regexp.MustCompile(`^v?[0-9]{1,3}\.[0-9]{1,3}(\.[0-9]{1,4}([-+.][0-9A-Za-z.+-]{1,60})?)?$`)

func validateHelm(s *sink, h Helm) {
	const field = "spec.render.helm"
	if name := h.ReleaseName; len(name) > maxReleaseName || name != "" && len(validation.IsDNS1123Subdomain(name)) > 0 {
		s.add(field+".releaseName", fmt.Sprintf("%q is not the name of a release", name), "use at most 53 lower case letters, digits, - and ., with a letter or digit at both ends")
	}
	for i, file := range h.ValueFiles {
		if why := badPattern(file); why != "" {
			s.add(fmt.Sprintf("%s.valueFiles[%d]", field, i), fmt.Sprintf("%q %s", file, why),
				"name a file from the chart's folder, such as values-production.yaml, or with a leading / from the repository's top")
		}
	}
	validateValuesFrom(s, field+".valuesFrom", h.ValuesFrom)
	if v := h.KubeVersion; v != "" && !kubeVersion.MatchString(v) {
		s.add(field+".kubeVersion", fmt.Sprintf("%q is not a version of Kubernetes", v), "write it like "+DefaultKubeVersion+" or v1.34.2-gke.100")
	}
	for i, v := range h.APIVersions {
		if v == "" || strings.Count(v, "/") > 2 || strings.ContainsAny(v, " \t\n\\") || hasControl(v) {
			s.add(fmt.Sprintf("%s.apiVersions[%d]", field, i), fmt.Sprintf("%q is not an API", v), "write it like monitoring.coreos.com/v1, or with the kind behind another slash")
		}
	}
}

// badPattern says why a path or pattern of value files is refused. That it
// stays in the repository is for who knows where the chart is.
func badPattern(p string) string {
	_, err := path.Match(p, "")
	_, below, _ := strings.Cut(p, "/")
	switch {
	case strings.Trim(p, "/") == "", strings.HasPrefix(p, "@") && strings.Trim(below, "/") == "":
		return "names no file"
	case err != nil:
		return "is not a pattern"
	case strings.Contains(p, "**"):
		return "has ** in it, which means nothing here"
	case strings.HasPrefix(p, "/"):
		return badPath(strings.TrimPrefix(p, "/"))
	}
	for strings.HasPrefix(p, "../") {
		p = strings.TrimPrefix(p, "../")
	}
	return badPath(p)
}

func validateSync(s *sink, sync Sync) {
	s.oneOf("spec.sync.mode", string(sync.Mode), string(SyncAuto), string(SyncApprove), string(SyncObserve))
	s.oneOf("spec.sync.drift", string(sync.Drift), string(DriftCorrect), string(DriftAlert), string(DriftIgnore))
	s.oneOf("spec.sync.validate", string(sync.Validate), string(ValidateApply), string(ValidateFirst))
	s.oneOf("spec.sync.onFailure", string(sync.OnFailure), string(FailureNone), string(FailureHold), string(FailureRollback))
	if sync.Approval.NotAuthor && sync.Mode != SyncApprove {
		s.add("spec.sync.approval.notAuthor", "is given, but nothing waits for approval", "set spec.sync.mode to approve, or remove it")
	}
	validateReplace(s, sync.Replace)
	validateWindows(s, "spec.sync.windows", sync.Windows)
}

func (s *sink) oneOf(field, value string, allowed ...string) {
	if value == "" {
		return
	}
	for _, a := range allowed {
		if value == a {
			return
		}
	}
	if later, known := notYet[field+"="+value]; known {
		s.add(field, later.what, later.do)
		return
	}
	last := len(allowed) - 1
	s.add(field, fmt.Sprintf("%q is none of its values", value), "use "+strings.Join(allowed[:last], ", ")+" or "+allowed[last])
}

func validateDependsOn(s *sink, a App) {
	own := Default(App{ObjectMeta: a.ObjectMeta}).ID()
	for i, d := range a.Spec.DependsOn {
		field := fmt.Sprintf("spec.dependsOn[%d]", i)
		s.label(field+".name", d.Name, true)
		s.label(field+".namespace", d.Namespace, false)
		if d.Namespace == "" {
			d.Namespace, _, _ = strings.Cut(own, "/")
		}
		if d.ID() == own {
			s.add(field, "the App depends on itself", "remove it")
		}
	}
}

func validateIgnore(s *sink, ignore []Ignore) {
	for i, rule := range ignore {
		field := fmt.Sprintf("spec.ignore[%d]", i)
		validatePointers(s, field, pointers{rule.Kind, rule.Fields, "are left to others", "/spec/replicas"})
		for j, pointer := range rule.Fields {
			if slices.Contains(identity, pointer) {
				s.add(fmt.Sprintf("%s.fields[%d]", field, j), pointer+" is what the object is known by", "leave it out, and name a field below /spec or /data")
			}
		}
	}
}

func validateSensitive(s *sink, sensitive []Sensitive) {
	for i, rule := range sensitive {
		validatePointers(s, fmt.Sprintf("spec.sensitive[%d]", i), pointers{rule.Kind, rule.Fields, "are not shown", "/spec/password"})
	}
}

// pointers are the fields of objects of a kind, and what the rule that lists
// them is for, for messages.
type pointers struct {
	kind    string
	fields  []string
	purpose string
	example string
}

func validatePointers(s *sink, field string, p pointers) {
	if p.kind == "" {
		s.add(field+".kind", "is missing", "name the kind whose fields "+p.purpose+", such as Deployment")
	}
	if len(p.fields) == 0 {
		s.add(field+".fields", "is missing", "list the fields that "+p.purpose+", such as "+p.example)
	}
	for j, pointer := range p.fields {
		if !isPointer(pointer) {
			s.add(fmt.Sprintf("%s.fields[%d]", field, j), fmt.Sprintf("%q is not a JSON pointer", pointer), "write it like "+p.example)
		}
	}
}

// validateProject holds a Project's reference to NAME or NAMESPACE/NAME.
func validateProject(s *sink, project string) {
	if project == "" {
		return
	}
	for part := range strings.SplitSeq(project, "/") {
		if len(validation.IsDNS1123Label(part)) > 0 || strings.Count(project, "/") > 1 {
			s.add("spec.project", fmt.Sprintf("%q is not the name of a Project", project), "give its NAME, or NAMESPACE/NAME where it is declared in another namespace")
			return
		}
	}
}

// identity are the fields that no rule can leave to others.
var identity = []string{"/apiVersion", "/kind", "/metadata", "/metadata/name", "/metadata/namespace", "/metadata/labels", "/metadata/annotations"}

// isPointer says whether p is a JSON pointer (RFC 6901) to a field, and not to
// the whole object.
func isPointer(p string) bool {
	if len(p) < 2 || p[0] != '/' {
		return false
	}
	for i := range len(p) {
		if p[i] == '~' && (i+1 == len(p) || p[i+1] != '0' && p[i+1] != '1') {
			return false
		}
	}
	return true
}
