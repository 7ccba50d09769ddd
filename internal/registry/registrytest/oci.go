package registrytest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	helm "helm.sh/helm/v4/pkg/registry"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/registry/remote"
)

// Registry is an OCI registry.
type Registry struct {
	*httptest.Server
	t testing.TB

	mu   sync.Mutex
	wrap func(http.Handler) http.Handler
}

// NewRegistry serves an empty registry over HTTP, on this machine.
func NewRegistry(t testing.TB, options ...registry.Option) *Registry {
	t.Helper()
	r := &Registry{t: t, wrap: present}
	r.Server = started(t, r.handler(options...), (*httptest.Server).Start)
	return r
}

// NewTLSRegistry serves one over HTTPS; CA is to be trusted then.
func NewTLSRegistry(t testing.TB) *Registry {
	t.Helper()
	r := &Registry{t: t, wrap: present}
	r.Server = started(t, r.handler(), (*httptest.Server).StartTLS)
	return r
}

func (r *Registry) handler(options ...registry.Option) http.Handler {
	inside := registry.New(append(options, registry.Logger(log.New(io.Discard, "", 0)))...)
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		wrap := r.wrap
		r.mu.Unlock()
		wrap(inside).ServeHTTP(w, req)
	})
}

// Wrap puts something before the registry; nil takes it away.
func (r *Registry) Wrap(wrap func(http.Handler) http.Handler) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.wrap = wrap; wrap == nil {
		r.wrap = present
	}
}

// Host is its host and port.
func (r *Registry) Host() string { return r.Listener.Addr().String() }

// Folder is the URL of a folder in it.
func (r *Registry) Folder(path string) string {
	return strings.TrimSuffix("oci://"+r.Host()+"/"+path, "/")
}

// Push pushes a chart with Helm's own client, and returns its package's digest
// and its manifest's. A provenance file may be given.
func (r *Registry) Push(folder, name, version string, files map[string]string, provenance ...[]byte) (packed, manifest string) {
	r.t.Helper()
	return r.PushPackage(folder+"/"+name+":"+strings.ReplaceAll(version, "+", "_"), Package(r.t, name, version, files), provenance...)
}

// PushPackage pushes a package under a reference without the host.
func (r *Registry) PushPackage(reference string, content []byte, provenance ...[]byte) (packed, manifest string) {
	r.t.Helper()
	options := []helm.ClientOption{helm.ClientOptHTTPClient(r.Client()), helm.ClientOptWriter(io.Discard)}
	if r.TLS == nil {
		options = append(options, helm.ClientOptPlainHTTP())
	}
	client, err := helm.NewClient(options...)
	if err != nil {
		r.t.Fatal(err)
	}
	push := []helm.PushOption{helm.PushOptStrictMode(false)}
	if len(provenance) > 0 {
		push = append(push, helm.PushOptProvData(provenance[0]))
	}
	result, err := client.Push(content, r.Host()+"/"+reference, push...)
	if err != nil {
		r.t.Fatal(err)
	}
	return result.Chart.Digest, result.Manifest.Digest
}

// PushLayers pushes a manifest of any layers, as other tools do, and returns its
// digest.
func (r *Registry) PushLayers(reference string, layers ...Layer) string {
	r.t.Helper()
	repository, tag, _ := strings.Cut(reference, ":")
	m := ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		Config: ocispec.DescriptorEmptyJSON,
	}
	r.upload(repository, []byte("{}"))
	for _, l := range layers {
		r.upload(repository, l.Content)
		m.Layers = append(m.Layers, ocispec.Descriptor{MediaType: l.Type, Digest: digest.FromBytes(l.Content), Size: int64(len(l.Content)), Annotations: l.Annotations})
	}
	content, err := json.Marshal(m)
	if err != nil {
		r.t.Fatal(err)
	}
	r.send(http.MethodPut, "/v2/"+repository+"/manifests/"+tag, m.MediaType, content)
	return Digest(content)
}

// PushIndex pushes an index over manifests that are in the same repository, and
// returns its digest.
func (r *Registry) PushIndex(reference string, manifests ...string) string {
	r.t.Helper()
	repository, tag, _ := strings.Cut(reference, ":")
	from := r.repository(repository)
	index := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex}
	for _, m := range manifests {
		at, err := from.Resolve(r.t.Context(), m)
		if err != nil {
			r.t.Fatal(err)
		}
		index.Manifests = append(index.Manifests, at)
	}
	content, err := json.Marshal(index)
	if err != nil {
		r.t.Fatal(err)
	}
	r.send(http.MethodPut, "/v2/"+repository+"/manifests/"+tag, index.MediaType, content)
	return Digest(content)
}

func (r *Registry) repository(name string) *remote.Repository {
	r.t.Helper()
	to, err := remote.NewRepository(r.Host() + "/" + name)
	if err != nil {
		r.t.Fatal(err)
	}
	to.PlainHTTP = r.TLS == nil
	return to
}

// Layer is one layer of a manifest.
type Layer struct {
	Type        string
	Content     []byte
	Annotations map[string]string
}

// Sign adds a signature to a manifest as cosign does: sign signs the payload.
func (r *Registry) Sign(repository, manifest string, sign func(payload []byte) []byte) {
	r.t.Helper()
	payload := fmt.Appendf(nil, `{"critical":{"identity":{"docker-reference":%q},"image":{"docker-manifest-digest":%q},"type":"cosign container image signature"},"optional":null}`, r.Host()+"/"+repository, manifest)
	r.PushLayers(repository+":"+strings.Replace(manifest, ":", "-", 1)+".sig", Layer{
		Type: "application/vnd.dev.cosign.simplesigning.v1+json", Content: payload,
		Annotations: map[string]string{"dev.cosignproject.cosign/signature": base64.StdEncoding.EncodeToString(sign(payload))},
	})
}

// SignBundle adds a signature to a manifest as cosign does since version 3: a
// bundle that refers to it. Where the registry can't list what refers to a
// manifest, it is listed in a tag. The predicate says what is signed.
func (r *Registry) SignBundle(repository, manifest, predicate string, sign func(signed []byte) []byte) {
	r.t.Helper()
	const inToto, bundleType = "application/vnd.in-toto+json", "application/vnd.dev.sigstore.bundle.v0.3+json"
	statement := fmt.Sprintf(`{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":%q}}],"predicateType":%q,"predicate":{}}`, strings.TrimPrefix(manifest, "sha256:"), predicate)
	signature := sign(fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(inToto), inToto, len(statement), statement))
	bundle := fmt.Appendf(nil, `{"mediaType":%q,"verificationMaterial":{"publicKey":{"hint":"x"}},"dsseEnvelope":{"payload":%q,"payloadType":%q,"signatures":[{"sig":%q}]}}`,
		bundleType, base64.StdEncoding.EncodeToString([]byte(statement)), inToto, base64.StdEncoding.EncodeToString(signature))
	to := r.repository(repository)
	subject, err := to.Resolve(r.t.Context(), manifest)
	if err != nil {
		r.t.Fatal(err)
	}
	layer, err := oras.PushBytes(r.t.Context(), to, bundleType, bundle)
	if err == nil {
		_, err = oras.PackManifest(r.t.Context(), to, oras.PackManifestVersion1_1, bundleType, oras.PackManifestOptions{Subject: &subject, Layers: []ocispec.Descriptor{layer}})
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *Registry) upload(repository string, content []byte) {
	r.t.Helper()
	r.send(http.MethodPost, "/v2/"+repository+"/blobs/uploads/?digest="+Digest(content), "application/octet-stream", content)
}

func (r *Registry) send(method, path, mediaType string, content []byte) {
	r.t.Helper()
	req, err := http.NewRequest(method, r.URL+path, bytes.NewReader(content))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", mediaType)
	response, err := r.Client().Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode >= http.StatusMultipleChoices {
		said, _ := io.ReadAll(response.Body)
		r.t.Fatalf("%s %s: %s %s", method, path, response.Status, said)
	}
}

// TokenAuth lets in who has a token, which the realm gives to who knows the
// password; where there is no password, to all.
func TokenAuth(realm string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if req.Header.Get("Authorization") != "Bearer "+token {
				w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm=%q,service="registry",scope="repository:charts/shop:pull"`, realm))
				http.Error(w, "who are you?", http.StatusUnauthorized)
				return
			}
			next.ServeHTTP(w, req)
		})
	}
}

const token = "a-token-of-the-realm"

// Realm gives tokens.
func Realm(user, password string) http.Handler {
	give := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]string{"token": token})
	})
	if user == "" {
		return give
	}
	return BasicAuth(user, password)(give)
}
