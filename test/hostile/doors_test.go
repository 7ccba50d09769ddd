package hostile_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/internal/git/gittest"
	"plumb.dev/plumb/internal/status"
)

// TestS09HostileURLsStartNothing declares Apps whose URLs and branches would
// start a program, name an option, or hide which host they go to, were they
// given to git as they are.
func TestS09HostileURLsStartNothing(t *testing.T) {
	t.Parallel()
	mark := filepath.Join(t.TempDir(), "mark")
	elsewhere := served(t, "elsewhere")
	server := elsewhere.ServeHTTP()
	host := strings.TrimPrefix(server.URL, "http://")
	hostile := map[string]string{
		"transport":      `{url: "ext::sh -c touch% ` + mark + `"}`,
		"file-transport": `{url: "file::` + elsewhere.Dir + `"}`,
		"option":         `{url: "-oProxyCommand=touch ` + mark + `"}`,
		"upload-pack":    `{url: "--upload-pack=touch ` + mark + `"}`,
		"ssh-option":     `{url: "ssh://-oProxyCommand=touch%20` + mark + `/x"}`,
		"scp-option":     `{url: "-oProxyCommand=touch ` + mark + `:x"}`,
		"user-option":    `{url: "-oProxyCommand=touch@example.com:x"}`,
		"user-in-url":    `{url: "http://git.example.com@` + host + `/repo.git"}`,
		"backslash":      `{url: "http://git.example.com\\@` + host + `/repo.git"}`,
		"line-end":       `{url: "http://` + host + `/repo.git\n[core]\nsshCommand=touch ` + mark + `"}`,
		"local-path":     `{url: "` + elsewhere.Dir + `"}`,
		"local-url":      `{url: "file://` + elsewhere.Dir + `"}`,
		"branch-option":  `{url: "http://` + host + `/repo.git", branch: "--upload-pack=touch ` + mark + `"}`,
		"tag-refspec":    `{url: "http://` + host + `/repo.git", tag: "x:refs/heads/y"}`,
		"short-commit":   `{url: "http://` + host + `/repo.git", commit: "HEAD"}`,
	}
	s := newStand(t, how{}, func(s *stand) map[string]string {
		files := map[string]string{"apps/good.yaml": s.declare("good"), "good/map.yaml": paint("good", "red")}
		for name, git := range hostile {
			files["apps/"+name+".yaml"] = s.declare(name, "source: {path: app, every: 1s, git: "+git+"}")
		}
		return files
	})
	s.synced(t, "good", "")
	for name := range hostile {
		until(t, name+" to be refused", func() string { return s.refusal(t, name) })
	}
	if _, err := os.Stat(mark); !os.IsNotExist(err) {
		t.Error("a program was started")
	}
	if seen := server.Seen(); len(seen) > 0 {
		t.Errorf("a request was made: %s", seen[0].URL)
	}
}

// refusal is empty if an App is refused, by its declaration or by its source.
func (s *stand) refusal(t *testing.T, name string) string {
	t.Helper()
	root, err := s.Root(t.Context())
	if err != nil {
		return err.Error()
	}
	if i := slices.IndexFunc(root.Problems, func(p status.Problem) bool { return strings.HasPrefix(p.Where, "apps/"+name+".yaml:") }); i >= 0 {
		return ""
	}
	d, _ := s.app(name)
	if d.Source.Error != "" && d.Revision == "" && strings.Contains(d.Message, "not a repository URL that can be used") {
		return ""
	}
	return fmt.Sprintf("%+v", d.App)
}

// TestS10CredentialsGoNowhereElse gives the daemon a password for one
// repository, and Apps that would like to have it sent elsewhere.
func TestS10CredentialsGoNowhereElse(t *testing.T) {
	t.Parallel()
	ours, theirs := served(t, "ours"), served(t, "theirs")
	server, other := ours.ServeHTTP(), theirs.ServeHTTP()
	server.Wrap(func(next http.Handler) http.Handler {
		closed, moved := gittest.RequireBasic("ada", "hunter2")(next), gittest.RedirectTo("/moved.git", other.URL+"/repo.git")(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/moved.git/") {
				moved.ServeHTTP(w, r)
				return
			}
			closed.ServeHTTP(w, r)
		})
	})
	credentials := secretFile(t, filepath.Join(t.TempDir(), "credentials.yaml"), fmt.Sprintf(
		"- {url: %s/repo.git, username: ada, password: hunter2}\n- {url: %s/moved.git, username: ada, password: hunter2}\n", server.URL, server.URL))
	s := newStand(t, how{args: []string{"--git-credentials", credentials}}, func(s *stand) map[string]string {
		return map[string]string{
			"apps/ours.yaml":   s.declare("ours", of(server.URL+"/repo.git")),
			"apps/theirs.yaml": s.declare("theirs", of(other.URL+"/repo.git")), // same path, other port
			"apps/longer.yaml": s.declare("longer", of(server.URL+"/repo.gitt")),
			"apps/moved.yaml":  s.declare("moved", of(server.URL+"/moved.git")),
			"apps/remote.yaml": s.declare("remote"), "remote/kustomization.yaml": "resources:\n- " + other.URL + "/base.yaml\n- " + other.URL + "/org/base//app?ref=main\n- " + other.URL + "/org/base//app?ref=v1\n",
		}
	})
	s.synced(t, "ours", "")
	s.synced(t, "theirs", "")
	s.complains(t, "longer", "the repository needs credentials")
	d := s.complains(t, "moved", "the repository has moved")
	t.Logf("it says: %s", d.Message)
	s.complains(t, "remote", "remote/kustomization.yaml:2", "is remote, and is the address of a file", "remote/kustomization.yaml:3", "follows the branch main")
	for _, r := range other.Seen() {
		if r.Header.Get("Authorization") != "" {
			t.Errorf("%s was asked with credentials", r.URL)
		}
		if !strings.HasPrefix(r.URL.Path, "/repo.git/") || strings.Contains(r.URL.RawQuery, "ref=main") {
			t.Errorf("%s was asked for at all", r.URL)
		}
	}
	for _, r := range server.Seen() {
		if strings.HasPrefix(r.URL.Path, "/repo.gitt/") && r.Header.Get("Authorization") != "" {
			t.Errorf("%s was asked with credentials", r.URL)
		}
	}
}

// TestS35EveryDoorAsksForTheToken tries everything that is documented at the
// real door, without the token and with a wrong one. What is kept is for nobody
// but the daemon's user.
func TestS35EveryDoorAsksForTheToken(t *testing.T) {
	t.Parallel()
	s := newStand(t, how{}, func(s *stand) map[string]string {
		return map[string]string{"apps/good.yaml": s.declare("good"), "good/map.yaml": paint("good", "red")}
	})
	s.synced(t, "good", "")
	answers := map[string]bool{}
	for path, methods := range apiMethods(t) {
		for _, concrete := range s.paths(t, path) {
			for _, method := range methods {
				for _, token := range []string{"", "wrong", s.token[:len(s.token)-1]} {
					response := s.ask(t, method, concrete, token)
					body, _ := io.ReadAll(response.Body)
					_ = response.Body.Close()
					if response.StatusCode != http.StatusUnauthorized {
						t.Errorf("%s %s with token %q: %s", method, concrete, token, response.Status)
					}
					answers[string(body)] = true
				}
			}
		}
	}
	if len(answers) != 1 { // S25: what there is isn't told
		t.Errorf("the refusals differ: %v", answers)
	}
	for path, want := range map[string]int{
		"/healthz": http.StatusOK, "/metrics": http.StatusUnauthorized, "/debug/pprof/": http.StatusUnauthorized, "/": http.StatusUnauthorized,
	} {
		response := s.ask(t, http.MethodGet, path, "")
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("GET %s without the token: %s", path, response.Status)
		}
	}
	until(t, "the daemon to be ready, for whoever asks", func() string {
		response := s.ask(t, http.MethodGet, "/readyz", "")
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		if strings.Contains(string(body), "reason") {
			t.Errorf("it tells why it isn't: %s", body)
		}
		if response.StatusCode != http.StatusOK {
			return string(body)
		}
		return ""
	})
	err := filepath.WalkDir(s.data, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 && filepath.Dir(path) == s.data {
			t.Errorf("%s has mode %04o", path, info.Mode().Perm())
		}
		return err
	})
	if info, statErr := os.Stat(s.data); err != nil || statErr != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the data folder: %v %v %v", info, err, statErr)
	}
}

// apiMethods are the methods of each path that docs/openapi.yaml lists.
func apiMethods(t *testing.T) map[string][]string {
	t.Helper()
	var description struct{ Paths map[string]map[string]any }
	if err := yaml.Unmarshal([]byte(document(t, "openapi.yaml")), &description); err != nil {
		t.Fatal(err)
	}
	methods := map[string][]string{}
	for path, operations := range description.Paths {
		for method := range operations {
			methods[path] = append(methods[path], strings.ToUpper(method))
		}
	}
	return methods
}

// TestS53WebhookMustBeSigned sends webhooks as forges and others do. Only one
// that is signed makes the daemon look, and then it looks at once: the root is
// looked at once a minute otherwise.
func TestS53WebhookMustBeSigned(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t)
	server := repo.ServeHTTP()
	s := newStand(t, how{root: server.Repo(repo)}, func(s *stand) map[string]string {
		repo.Commit(map[string]string{"apps/shop.yaml": s.declare("shop"), "shop/map.yaml": paint("shop", "red")})
		return map[string]string{"README.md": "not this one"}
	})
	s.synced(t, "shop", "")
	secret, err := os.ReadFile(filepath.Join(s.data, "hook-secret"))
	if err != nil {
		t.Fatal(err)
	}
	secret = bytes.TrimSpace(secret)
	url := server.Repo(repo)
	push := fmt.Sprintf(`{"ref":"refs/heads/main","repository":{"clone_url":%q}}`, url)
	project := fmt.Sprintf(`{"object_kind":"push","ref":"refs/heads/main","project":{"git_http_url":%q}}`, url)

	unsigned := []webhook{
		{"no signature", push, map[string]string{"X-GitHub-Event": "push"}, http.StatusUnauthorized},
		{"a wrong signature", push, map[string]string{"X-Hub-Signature-256": "sha256=" + sign([]byte("wrong"), push)}, http.StatusUnauthorized},
		{"an empty key's signature", push, map[string]string{"X-Hub-Signature-256": "sha256=" + sign(nil, push)}, http.StatusUnauthorized},
		{"another body's signature", push, map[string]string{"X-Plumb-Signature": "sha256=" + sign(secret, project)}, http.StatusUnauthorized},
		{"the API's token", push, map[string]string{"Authorization": "Bearer " + s.token}, http.StatusUnauthorized},
		{"a wrong GitLab token", project, map[string]string{"X-Gitlab-Token": "wrong"}, http.StatusUnauthorized},
		{"an old signature", push, map[string]string{"X-Hub-Signature": "sha1=" + sign(secret, push)}, http.StatusUnauthorized},
		{"more than it may hold", strings.Repeat(" ", 2<<20), map[string]string{}, http.StatusRequestEntityTooLarge},
		{"no JSON", "x", map[string]string{"X-Plumb-Signature": "sha256=" + sign(secret, "x")}, http.StatusBadRequest},
		{"nothing in it", "{}", map[string]string{"X-Plumb-Signature": "sha256=" + sign(secret, "{}")}, http.StatusBadRequest},
	}
	looks := func() int {
		before := len(server.Seen())
		s.sends(t, unsigned)
		return len(server.Seen()) - before
	}
	seen := looks()
	if seen > 0 { // its own look of the minute may have come meanwhile, but not twice
		seen = looks()
	}
	if seen > 0 {
		t.Errorf("the daemon looked %d times at what nobody signed", seen)
	}
	for color, c := range map[string]struct {
		body   string
		header map[string]string
	}{
		"github": {push, map[string]string{"X-GitHub-Event": "push", "X-Hub-Signature-256": "sha256=" + sign(secret, push)}},
		"gitea":  {push, map[string]string{"X-Gitea-Event": "push", "X-Gitea-Signature": sign(secret, push)}},
		"gitlab": {project, map[string]string{"X-Gitlab-Event": "Push Hook", "X-Gitlab-Token": string(secret)}},
		"plain":  {`{"url":"` + url + `"}`, map[string]string{"X-Plumb-Signature": "sha256=" + sign(secret, `{"url":"`+url+`"}`)}},
	} {
		commit := repo.Commit(map[string]string{"shop/map.yaml": paint("shop", color)})
		if status, answer := s.hook(t, c.body, c.header); status != http.StatusOK || !strings.Contains(answer, `"refreshed":1`) {
			t.Errorf("%s: %d %s", color, status, answer)
		}
		s.painted(t, "shop", color)
		s.synced(t, "shop", commit)
	}
}

// webhook is one that is sent, and the status that it is to be answered with.
type webhook struct {
	name, body string
	header     map[string]string
	want       int
}

// sends sends webhooks, and holds what they are answered to what is wanted.
func (d *daemon) sends(t *testing.T, all []webhook) {
	t.Helper()
	for _, w := range all {
		if status, answer := d.hook(t, w.body, w.header); status != w.want {
			t.Errorf("%s: %d %s", w.name, status, answer)
		}
	}
}

func sign(secret []byte, body string) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}

// hook sends a webhook and returns what it is answered.
func (d *daemon) hook(t *testing.T, body string, header map[string]string) (status int, answer string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+d.address+"/hooks/git", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response, err := web.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}
