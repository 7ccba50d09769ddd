package registry_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	ggcr "github.com/google/go-containerregistry/pkg/registry"
	"helm.sh/helm/v4/pkg/provenance"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/registry"
	"plumb.dev/plumb/internal/registry/registrytest"
	"plumb.dev/plumb/internal/signature"
)

func wants(t *testing.T, v v1alpha1.Verify) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestProvenance: a package counts only if its provenance file is signed, and is
// about it, whether it is from a chart repository or a registry.
func TestProvenance(t *testing.T) {
	t.Parallel()
	key, err := openpgp.NewEntity("Ada", "", "ada@example.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	var public bytes.Buffer
	w, err := armor.Encode(&public, "PGP PUBLIC KEY BLOCK", nil)
	if err == nil {
		err = errors.Join(key.Serialize(w), w.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	verify := wants(t, v1alpha1.Verify{Provenance: public.String()})
	sign := func(version string, packed []byte) []byte {
		signed, err := (&provenance.Signatory{Entity: key}).ClearSign(packed, "shop-"+version+".tgz", []byte("name: shop\n"))
		if err != nil {
			t.Fatal(err)
		}
		return []byte(signed)
	}
	charts, server := registrytest.NewCharts(t), registrytest.NewRegistry(t)
	packed := registrytest.Package(t, "shop", "1.0.0", nil)
	charts.Push(t, "shop", "1.0.0", nil)
	charts.Serve("/shop-1.0.0.tgz.prov", sign("1.0.0", packed))
	server.PushPackage("charts/shop:1.0.0", packed, sign("1.0.0", packed))
	for _, url := range []string{charts.URL, server.Folder("charts")} {
		r := at(t, newRegistry(t, registry.Options{}), url)
		want := registry.Want{Chart: "shop", Version: "1.x", Verify: verify}
		expect(t, r, want, "1.0.0", registrytest.Digest(packed))
		expect(t, r, want, "1.0.0", registrytest.Digest(packed))
	}
	if n := charts.Requests("/shop-1.0.0.tgz.prov"); n != 1 {
		t.Errorf("the provenance file was downloaded %d times", n)
	}
	// A new version that isn't signed, is signed as another, or not by the key.
	charts.Push(t, "shop", "1.1.0", nil)
	charts.Push(t, "shop", "2.0.0", nil)
	charts.Serve("/shop-2.0.0.tgz.prov", sign("1.0.0", packed))
	server.Push("charts", "shop", "1.1.0", nil)
	server.PushPackage("charts/shop:2.0.0", registrytest.Package(t, "shop", "2.0.0", nil), sign("1.0.0", packed))
	for _, url := range []string{charts.URL, server.Folder("charts")} {
		r := at(t, newRegistry(t, registry.Options{}), url)
		for version, says := range map[string]string{"1.x": "it has no provenance file", "2.x": "is not about shop-2.0.0.tgz"} {
			if _, err := fetch(t, r, registry.Credentials{}, registry.Want{Chart: "shop", Version: version, Verify: verify}); !errors.Is(err, signature.ErrUnverified) || !strings.Contains(err.Error(), says) {
				t.Errorf("%s %s: %v, want %q", url, version, err, says)
			}
		}
		if _, err := fetch(t, r, registry.Credentials{}, registry.Want{Chart: "shop", Version: "1.x", Verify: "{}"}); !errors.Is(err, signature.ErrUnverified) {
			t.Errorf("%s, no key: %v", url, err)
		}
	}
	// That it can't be fetched now is no answer.
	charts.Wrap(only("/shop-1.0.0.tgz.prov", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "", http.StatusInternalServerError) })))
	if _, err := fetch(t, at(t, newRegistry(t, registry.Options{}), charts.URL), registry.Credentials{}, registry.Want{Chart: "shop", Version: "1.0.0", Verify: verify}); !errors.Is(err, registry.ErrServer) {
		t.Error(err)
	}
}

// cosignKey is a key of cosign's usual kind: its public half as PEM, and what
// signs with the other.
func cosignKey(t *testing.T) (public string, sign func([]byte) []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), func(payload []byte) []byte {
		sum := sha256.Sum256(payload)
		signed, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
}

func TestCosign(t *testing.T) {
	t.Parallel()
	public, sign := cosignKey(t)
	verify := wants(t, v1alpha1.Verify{Cosign: public})
	server := registrytest.NewRegistry(t)
	digest, manifest := server.Push("charts", "shop", "1.0.0", nil)
	server.Sign("charts/shop", manifest, sign)
	r := at(t, newRegistry(t, registry.Options{}), server.Folder("charts"))
	want := registry.Want{Chart: "shop", Version: "1.x", Verify: verify}
	expect(t, r, want, "1.0.0", digest)
	_, second := server.Push("charts", "shop", "1.1.0", nil)
	if _, err := fetch(t, r, registry.Credentials{}, want); !errors.Is(err, signature.ErrUnverified) || !strings.Contains(err.Error(), "it has no signature") {
		t.Errorf("without a signature: %v", err)
	}
	server.Sign("charts/shop", second, func([]byte) []byte { return []byte("x") })
	if _, err := fetch(t, r, registry.Credentials{}, want); !errors.Is(err, signature.ErrUnverified) || !strings.Contains(err.Error(), "not one of the key") {
		t.Errorf("with another's signature: %v", err)
	}
	server.Sign("charts/shop", second, sign)
	if p, err := fetch(t, r, registry.Credentials{}, want); err != nil || p.Version != "1.1.0" {
		t.Errorf("signed later: %+v, %v", p, err)
	}
	const predicate = "https://sigstore.dev/cosign/sign/v1"
	for name, server := range map[string]*registrytest.Registry{"listed in a tag": registrytest.NewRegistry(t), "listed by the registry": registrytest.NewRegistry(t, ggcr.WithReferrersSupport(true))} {
		digest, manifest := server.Push("charts", "shop", "1.0.0", nil)
		r := at(t, newRegistry(t, registry.Options{}), server.Folder("charts"))
		server.SignBundle("charts/shop", manifest, "https://spdx.dev/Document", sign)
		if _, err := fetch(t, r, registry.Credentials{}, want); !errors.Is(err, signature.ErrUnverified) {
			t.Errorf("%s, another statement: %v", name, err)
		}
		server.SignBundle("charts/shop", manifest, predicate, func([]byte) []byte { return []byte("x") })
		if _, err := fetch(t, r, registry.Credentials{}, want); !errors.Is(err, signature.ErrUnverified) {
			t.Errorf("%s, another's signature: %v", name, err)
		}
		server.SignBundle("charts/shop", manifest, predicate, sign)
		expect(t, r, want, "1.0.0", digest)
	}
}

// TestIndexes: a reference may be an index over manifests, of which one is the
// chart. Either may be signed.
func TestIndexes(t *testing.T) {
	t.Parallel()
	public, sign := cosignKey(t)
	server := registrytest.NewRegistry(t)
	digest, chart := server.Push("charts", "shop", "1.0.0", nil)
	_, other := server.Push("charts", "shop", "1.1.0", nil)
	about := server.PushLayers("charts/shop:about", registrytest.Layer{Type: "application/vnd.in-toto+json", Content: []byte("{}")})
	folder := server.PushLayers("charts/shop:folder", registrytest.Layer{Type: "application/vnd.oci.image.layer.v1.tar+gzip", Content: []byte("no chart")})
	for tag, manifests := range map[string][]string{"1.0.0": {about, folder, chart}, "3.0.0": {chart, other}, "4.0.0": {about, folder}, "5.0.0": nil, "6.0.0": slices.Repeat([]string{chart}, 40)} {
		server.PushIndex("charts/shop:"+tag, manifests...)
	}
	r := at(t, newRegistry(t, registry.Options{}), server.Folder("charts"))
	expect(t, r, registry.Want{Chart: "shop", Version: "1.0.0"}, "1.0.0", digest)
	for version, test := range map[string]struct {
		want error
		says string
	}{
		"3.0.0": {registry.ErrDamaged, "an index of 2 manifests, of which 2 are charts"},
		"4.0.0": {registry.ErrDamaged, "an index of 2 manifests, of which 0 are charts"},
		"5.0.0": {registry.ErrDamaged, "an index of 0 manifests"},
		"6.0.0": {registry.ErrTooLarge, "more than 32 manifests"},
	} {
		if _, err := fetch(t, r, registry.Credentials{}, registry.Want{Chart: "shop", Version: version}); !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want %q", version, err, test.says)
		}
	}
	want := registry.Want{Chart: "shop", Version: "1.0.0", Verify: wants(t, v1alpha1.Verify{Cosign: public})}
	if _, err := fetch(t, r, registry.Credentials{}, want); !errors.Is(err, signature.ErrUnverified) {
		t.Errorf("without a signature: %v", err)
	}
	server.Sign("charts/shop", server.PushIndex("charts/shop:1.0.0", about, folder, chart), sign)
	expect(t, r, want, "1.0.0", digest)
	two, manifest := server.Push("charts", "other", "2.0.0", nil)
	index := server.PushIndex("charts/other:2.0.0", manifest)
	server.Sign("charts/other", manifest, sign)
	expect(t, r, registry.Want{Chart: "other", Version: "2.0.0", Digest: index, Verify: want.Verify}, "2.0.0", two)
}

// TestKeyless: signatures without a key are told from those of another key.
func TestKeyless(t *testing.T) {
	t.Parallel()
	public, sign := cosignKey(t)
	verify := wants(t, v1alpha1.Verify{Cosign: public})
	charts, server := registrytest.NewCharts(t), registrytest.NewRegistry(t)
	digest, manifest := server.Push("charts", "shop", "1.0.0", nil)
	tag := "charts/shop:" + strings.Replace(manifest, ":", "-", 1) + ".sig"
	server.PushLayers(tag, registrytest.Layer{Type: "application/vnd.dev.cosign.simplesigning.v1+json", Content: []byte("{}"), Annotations: map[string]string{
		"dev.cosignproject.cosign/signature": "MEUC", "dev.sigstore.cosign/certificate": "-----BEGIN CERTIFICATE-----",
	}})
	r := at(t, newRegistry(t, registry.Options{}), server.Folder("charts"))
	want := registry.Want{Chart: "shop", Verify: verify}
	if _, err := fetch(t, r, registry.Credentials{}, want); !errors.Is(err, signature.ErrKeyless) {
		t.Errorf("a signature with a certificate: %v", err)
	}
	server.Sign("charts/shop", manifest, sign)
	expect(t, r, want, "1.0.0", digest)
	charts.Push(t, "shop", "1.0.0", nil)
	if _, err := fetch(t, at(t, newRegistry(t, registry.Options{}), charts.URL), registry.Credentials{}, want); !errors.Is(err, signature.ErrUnverified) || !strings.Contains(err.Error(), "it is in no registry") {
		t.Errorf("a package that is in no registry: %v", err)
	}
}
