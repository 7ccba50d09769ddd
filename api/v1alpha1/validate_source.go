package v1alpha1

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

func validateSource(s *sink, source Source) {
	if why := badPath(source.Path); why != "" {
		s.add("spec.source.path", fmt.Sprintf("%q %s", source.Path, why), "name a folder in the repository, from its top, such as apps/shop")
	}
	s.atLeastASecond("spec.source.every", source.Every.Duration)
	if source.Git != nil {
		validateGit(s, "spec.source.git", *source.Git)
	}
	if source.Chart != nil {
		validateChart(s, "spec.source.chart", *source.Chart)
	}
	validateWith(s, source.With)
}

// ownMount begins the names that sources get which no App named.
const ownMount = "need-"

func validateWith(s *sink, with []Other) {
	named := map[string]bool{}
	for i, other := range with {
		field := fmt.Sprintf("spec.source.with[%d]", i)
		switch {
		case other.Name == "":
			s.add(field+".name", "is missing", "give the source a name, by which paths reach it as @NAME/PATH")
		case len(validation.IsDNS1123Label(other.Name)) > 0:
			s.add(field+".name", fmt.Sprintf("%q is not a name", other.Name), "use at most 63 lower case letters, digits and -, with a letter or digit at both ends")
		case other.Name == "chart", strings.HasPrefix(other.Name, ownMount):
			s.add(field+".name", fmt.Sprintf("%q is a name of Plumb's own", other.Name), "use another")
		case named[other.Name]:
			s.add(field+".name", fmt.Sprintf("%q is the name of another source already", other.Name), "use another")
		}
		named[other.Name] = true
		switch {
		case (other.Git == nil) == (other.Chart == nil):
			s.add(field, "needs one of git and chart", "name the repository, or the chart, that it stands for")
		case other.Git != nil:
			validateGit(s, field+".git", *other.Git)
		default:
			validateChart(s, field+".chart", *other.Chart)
		}
	}
}

var (
	// chartName is a name that is one part of a path, in every registry.
	chartName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)
	digest    = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
	// versionRange is the shape of a range of semantic versions: comparisons
	// beside each other, alternatives between ||, or two versions with a dash.
	versionRange = regexp.MustCompile(`^` + alternative + `(\s*\|\|\s*` + alternative + `)*$`)
)

const (
	oneVersion  = `v?([0-9]{1,18}|[xX*])(\.([0-9]{1,18}|[xX*])){0,2}(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?`
	comparison  = `(=|!=|>|<|>=|=>|<=|=<|~|~>|\^)?\s*` + oneVersion
	alternative = `\s*(` + oneVersion + `\s+-\s+` + oneVersion + `|` + comparison + `([\s,]+` + comparison + `)*)\s*`
	// maxRange bounds what is read as a range.
	maxRange = 256
)

func validateChart(s *sink, field string, c Chart) {
	if why := badRepository(c.Repository); why != "" {
		s.add(field+".repository", why, "give a URL such as https://charts.example.com or oci://registry.example.com/charts; credentials are given to the daemon")
	}
	if !chartName.MatchString(c.Name) {
		s.add(field+".name", fmt.Sprintf("%q is not the name of a chart", c.Name), "give the name alone, as it stands in Chart.yaml; folders belong to repository")
	}
	if c.Version != "" && (len(c.Version) > maxRange || !versionRange.MatchString(c.Version)) {
		s.add(field+".version", fmt.Sprintf("%q is not a version, nor a range of them", c.Version), `write it like 6.5.4, 6.x, ^6.5 or ">=6.1 <7"`)
	}
	if c.Digest != "" && !digest.MatchString(c.Digest) {
		s.add(field+".digest", fmt.Sprintf("%q is not a digest", c.Digest), "write it like sha256:… with 64 hexadecimal digits, in lower case")
	}
	if c.Verify != nil {
		validateVerify(s, field, c)
	}
}

func validateVerify(s *sink, field string, c Chart) {
	armour := func(name, key, begin, how string) {
		if text := strings.TrimSpace(key); text != "" && (!strings.HasPrefix(text, "-----BEGIN "+begin+"-----") || !strings.HasSuffix(text, "-----END "+begin+"-----")) {
			s.add(field+".verify."+name, "is not a public key: it has to begin with -----BEGIN "+begin+"-----", how)
		}
	}
	switch {
	case c.Verify.Provenance == "" && c.Verify.Cosign == "":
		s.add(field+".verify", "names no key", "give provenance or cosign, or leave verify out")
	case c.Verify.Provenance != "" && c.Verify.Cosign != "":
		s.add(field+".verify", "more than one of provenance and cosign is given", "keep one of them")
	}
	armour("provenance", c.Verify.Provenance, "PGP PUBLIC KEY BLOCK", "write what gpg --armor --export KEY prints")
	armour("cosign", c.Verify.Cosign, "PUBLIC KEY", "write what is in cosign.pub, or what cosign public-key --key prints of another; keyless signatures are not supported")
}

// badRepository says why no charts are fetched from a URL. It doesn't quote the
// URL, which may hold a password.
func badRepository(u string) string {
	parsed, err := url.Parse(u)
	switch {
	case u == "":
		return "is missing"
	case err != nil, hasControl(u), strings.ContainsAny(u, " \\"), strings.HasPrefix(u, "-"):
		return "is not a URL"
	case parsed.User != nil:
		return "has credentials in it"
	case parsed.RawQuery != "" || parsed.ForceQuery || strings.Contains(u, "#"):
		return "has a query or a fragment"
	case parsed.Scheme == "http" && !loopback.MatchString(parsed.Hostname()):
		return "is without protection, which is for this machine alone"
	case parsed.Scheme != "https" && parsed.Scheme != "oci" && parsed.Scheme != "http":
		return "is neither https:// nor oci://"
	case parsed.Hostname() == "":
		return "names no host"
	case strings.Contains("/"+parsed.Path+"/", "/../") || strings.Contains("/"+parsed.Path+"/", "/./") || strings.Contains(strings.ToLower(parsed.EscapedPath()), "%2f"):
		return "has a path that leads elsewhere"
	}
	return ""
}

// loopback are the hosts that are this machine by their name alone.
var loopback = regexp.MustCompile(`^(localhost|127(\.[0-9]{1,3}){3}|::1)$`)

// validateChartRender turns down other ways to render a chart than Helm's.
func validateChartRender(s *sink, source Source, r Render) {
	for _, other := range []struct {
		name  string
		given bool
	}{{RendererPlain, r.Plain != nil}, {RendererKustomize, r.Kustomize != nil}} {
		if source.Chart != nil && other.given {
			s.add("spec.render."+other.name, "is given beside spec.source.chart, which Helm renders", "use spec.render.helm")
		}
	}
}
