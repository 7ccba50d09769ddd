package v1alpha1

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// rest is the rest of a chart that is sound.
const rest = "repository: 'https://charts.example.com/a', name: podinfo"

func TestDecodeCharts(t *testing.T) {
	t.Parallel()
	const (
		repository = "; give a URL such as https://charts.example.com or oci://registry.example.com/charts; credentials are given to the daemon"
		version    = `; write it like 6.5.4, 6.x, ^6.5 or ">=6.1 <7"`
		pgp        = "-----BEGIN PGP PUBLIC KEY BLOCK-----\\n\\nmQ==\\n-----END PGP PUBLIC KEY BLOCK-----\\n"
		pem        = "-----BEGIN PUBLIC KEY-----\\nMFk=\\n-----END PUBLIC KEY-----\\n"
	)
	for _, test := range []struct{ chart, want string }{
		{rest, ""},
		{rest + ", version: 6.x", ""},
		{rest + ", version: '>=1.2 <2 || 3.x - 4'", ""},
		{rest + ", version: '1 - 2.3'", ""},
		{rest + ", version: '~1.2.3-rc.1, !=1.2.4+build.5'", ""},
		{rest + ", version: '*'", ""},
		{rest + ", verify: {provenance: \"" + pgp + "\"}", ""},
		{"repository: oci://registry.example.com/charts, name: podinfo, digest: 'sha256:" + strings.Repeat("0a", 32) + "', verify: {cosign: \"" + pem + "\"}", ""},
		{"repository: 'http://127.0.0.1:8080/x', name: podinfo", ""},
		{"name: podinfo", "repository: is missing" + repository},
		{"repository: 'https://me:secret@charts.example.com', name: x", "repository: has credentials in it" + repository},
		{"repository: 'oci://secret@registry.example.com', name: x", "repository: has credentials in it" + repository},
		{"repository: 'http://charts.example.com', name: x", "repository: is without protection, which is for this machine alone" + repository},
		{"repository: 'file:///etc', name: x", "repository: is neither https:// nor oci://" + repository},
		{"repository: 'https:///x', name: x", "repository: names no host" + repository},
		{"repository: 'https://h/x?a=b', name: x", "repository: has a query or a fragment" + repository},
		{"repository: 'https://h/x#', name: x", "repository: has a query or a fragment" + repository},
		{"repository: 'https://h/../x', name: x", "repository: has a path that leads elsewhere" + repository},
		{"repository: 'https://h/%2e%2e/x', name: x", "repository: has a path that leads elsewhere" + repository},
		{"repository: 'https://h/a%2fx', name: x", "repository: has a path that leads elsewhere" + repository},
		{"repository: \"https://h/a\\nb\", name: x", "repository: is not a URL" + repository},
		{"repository: '-oX', name: x", "repository: is not a URL" + repository},
		{"repository: 'https://h', name: ../x", `name: "../x" is not the name of a chart; give the name alone, as it stands in Chart.yaml; folders belong to repository`},
		{"repository: 'https://h'", `name: "" is not the name of a chart; give the name alone, as it stands in Chart.yaml; folders belong to repository`},
		{rest + ", version: latest", `version: "latest" is not a version, nor a range of them` + version},
		{rest + ", version: '>'", `version: ">" is not a version, nor a range of them` + version},
		{rest + ", version: '1 ||'", `version: "1 ||" is not a version, nor a range of them` + version},
		{rest + ", version: 1.2", "version: is a number, not text; quote it"},
		{rest + ", digest: 'sha256:0A'", `digest: "sha256:0A" is not a digest; write it like sha256:… with 64 hexadecimal digits, in lower case`},
		{rest + ", verify: {}", "verify: names no key; give provenance or cosign, or leave verify out"},
		{rest + ", verify: {provenance: \"" + pgp + "\", cosign: \"" + pem + "\"}", "verify: more than one of provenance and cosign is given; keep one of them"},
		{rest + ", verify: {cosign: \"" + pem + "\"}", ""}, // its index may say that the chart is in a registry
		{rest + ", verify: {cosign: awskms:///alias/a}", "verify.cosign: is not a public key: it has to begin with -----BEGIN PUBLIC KEY-----; write what is in cosign.pub, or what cosign public-key --key prints of another; keyless signatures are not supported"},
		{rest + ", verify: {provenance: a.asc}", "verify.provenance: is not a public key: it has to begin with -----BEGIN PGP PUBLIC KEY BLOCK-----; write what gpg --armor --export KEY prints"},
	} {
		t.Run(test.chart, func(t *testing.T) {
			t.Parallel()
			for field, around := range map[string]string{"spec.source.chart.": "chart: {%}", "spec.source.with[0].chart.": "with: [{name: a, chart: {%}}]"} {
				_, errs := Decode(document(t, head+"metadata: {name: a}\nspec: {source: {"+strings.Replace(around, "%", test.chart, 1)+"}}\n"))
				var got []string
				for _, err := range errs {
					got = append(got, strings.TrimPrefix(err.Error(), field))
				}
				if diff := cmp.Diff(test.want, strings.Join(got, "\n")); diff != "" {
					t.Errorf("%s(-want +got)\n%s", field, diff)
				}
			}
		})
	}
}

func TestDecodeWith(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ spec, want string }{
		{"source: {with: [{name: values, git: {url: 'https://git.example.com/x', branch: main}}, {name: base, chart: {" + rest + "}}]}", ""},
		{"source: {with: [{git: {branch: main}}]}", "spec.source.with[0].name: is missing; give the source a name, by which paths reach it as @NAME/PATH"},
		{"source: {with: [{name: a/b, git: {}}]}", `spec.source.with[0].name: "a/b" is not a name; use at most 63 lower case letters, digits and -, with a letter or digit at both ends`},
		{"source: {with: [{name: chart, git: {}}]}", `spec.source.with[0].name: "chart" is a name of Plumb's own; use another`},
		{"source: {with: [{name: need-1, git: {}}]}", `spec.source.with[0].name: "need-1" is a name of Plumb's own; use another`},
		{"source: {with: [{name: a, git: {}}, {name: a, git: {}}]}", `spec.source.with[1].name: "a" is the name of another source already; use another`},
		{"source: {with: [{name: a}]}", "spec.source.with[0]: needs one of git and chart; name the repository, or the chart, that it stands for"},
		{"source: {with: [{name: a, git: {}, chart: {" + rest + "}}]}", "spec.source.with[0]: needs one of git and chart; name the repository, or the chart, that it stands for"},
		{"source: {with: [{name: a, git: {branch: a, tag: b}}]}", "spec.source.with[0].git: more than one of branch, tag and commit is given; keep one of them"},
		{"source: {with: [{name: a, git: {tag: -x}}]}", `spec.source.with[0].git.tag: "-x" is not a name that Git takes; give the tag's name`},
		{"source: {chart: {" + rest + "}}, render: {kustomize: {}}", "spec.render.kustomize: is given beside spec.source.chart, which Helm renders; use spec.render.helm"},
		{"source: {chart: {" + rest + "}}, render: {helm: {}}", ""},
		{"source: {helm: {}}", "spec.source.helm: there is no such field: a chart of a Helm repository is spec.source.chart; write chart: {repository: https://…, name: …, version: …}"},
	} {
		t.Run(test.spec, func(t *testing.T) {
			t.Parallel()
			_, errs := Decode(document(t, head+"metadata: {name: a}\nspec: {"+test.spec+"}\n"))
			var got []string
			for _, err := range errs {
				got = append(got, err.Error())
			}
			if diff := cmp.Diff(test.want, strings.Join(got, "\n")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// What is defaulted shares nothing with what was declared.
func TestDefaultChart(t *testing.T) {
	t.Parallel()
	a := App{}
	a.Spec.Source.Chart = &Chart{Name: "a", Verify: &Verify{Cosign: "k"}}
	a.Spec.Source.With = []Other{{Name: "a", Git: &Git{URL: "u"}}, {Name: "b", Chart: &Chart{Name: "b", Verify: &Verify{Cosign: "k"}}}}
	d := Default(a)
	if diff := cmp.Diff(a.Spec.Source.Chart, d.Spec.Source.Chart) + cmp.Diff(a.Spec.Source.With, d.Spec.Source.With); diff != "" {
		t.Error(diff)
	}
	d.Spec.Source.Chart.Verify.Cosign, d.Spec.Source.With[0].Git.URL, d.Spec.Source.With[1].Chart.Verify.Cosign = "x", "x", "x"
	if a.Spec.Source.Chart.Verify.Cosign != "k" || a.Spec.Source.With[0].Git.URL != "u" || a.Spec.Source.With[1].Chart.Verify.Cosign != "k" {
		t.Error("they share what can be changed")
	}
}
