package hostile_test

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"plumb.dev/plumb/internal/git/gittest"
	"plumb.dev/plumb/internal/secret"
	"plumb.dev/plumb/internal/status"
)

// invalidSecrets are Secrets that are refused somewhere on their way, each by
// something that would like to show what it was given. CANARY is their value,
// and NAME the App's.
func invalidSecrets() map[string]string {
	head := "apiVersion: v1\nkind: Secret\nmetadata: {name: NAME}\n"
	number := "31415926535897"
	return map[string]string{
		"no-base64":      head + "data: {password: \"CANARY is not base64!\"}\n",
		"a-number":       head + "data: {password: " + number + "}\n",
		"a-text-number":  head + "stringData: {password: " + number + "}\n",
		"no-mapping":     head + "data: CANARY\n",
		"a-list":         head + "data: [CANARY]\n",
		"nested":         head + "stringData: {password: {value: CANARY}}\n",
		"unknown-field":  head + "stringdata: {password: CANARY}\n",
		"anchor":         head + "stringData:\n  password: *CANARY\n",
		"tag":            head + "stringData:\n  password: !!int CANARY\n",
		"no-docker":      head + "type: kubernetes.io/dockerconfigjson\nstringData: {.dockerconfigjson: CANARY}\n",
		"no-tls":         head + "type: kubernetes.io/tls\nstringData: {tls.key: CANARY}\n",
		"bad-key":        head + "stringData: {\"pass word\": CANARY}\n",
		"bad-name":       "apiVersion: v1\nkind: Secret\nmetadata: {name: \"A B\"}\nstringData: {password: CANARY}\n",
		"no-name":        "apiVersion: v1\nkind: Secret\nmetadata: {}\nstringData: {password: CANARY}\n",
		"bad-label":      "apiVersion: v1\nkind: Secret\nmetadata: {name: NAME, labels: {a: \"-b\"}}\nstringData: {password: CANARY}\n",
		"bad-annotation": "apiVersion: v1\nkind: Secret\nmetadata: {name: NAME, annotations: {pin: " + number + "}}\nstringData: {password: CANARY}\n",
		"no-annotation":  "apiVersion: v1\nkind: Secret\nmetadata: {name: NAME, annotations: [CANARY]}\nstringData: {password: CANARY}\n",
		"bad-version":    strings.Replace(head, "v1", "v9", 1) + "stringData: {password: CANARY}\n",
		"a-tab":          head + "stringData:\n  user: a\n\tpassword: CANARY\n",
		"unquoted":       head + "stringData:\n  password: CANARY: x: y\n",
		"unended":        head + "stringData:\n  password: \"CANARY\n",
		"bad-escape":     head + "stringData:\n  password: \"CANARY\\q\"\n",
		"a-key":          head + "stringData:\n  {CANARY: 1}: x\n",
		"twice":          head + "stringData:\n  password: CANARY\n  password: CANARY\n",
		"template":       head + "stringData:\n  password: {{ CANARY }}\n",
		"json":           `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"NAME"},"stringData":{"password":"CANARY"` + "\n",
		"json-twice":     `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"NAME"},"stringData":{"password":"CANARY","password":"CANARY"}}` + "\n",
		"a-list-item":    "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: NAME}, data: {password: \"CANARY!\"}}\n- CANARY\n",
		"refused":        "apiVersion: v1\nkind: Secret\nmetadata: {name: evil, labels: {evil: \"yes\"}}\nstringData: {password: CANARY}\n",
		"immutable":      "apiVersion: v1\nkind: Secret\nmetadata: {name: fixed}\nimmutable: true\nstringData: {password: CANARY}\n",
	}
}

// secretsRoot is the root of the canaries' tour.
func secretsRoot(s *stand, c canaries, urls map[string]string) map[string]string {
	data := base64.StdEncoding.EncodeToString([]byte(c["Secret's data in Git"]))
	applied := fmt.Sprintf(`{"apiVersion":"v1","kind":"Secret","data":{"password":%q}}`, data)
	files := map[string]string{
		"apps/good.yaml": s.declare("good"), "good/map.yaml": paint("good", "red"),
		"apps/edited.yaml": s.declare("edited"),
		"edited/secret.yaml": "apiVersion: v1\nkind: Secret\nmetadata:\n  name: edited\n  annotations:\n" +
			"    kubectl.kubernetes.io/last-applied-configuration: '" + applied + "'\n" +
			"    objectset.example.com/applied: '" + applied + "'\n" +
			"data: {password: " + data + "}\nstringData: {token: " + c["Secret's stringData in Git"] + "}\n",
		"apps/watched.yaml": s.declare("watched", "sync: {drift: alert}"),
		"watched/secret.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: watched}\nstringData: {password: " +
			c["Secret's stringData in Git"] + "}\n",
		"apps/generated.yaml": s.declare("generated"),
		"generated/kustomization.yaml": "secretGenerator:\n- name: generated\n  literals: [password=" + c["generator's literal in Git"] + "]\n" +
			"  files: [key.txt]\n",
		"generated/key.txt":   c["generator's file in Git"],
		"apps/misbuilt.yaml":  s.declare("misbuilt"),
		"misbuilt/key.txt":    c["generator's file in Git"],
		"misbuilt/patch.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: nobody}\nstringData: {password: " + c["generator's literal in Git"] + "}\n",
		"misbuilt/kustomization.yaml": "secretGenerator:\n- name: generated\n  files: [key.txt]\n  literals: [password=" + c["generator's literal in Git"] + "]\n" +
			"patches: [{path: patch.yaml}]\n",
	}
	for name, secret := range invalidSecrets() {
		files["apps/"+name+".yaml"] = s.declare(name)
		file := "/secret.yaml"
		if strings.HasPrefix(name, "json") {
			file = "/secret.json"
		}
		files[name+file] = strings.NewReplacer("CANARY", c["invalid Secret's value in Git"], "NAME", name).Replace(secret)
	}
	maps.Copy(files, gatedFiles(s, c, "1"))
	maps.Copy(files, generatedFiles(s))
	files["apps/immutable.yaml"] = s.declare("immutable", "sync: {validate: first}")
	for name, url := range urls {
		files["apps/"+name+".yaml"] = s.declare(name, of(url))
	}
	return files
}

// newCanaries are the secrets of the tour.
func newCanaries(clientKey []byte) canaries {
	return canaries{
		"API token":                     "Canary-Api-Token-0123456789abcdef",
		"hook secret":                   "Canary-Hook-Secret-0123456789abcdef",
		"basic password":                "Canary-Basic-Password-77",
		"bearer token":                  "Canary-Bearer-Token-78",
		"wrong password":                "Canary-Wrong-Password-79",
		"SSH private key":               strings.Split(string(clientKey), "\n")[2],
		"Secret's data in Git":          "Canary-Data-80-of-a-secret",
		"Secret's stringData in Git":    "Canary-StringData-81-of-a-secret",
		"invalid Secret's value in Git": "Canary-Invalid-82-of-a-secret",
		"invalid Secret's number":       "31415926535897",
		"hand edit of a Secret":         "Canary-By-Hand-83-of-a-secret",
		"generator's literal in Git":    "Canary-Literal-84-of-a-secret",
		"generator's file in Git":       "Canary-File-85-of-a-secret",
		"marked by an annotation":       "Canary-Annotation-86",
		"marked by the App":             "Canary-Marked-87",
		"password in a URL":             "Canary-Url-88",
	}
}

// TestS20NoCanaryLeaves plants a secret wherever there is one, exercises
// everything that touches it, and then reads all that Plumb tells, logs, keeps
// or shows of its processes. None of them is anywhere (S20 to S24).
func TestS20NoCanaryLeaves(t *testing.T) {
	t.Parallel()
	basic, bearer, far, echo := served(t, "basic"), served(t, "bearer"), served(t, "far"), served(t, "echo")
	basicServer, bearerServer, farServer, echoServer := basic.ServeHTTP(), bearer.ServeHTTP(), far.ServeSSH(), echo.ServeHTTP()
	c := newCanaries(farServer.ClientKey)
	held := newHold(t)
	password, bearerToken := c["basic password"], c["bearer token"] // the canaries grow while servers answer
	basicServer.Wrap(func(next http.Handler) http.Handler {
		return gittest.RequireBasic("ada", password)(held.handler("basic", next))
	})
	bearerServer.Wrap(func(next http.Handler) http.Handler {
		return gittest.RequireBearer(bearerToken)(held.handler("bearer", next))
	})
	echoServer.Wrap(func(http.Handler) http.Handler { return http.HandlerFunc(echoCredentials) })
	farAddress := held.relay("ssh", farServer.Addr)

	folder, temporary := t.TempDir(), t.TempDir()
	secretFile(t, filepath.Join(folder, "data", "token"), c["API token"])
	secretFile(t, filepath.Join(folder, "data", "hook-secret"), c["hook secret"])
	secretFile(t, filepath.Join(folder, "key"), string(farServer.ClientKey))
	secretFile(t, filepath.Join(folder, "known_hosts"), strings.ReplaceAll(string(farServer.KnownHosts), knownAs(farServer.Addr), knownAs(farAddress)))
	credentials := secretFile(t, filepath.Join(folder, "credentials.yaml"), fmt.Sprintf(
		"- {url: %s, username: ada, password: %s}\n- {url: %s, bearerToken: %s}\n- {url: %s, username: ada, password: %s}\n"+
			"- {url: \"ssh://git@%s\", privateKeyFile: key, knownHostsFile: known_hosts}\n",
		basicServer.URL, c["basic password"], bearerServer.URL, c["bearer token"], echoServer.URL, c["wrong password"], farAddress))
	s := newStand(t, how{
		data: filepath.Join(folder, "data"), args: []string{"--git-credentials", credentials},
		prepare: func(cmd *exec.Cmd) { cmd.Env = append(slices.Clone(cmd.Env), "TMPDIR="+temporary) },
	}, func(s *stand) map[string]string {
		prepareSecrets(t, s)
		return secretsRoot(s, c, map[string]string{
			"basic": basicServer.Repo(basic), "bearer": bearerServer.Repo(bearer), "echo": echoServer.Repo(echo),
			"far": strings.ReplaceAll(farServer.Repo(far), farServer.Addr, farAddress),
		})
	})

	c["the daemon's own private key"] = privateKey(t, s.data)
	all := told{}
	held.wait(t, 3) // a transfer of each kind, in its midst
	if n := s.crawlProcesses(t, all); n < 4 {
		t.Errorf("of the daemon and its transfers only %d processes were seen", n)
	}
	crawlFolder(t, all, temporary, func(string) bool { return false })
	held.release()
	s.exercise(t, c)
	for place, text := range s.crawl(t, "edited", "refused", "gated", "watched", "made") {
		all[place] = text
	}
	found := 0
	for place, text := range all {
		if leaked := c.leaks(text); len(leaked) > 0 {
			found++
			t.Errorf("%s tells: %s\n%s", place, strings.Join(leaked, ", "), around(text, c, leaked[0]))
		}
	}
	t.Logf("%d of %d places leak", found, len(all))
	if len(all) < 200 {
		t.Errorf("only %d places were looked at", len(all))
	}
}

// privateKey is the one that the daemon made for itself.
func privateKey(t *testing.T, data string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(data, secret.OwnFile))
	if err != nil {
		t.Fatal(err)
	}
	i := strings.Index(string(content), "AGE-SECRET-KEY-1")
	if i < 0 {
		t.Fatal("the daemon made no key")
	}
	return strings.TrimSpace(string(content[i:]))
}

// around is what stands about a leak, for the message.
func around(text string, c canaries, name string) string {
	for _, form := range forms(c[name]) {
		if i := strings.Index(text, form); i >= 0 {
			return text[max(0, i-300):min(len(text), i+len(form)+100)]
		}
	}
	return ""
}

// prepareSecrets makes the API server refuse evil Secrets with a message that
// repeats them, and gives it one that can't be changed.
func prepareSecrets(t *testing.T, s *stand) {
	t.Helper()
	refuse(t, s, "secrets", func(object string) string { return "no evil here, and this is evil: " + object })
	fixed := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "fixed"}, "immutable": true, "stringData": map[string]any{"password": "before"},
	}}
	if _, err := s.secrets().Create(t.Context(), fixed, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// exercise brings every App to where it tells what it has to tell.
func (s *stand) exercise(t *testing.T, c canaries) {
	t.Helper()
	for _, name := range []string{"good", "edited", "watched", "generated", "basic", "bearer", "far"} {
		s.synced(t, name, "")
	}
	for name := range invalidSecrets() {
		until(t, name+" to complain", func() string {
			if d, _ := s.app(name); d.Message == "" || d.Sync == status.Synced {
				return fmt.Sprintf("%+v", d)
			}
			return ""
		})
	}
	s.complains(t, "misbuilt", "misbuilt: ", "nobody")
	s.complains(t, "echo", "not accepted")
	byHand := fmt.Appendf(nil, `{"stringData":{"password":%q}}`, c["hand edit of a Secret"])
	for _, name := range []string{"edited", "watched"} {
		if _, err := s.secrets().Patch(t.Context(), name, types.MergePatchType, byHand, metav1.PatchOptions{FieldManager: "kubectl-edit"}); err != nil {
			t.Fatal(err)
		}
	}
	s.complains(t, "watched", "data.password")
	until(t, "the hand edit to be put right", func() string {
		secret, err := s.secrets().Get(t.Context(), "edited", metav1.GetOptions{})
		if err != nil {
			return err.Error()
		}
		password, _, _ := unstructured.NestedString(secret.Object, "data", "password")
		if password != base64.StdEncoding.EncodeToString([]byte(c["Secret's data in Git"])) {
			return password
		}
		return ""
	})
	s.synced(t, "edited", "")
	for _, id := range s.ids(t) {
		if _, err := s.Sync(t.Context(), id, "ana"); err != nil {
			t.Error(err)
		}
	}
	s.synced(t, "good", "")
	s.generates(t, c)
	s.operate(t, c)
}

// echoCredentials refuses who asks, and repeats his credentials in every form.
func echoCredentials(w http.ResponseWriter, r *http.Request) {
	user, password, _ := r.BasicAuth()
	w.Header().Set("Content-Type", "text/plain")
	w.Header().Set("WWW-Authenticate", `Basic realm="`+password+`"`)
	w.WriteHeader(http.StatusForbidden)
	fmt.Fprintf(w, "you are %s with %s, by %s\n", user, password, r.Header.Get("Authorization"))
}

func (s *stand) secrets() dynamic.ResourceInterface {
	return s.cluster.Resource(schema.GroupVersionResource{Version: "v1", Resource: "secrets"}).Namespace(s.namespace)
}

// knownAs is an address as known_hosts has it.
func knownAs(address string) string {
	host, port, _ := net.SplitHostPort(address)
	return "[" + host + "]:" + port
}

// hold keeps transfers waiting, so that their processes can be looked at.
type hold struct {
	t       *testing.T
	arrived chan string // the kinds of transfer, each at its first
	gate    chan struct{}
	release func()

	mu   sync.Mutex
	seen map[string]bool
}

func newHold(t *testing.T) *hold {
	h := &hold{t: t, arrived: make(chan string, 10), gate: make(chan struct{}), seen: map[string]bool{}}
	h.release = sync.OnceFunc(func() { close(h.gate) })
	t.Cleanup(h.release)
	return h
}

// pass lets a transfer go on once it is released.
func (h *hold) pass(kind string) {
	h.mu.Lock()
	if !h.seen[kind] {
		h.seen[kind] = true
		h.arrived <- kind
	}
	h.mu.Unlock()
	<-h.gate
}

// handler passes requests on once they are released.
func (h *hold) handler(kind string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.pass(kind)
		next.ServeHTTP(w, r)
	})
}

// relay listens for connections, and hands them on once they are released.
func (h *hold) relay(kind, to string) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		h.t.Fatal(err)
	}
	serve(h.t, listener, to, func() { h.pass(kind) })
	return listener.Addr().String()
}

// wait waits until a transfer of each kind is in its midst.
func (h *hold) wait(t *testing.T, kinds int) {
	t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for i := range kinds {
		select {
		case <-h.arrived:
		case <-late.C:
			t.Fatalf("only %d of %d kinds of transfer came", i, kinds)
		}
	}
}
