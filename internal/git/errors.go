package git

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"plumb.dev/plumb/internal/gitobject"
)

// What can be wrong with a repository. Each comes wrapped in an Error.
var (
	ErrNeedsCredentials = errors.New("the repository needs credentials")
	ErrWrongCredentials = errors.New("the credentials were not accepted")
	ErrHostKeyUnknown   = errors.New("the SSH host key is not known")
	ErrHostKeyChanged   = errors.New("the SSH host key is not the one that is known")
	ErrTLS              = errors.New("the server's certificate is not trusted")
	ErrGone             = errors.New("no repository there")
	ErrMoved            = errors.New("the repository has moved")
	ErrEmpty            = errors.New("the repository is empty")
	ErrNoRef            = errors.New("not in the repository")
	ErrUnreachable      = errors.New("the server can't be reached")
	ErrServer           = errors.New("the server failed")
	ErrTimeout          = errors.New("the transfer took too long")
	ErrOwnership        = errors.New("the repository belongs to another user")
	ErrDiskFull         = errors.New("the disk is full")
	ErrFailed           = errors.New("git failed")
	ErrReadOnly         = errors.New("the account may not push")
	ErrRaced            = errors.New("someone else pushed first")
	ErrRejected         = errors.New("the server refused what was pushed")

	// errCorrupt says that the mirror itself is damaged; it is made anew.
	errCorrupt = errors.New("the mirror is damaged")
	// errFormat says that the mirror's hash function isn't the repository's.
	errFormat = errors.New("another object format")
	// errMissingRef and errUnadvertised are answers to what was asked for.
	errMissingRef   = errors.New("no such ref")
	errUnadvertised = errors.New("the server does not serve commits by id")
	errNotOurRef    = errors.New("no such commit")
)

// Error is what is wrong with a repository: what, where and what to do.
type Error struct {
	// URL is the repository's, without credentials.
	URL string
	// Kind is one of the errors above.
	Kind error
	// Detail is what there is to say beyond the kind, on one line.
	Detail string
	// Hint is what to do about it.
	Hint string
}

// Error implements error.
func (e *Error) Error() string {
	s := e.URL + ": " + e.Kind.Error()
	if e.Detail != "" {
		s += " (" + e.Detail + ")"
	}
	if e.Hint != "" {
		s += ": " + e.Hint
	}
	return s
}

// Unwrap gives the kind.
func (e *Error) Unwrap() error { return e.Kind }

// Outcome is a word for how a look at a repository ended, for metrics.
func Outcome(err error) string {
	words := []struct {
		kind error
		word string
	}{
		{nil, "ok"},
		{ErrNeedsCredentials, "credentials"},
		{ErrWrongCredentials, "credentials"},
		{ErrHostKeyUnknown, "hostkey"},
		{ErrHostKeyChanged, "hostkey"},
		{ErrTLS, "tls"},
		{ErrGone, "gone"},
		{ErrMoved, "moved"},
		{ErrEmpty, "empty"},
		{ErrNoRef, "noref"},
		{ErrUnreachable, "unreachable"},
		{ErrServer, "server"},
		{ErrTimeout, "timeout"},
		{ErrOwnership, "ownership"},
		{ErrDiskFull, "diskfull"},
		{ErrURL, "url"},
		{context.Canceled, "cancelled"},
	}
	for _, w := range words {
		if errors.Is(err, w.kind) {
			return w.word
		}
	}
	return "failed"
}

// sign is how a kind of failure shows in what the programs say. They are run
// in the C locale; the first that fits counts.
type sign struct {
	says *regexp.Regexp
	kind error
}

// signs are tried in order: what is wrong here comes before what is wrong
// there, and the particular before the general.
var signs = []sign{
	{regexp.MustCompile(`No space left on device|Disk quota exceeded|File too large|died of signal 25`), ErrDiskFull},
	{regexp.MustCompile(`detected dubious ownership|unsafe repository`), ErrOwnership},
	{regexp.MustCompile(`mismatched algorithms|does not support this repository's object format`), errFormat},
	{regexp.MustCompile(`couldn't find remote ref`), errMissingRef},
	{regexp.MustCompile(`not our ref`), errNotOurRef},
	{regexp.MustCompile(`does not allow request for unadvertised object`), errUnadvertised},
	{regexp.MustCompile(`cannot run ssh|ssh: (command )?not found|ssh: No such file`), ErrProgram},

	{regexp.MustCompile(`REMOTE HOST IDENTIFICATION HAS CHANGED|POSSIBLE DNS SPOOFING`), ErrHostKeyChanged},
	{regexp.MustCompile(`Host key verification failed|No .* host key is known`), ErrHostKeyUnknown},
	{regexp.MustCompile(`Permission denied \(|Too many authentication failures`), ErrWrongCredentials},

	{regexp.MustCompile(`(?i)certificate|SSL_ERROR|SSL peer|unable to get local issuer|gnutls_handshake.* failed`), ErrTLS},
	{regexp.MustCompile(`could not read (Username|Password)|Authentication failed|returned error: 40[13]\b`), ErrWrongCredentials},
	{regexp.MustCompile(`returned error: 30\d\b|unable to update url base from redirection`), ErrMoved},
	{regexp.MustCompile(`Operation too slow|(?i)timed? ?out\b|Timeout, server`), ErrTimeout},
	{regexp.MustCompile(`returned error: (429|5\d\d)\b`), ErrServer},
	{regexp.MustCompile(`Could not resolve host|resolve hostname|Failed to connect|[Cc]ouldn't connect|Connection refused|` +
		`Connection reset|No route to host|Network is unreachable|Empty reply from server|kex_exchange_identification|` +
		`Connection closed by|Recv failure|Send failure`), ErrUnreachable},
	{regexp.MustCompile(`(?i)repository .*not found|does not appear to be a git repository|not a git repository|` +
		`is this a git repository|repository .* does not exist|returned error: (404|410)\b`), ErrGone},
	{regexp.MustCompile(`hung up unexpectedly|early EOF|RPC failed|unexpected disconnect|bad line length|protocol error`), ErrServer},
}

// ownSigns are what a command says that looks at the mirror alone, or of it.
var ownSigns = regexp.MustCompile(`object file .* is empty|loose object .* is corrupt|packfile .* (is far too short|cannot be accessed|claims|index unavailable)|` +
	`file .*\.(pack|idx) .*(mismatch|corrupt|too small|invalid)|index file .* is too small|wrong index|` +
	`bad object|bad tree object|bad (numeric )?config|bad config|not a git repository: '|invalid sha1 pointer|` +
	`unable to parse|unable to resolve reference|is broken|did not send all necessary objects|missing (blob|tree|commit)|` +
	`Could not read [0-9a-f]{40}|unable to read [0-9a-f]{40}|revision walk setup failed|failed to read object|unknown repository extension|inflate: data stream error`)

// remoteWords are lines that the other side wrote; they say nothing of the mirror.
var remoteWords = regexp.MustCompile(`(?m)^remote: .*$`)

// kindOf finds what kind of failure a program's words tell of. The URL is left
// out of them: a repository may be called certificate.
func kindOf(u URL, err error) error {
	var f *failure
	if !errors.As(err, &f) {
		return ErrFailed
	}
	stderr := strings.ReplaceAll(f.stderr, u.String(), "URL")
	switch {
	case errors.Is(f.err, context.DeadlineExceeded):
		return ErrTimeout
	case errors.Is(f.err, context.Canceled):
		return context.Canceled
	case signs[0].says.MatchString(stderr):
		return signs[0].kind
	case ownSigns.MatchString(remoteWords.ReplaceAllString(stderr, "")):
		return errCorrupt
	}
	for _, s := range signs {
		if s.says.MatchString(stderr) {
			return s.kind
		}
	}
	return ErrFailed
}

// explain turns a failed transfer into what a user needs to know.
func explain(u URL, c Credentials, err error) error {
	kind := kindOf(u, err)
	if kind == context.Canceled {
		return err
	}
	if kind == ErrWrongCredentials && !c.identify(u.Scheme) {
		kind = ErrNeedsCredentials
	}
	return &Error{URL: u.String(), Kind: kind, Detail: said(err), Hint: hint(u, kind)}
}

// said is the one line of what the programs said that tells most: git's last
// word, or else the first that anyone said.
func said(err error) string {
	var f *failure
	if !errors.As(err, &f) {
		return err.Error()
	}
	var fatal, first string
	for line := range strings.Lines(f.stderr) {
		line = strings.TrimSpace(line)
		if line == "" || vague.MatchString(line) {
			continue
		}
		if word, ok := strings.CutPrefix(line, "fatal: "); ok {
			fatal = noise.ReplaceAllString(word, "")
		}
		first = firstNonEmpty(first, noise.ReplaceAllString(line, ""))
	}
	const enough = 300
	s := firstNonEmpty(fatal, first)
	if s == "" && f.stderr == "" && !errors.Is(f.err, context.DeadlineExceeded) {
		s = f.err.Error()
	}
	return gitobject.Printable(s, enough)
}

var (
	// vague are lines that say nothing beyond the kind of the failure.
	vague = regexp.MustCompile(`Could not read from remote repository|^Please make sure|^and the repository exists|remote end hung up|` +
		`could not read (Username|Password)|Host key verification failed|^@|^Warning: |^IT IS POSSIBLE|` +
		`^Someone could|^It is also possible|^ssh -F `)
	// noise is what is said elsewhere in the error.
	noise = regexp.MustCompile(`^(fatal|error|ERROR|remote): |unable to access '[^']*': |^repository '[^']*' not found$| after \d+ ms\b|\.? CAfile: .*$`)
)

// hint says what to do about a kind of failure.
func hint(u URL, kind error) string {
	if u.Local() && kind == ErrGone {
		return "check the path; it must be the folder of a Git repository"
	}
	return map[error]string{
		ErrNeedsCredentials: "add an entry for it to the credentials file",
		ErrWrongCredentials: "check its entry in the credentials file, and what the account may read",
		ErrHostKeyUnknown:   "add the key of " + u.Host + " to the file that knownHostsFile names (ssh-keyscan prints it; compare it with what the host publishes)",
		ErrHostKeyChanged:   "if the host got a new key, put it into the file that knownHostsFile names; if it didn't, someone is in between",
		ErrTLS:              "name the CA that issued it in caFile of the credentials file",
		ErrGone:             "check the URL; many servers also say this when credentials are missing or may not read it",
		ErrMoved:            "change the URL to where it is now",
		ErrEmpty:            "push a first commit",
		ErrUnreachable:      "check the host's name, the network, and whether the server is up; it is tried again",
		ErrServer:           "it is tried again",
		ErrTimeout:          "check the network and the server; it is tried again",
		ErrReadOnly:         "give its entry in the credentials file an account that may push, or add one with writes: true",
		ErrRaced:            "try again",
		ErrRejected:         "push to another branch and open a pull request, or let Plumb's account push to this one",
		ErrOwnership:        "run Plumb as the user who owns it, or give it to the user that Plumb runs as",
		ErrDiskFull:         "free space in Plumb's data folder; it is tried again",
		ErrProgram:          "install the OpenSSH client, or use an https:// URL",
	}[kind]
}
