package hook

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/git"
)

const secret = "It's a Secret to Everybody"

// The shapes of what servers send, with only what could matter in them.
const (
	githubPush = `{"ref":"refs/heads/main","before":"0","after":"1","repository":{"id":1,"name":"fleet","full_name":"team/fleet","private":true,
		"owner":{"login":"team"},"html_url":"https://git.example.com/team/fleet","url":"https://git.example.com/team/fleet",
		"git_url":"git://git.example.com/team/fleet.git","ssh_url":"git@git.example.com:team/fleet.git",
		"clone_url":"https://git.example.com/team/fleet.git"},"pusher":{"name":"ada"},"commits":[{"id":"1"}]}`
	giteaPush = `{"ref":"refs/heads/main","after":"1","repository":{"id":1,"full_name":"team/fleet",
		"html_url":"https://git.example.com/team/fleet","ssh_url":"ssh://git@git.example.com:2222/team/fleet.git",
		"clone_url":"https://git.example.com/team/fleet.git"}}`
	gitlabPush = `{"object_kind":"push","event_name":"push","ref":"refs/heads/main","project_id":1,
		"project":{"name":"fleet","web_url":"https://git.example.com/team/fleet","git_ssh_url":"git@git.example.com:team/fleet.git",
		"git_http_url":"https://git.example.com/team/fleet.git","homepage":"https://git.example.com/team/fleet",
		"url":"git@git.example.com:team/fleet.git","ssh_url":"git@git.example.com:team/fleet.git","http_url":"https://git.example.com/team/fleet.git"},
		"repository":{"name":"fleet","url":"git@git.example.com:team/fleet.git","git_http_url":"https://git.example.com/team/fleet.git"}}`
	gitlabTag    = `{"object_kind":"tag_push","ref":"refs/tags/v1","project":{"git_http_url":"https://git.example.com/team/fleet.git"}}`
	gitlabSystem = `{"event_name":"repository_update","project":{"git_http_url":"https://git.example.com/team/fleet.git"}}`
	githubPing   = `{"zen":"Keep it logically awesome.","hook_id":1,"repository":{"clone_url":"https://git.example.com/team/fleet.git"}}`
	plain        = `{"url":"git@git.example.com:team/fleet","ref":"refs/heads/main"}`
)

func sign(body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}

// send sends a body with headers, given as name, value, name, value.
func send(h http.Handler, body string, headers ...string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(http.MethodPost, "/hooks/git", strings.NewReader(body))
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w
}

// followed is a Refresh that knows one repository.
func followed(t testing.TB, known string) (func(string) int, *[]string) {
	t.Helper()
	k, err := git.ParseURL(known)
	if err != nil {
		t.Fatal(err)
	}
	var asked []string
	return func(s string) int {
		asked = append(asked, s)
		if u, err := git.ParseURL(s); err == nil && git.SameRepository(u, k) {
			return 1
		}
		return 0
	}, &asked
}

func TestWebhooks(t *testing.T) {
	t.Parallel()
	form := url.Values{"payload": {githubPush}}.Encode()
	tests := map[string]struct {
		body    string
		headers []string
		want    int
	}{
		"GitHub push":            {githubPush, []string{"X-GitHub-Event", "push", "X-Hub-Signature-256", "sha256=" + sign(githubPush)}, 1},
		"GitHub branch":          {githubPush, []string{"X-GitHub-Event", "create", "X-Hub-Signature-256", "sha256=" + sign(githubPush)}, 1},
		"GitHub form":            {form, []string{"X-GitHub-Event", "push", "Content-Type", "application/x-www-form-urlencoded", "X-Hub-Signature-256", "sha256=" + sign(form)}, 1},
		"GitHub ping":            {githubPing, []string{"X-GitHub-Event", "ping", "X-Hub-Signature-256", "sha256=" + sign(githubPing)}, 0},
		"GitHub issue":           {githubPush, []string{"X-GitHub-Event", "issues", "X-Hub-Signature-256", "sha256=" + sign(githubPush)}, 0},
		"Gitea push":             {giteaPush, []string{"X-Gitea-Event", "push", "X-Gitea-Signature", sign(giteaPush)}, 1},
		"Gitea push as GitHub's": {giteaPush, []string{"X-Gitea-Event", "push", "X-Hub-Signature-256", "sha256=" + sign(giteaPush)}, 1},
		"Forgejo push":           {giteaPush, []string{"X-Forgejo-Event", "push", "X-Forgejo-Signature", sign(giteaPush)}, 1},
		"GitLab push":            {gitlabPush, []string{"X-Gitlab-Event", "Push Hook", "X-Gitlab-Token", secret}, 1},
		"GitLab tag":             {gitlabTag, []string{"X-Gitlab-Event", "Tag Push Hook", "X-Gitlab-Token", secret}, 1},
		"GitLab system hook":     {gitlabSystem, []string{"X-Gitlab-Event", "System Hook", "X-Gitlab-Token", secret}, 1},
		"GitLab issue":           {gitlabPush, []string{"X-Gitlab-Event", "Issue Hook", "X-Gitlab-Token", secret}, 0},
		"plain":                  {plain, []string{"X-Plumb-Signature", "sha256=" + sign(plain)}, 1},
		"plain, in capitals":     {plain, []string{"X-Plumb-Signature", "sha256=" + strings.ToUpper(sign(plain))}, 1},
	}
	for name, test := range tests {
		for _, known := range []string{"https://git.example.com/team/fleet", "ssh://git@Git.example.com:2222/team/fleet.git", "git@git.example.com:team/fleet.git"} {
			t.Run(name+" of "+known, func(t *testing.T) {
				t.Parallel()
				refresh, _ := followed(t, known)
				w := send(&Handler{Secret: []byte(secret), Refresh: refresh}, test.body, test.headers...)
				var got answer
				if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusOK {
					t.Fatalf("status %d, body %s (%v)", w.Code, w.Body, err)
				}
				if got.Refreshed != test.want {
					t.Errorf("refreshed %d (%s), want %d", got.Refreshed, got.Message, test.want)
				}
			})
		}
	}
}

// TestOneLookPerWebhook: a repository that a webhook names in many ways is
// looked at once.
func TestOneLookPerWebhook(t *testing.T) {
	t.Parallel()
	n := 0
	h := &Handler{Secret: []byte(secret), Refresh: func(string) int { n++; return 1 }}
	send(h, gitlabPush, "X-Gitlab-Token", secret)
	if n != 1 {
		t.Errorf("it was looked at %d times", n)
	}
}

// TestCharts: a repository of charts is named in the plain form.
func TestCharts(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"oci://registry.example.com/charts", "https://charts.example.com", "https://charts.example.com/a"} {
		var asked []string
		h := &Handler{Secret: []byte(secret), Refresh: func(url string) int { asked = append(asked, url); return 1 }}
		body := fmt.Sprintf(`{"url":%q}`, url)
		w := send(h, body, "Content-Type", "application/json", "X-Plumb-Signature", "sha256="+sign(body))
		if w.Code != http.StatusOK || len(asked) != 1 || asked[0] != url {
			t.Errorf("%s: %d %s, asked %q", url, w.Code, w.Body, asked)
		}
	}
}

// TestS53Refused: what isn't signed with the secret is refused, always with the
// same words, before anyone looks into it.
func TestS53Refused(t *testing.T) {
	t.Parallel()
	other := func(body string) string {
		mac := hmac.New(sha256.New, []byte("another secret"))
		mac.Write([]byte(body))
		return hex.EncodeToString(mac.Sum(nil))
	}
	tests := map[string]struct {
		secret  string
		body    string
		headers []string
	}{
		"unsigned":                  {secret, githubPush, nil},
		"unsigned, and no JSON":     {secret, "{", nil},
		"signed with another":       {secret, githubPush, []string{"X-Hub-Signature-256", "sha256=" + other(githubPush)}},
		"signed for another body":   {secret, githubPush, []string{"X-Hub-Signature-256", "sha256=" + sign(githubPush+" ")}},
		"cut short":                 {secret, githubPush, []string{"X-Hub-Signature-256", "sha256=" + sign(githubPush)[:63]}},
		"with more":                 {secret, githubPush, []string{"X-Hub-Signature-256", "sha256=" + sign(githubPush) + "0"}},
		"empty":                     {secret, githubPush, []string{"X-Hub-Signature-256", ""}},
		"the old kind":              {secret, githubPush, []string{"X-Hub-Signature", "sha1=" + sign(githubPush)}},
		"wrong token":               {secret, gitlabPush, []string{"X-Gitlab-Token", secret + "x"}},
		"token in the wrong header": {secret, gitlabPush, []string{"X-Hub-Signature-256", secret}},
		"no secret, empty token":    {"", gitlabPush, []string{"X-Gitlab-Token", ""}},
		"no secret, signed with it": {"", githubPush, []string{"X-Hub-Signature-256", "sha256=" + func() string {
			mac := hmac.New(sha256.New, nil)
			mac.Write([]byte(githubPush))
			return hex.EncodeToString(mac.Sum(nil))
		}()}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := send(&Handler{Secret: []byte(test.secret), Refresh: func(string) int { t.Error("it was followed"); return 1 }}, test.body, test.headers...)
			want := `{"refreshed":0,"message":"the signature or token is missing or wrong"}` + "\n"
			if w.Code != http.StatusUnauthorized || w.Body.String() != want {
				t.Errorf("got %d %s, want 401 %s", w.Code, w.Body, want)
			}
		})
	}
}

func TestOtherAnswers(t *testing.T) {
	t.Parallel()
	padded := `{"x":"` + strings.Repeat("x", MaxBody) + `"}`
	tests := map[string]struct {
		body string
		want int
		says string
	}{
		"too large":          {padded, http.StatusRequestEntityTooLarge, "1 MiB"},
		"no JSON":            {"{", http.StatusBadRequest, "not a JSON object"},
		"a list":             {"[]", http.StatusBadRequest, "not a JSON object"},
		"null":               {"null", http.StatusBadRequest, "not a JSON object"},
		"no repository":      {"{}", http.StatusBadRequest, "names no repository"},
		"a hostile URL":      {`{"url":"ext::sh -c id"}`, http.StatusBadRequest, "names no repository"},
		"fields of any kind": {`{"url":[],"ref":{},"repository":"x","project":{"url":7,"web_url":null}}`, http.StatusBadRequest, "names no repository"},
		"unknown repository": {`{"url":"https://git.example.com/unknown"}`, http.StatusOK, "no such repository is followed"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refresh, _ := followed(t, "https://git.example.com/fleet")
			w := send(&Handler{Secret: []byte(secret), Refresh: refresh}, test.body, "X-Plumb-Signature", "sha256="+sign(test.body))
			if w.Code != test.want || !strings.Contains(w.Body.String(), test.says) {
				t.Errorf("got %d %s, want %d and %q", w.Code, w.Body, test.want, test.says)
			}
		})
	}
	w := httptest.NewRecorder()
	(&Handler{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/hooks/git", nil))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != http.MethodPost {
		t.Errorf("GET: got %d, allow %q", w.Code, w.Header().Get("Allow"))
	}
}

func TestReceived(t *testing.T) {
	t.Parallel()
	var got []string
	refresh, _ := followed(t, "https://git.example.com/team/fleet")
	h := &Handler{Secret: []byte(secret), Refresh: refresh, Received: func(o string) { got = append(got, o) }}
	for _, body := range []string{plain, `{"url":"https://h/x"}`, "{", `{"object_kind":"issue"}`} {
		send(h, body, "X-Plumb-Signature", sign(body))
	}
	send(h, plain)
	if diff := cmp.Diff([]string{"refreshed", "unknown", "unreadable", "ignored", "refused"}, got); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
}

// FuzzWebhook: whatever a sender who knows the secret sends, the answer is JSON,
// nothing panics, and nothing but a checked URL is passed on.
func FuzzWebhook(f *testing.F) {
	for _, body := range []string{githubPush, giteaPush, gitlabPush, gitlabTag, githubPing, plain, "{}", "[]", `{"repository":[]}`} {
		f.Add(body, "push", "application/json")
	}
	f.Add("payload=%7B%7D", "", "application/x-www-form-urlencoded")
	f.Fuzz(func(t *testing.T, body, event, contentType string) {
		h := &Handler{Secret: []byte(secret), Refresh: func(s string) int {
			if _, err := git.ParseURL(s); err != nil {
				t.Errorf("asked for %q: %v", s, err)
			}
			return len(s) % 2
		}}
		w := send(h, body, "X-Hub-Signature-256", sign(body), "X-GitHub-Event", event, "Content-Type", contentType)
		if w.Code == http.StatusUnauthorized || !json.Valid(bytes.TrimSpace(w.Body.Bytes())) {
			t.Errorf("got %d %s", w.Code, fmt.Sprintf("%q", w.Body))
		}
	})
}
