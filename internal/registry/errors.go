package registry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/errcode"

	"plumb.dev/plumb/internal/signature"
)

// The kinds of failure. Each error is of one, or of none.
var (
	ErrURL         = errors.New("not a URL that charts are fetched from")
	ErrCredentials = errors.New("the credentials are missing or wrong")
	ErrTLS         = errors.New("the certificate isn't trusted")
	ErrGone        = errors.New("it isn't there, or these credentials may not see it")
	ErrNoVersion   = errors.New("there is no such version")
	ErrAddress     = errors.New("that address is never asked")
	ErrUnreachable = errors.New("there is no connection")
	ErrServer      = errors.New("the server failed")
	ErrTimeout     = errors.New("it took too long")
	ErrTooLarge    = errors.New("it is too large")
	ErrDamaged     = errors.New("it is not what it has to be")
	ErrDiskFull    = errors.New("there is no room in the data folder")
)

// Outcome is a word for how a look at a repository ended, for metrics.
func Outcome(err error) string {
	words := []struct {
		kind error
		word string
	}{
		{nil, "ok"},
		{signature.ErrUnverified, "unverified"},
		{ErrCredentials, "credentials"},
		{ErrTLS, "tls"},
		{ErrGone, "gone"},
		{ErrNoVersion, "noversion"},
		{ErrAddress, "address"},
		{ErrUnreachable, "unreachable"},
		{ErrServer, "server"},
		{ErrTimeout, "timeout"},
		{ErrTooLarge, "toolarge"},
		{ErrDamaged, "damaged"},
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

// failure says of what kind an error of a request is, and what to do. A kind
// that it has already stays.
func failure(err error) error {
	if err == nil || Outcome(err) != "failed" {
		return bare(err)
	}
	var response *errcode.ErrorResponse
	var network net.Error
	switch {
	case errors.As(err, &response):
		return status(response.StatusCode)
	case errors.Is(err, errdef.ErrNotFound):
		return ErrGone
	case errors.Is(err, auth.ErrBasicCredentialNotFound), strings.Contains(err.Error(), "missing username or password for basic auth"):
		return status(http.StatusUnauthorized)
	case errors.Is(err, errdef.ErrSizeExceedsLimit), errors.Is(err, errdef.ErrTooManyPages):
		return ErrTooLarge
	case distrusted(err):
		return fmt.Errorf("%w: %w; name its CA in caFile", ErrTLS, bare(err))
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("%w: free some", ErrDiskFull)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return ErrTimeout
	case errors.As(err, &network):
		return fmt.Errorf("%w: %w", ErrUnreachable, bare(err))
	}
	return bare(err)
}

// distrusted says whether a server's certificate, or ours, was turned down.
func distrusted(err error) bool {
	var authority x509.UnknownAuthorityError
	var hostname x509.HostnameError
	var invalid x509.CertificateInvalidError
	var verify *tls.CertificateVerificationError
	var alert tls.AlertError
	return errors.As(err, &authority) || errors.As(err, &hostname) || errors.As(err, &invalid) || errors.As(err, &verify) || errors.As(err, &alert) ||
		strings.Contains(err.Error(), "remote error: tls: ") // of a type that has no name
}

// bare is an error without the URL that it was met at, which may hold what
// opens it: redirects to stores do.
func bare(err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		return bare(at.Err)
	}
	return err
}

// status is what an answer's status means.
func status(code int) error {
	text := strings.TrimSpace(fmt.Sprintf("%d %s", code, http.StatusText(code)))
	switch {
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return fmt.Errorf("%w (%s): add or correct its entry in the credentials file, or the name: some registries say so of what isn't there", ErrCredentials, text)
	case code == http.StatusNotFound || code == http.StatusGone:
		return fmt.Errorf("%w (%s): correct the URL, the name, or the credentials", ErrGone, text)
	case code == http.StatusTooManyRequests:
		return fmt.Errorf("%w (%s): it has had enough of this address or account; give credentials, or have it looked at less often", ErrServer, text)
	case code >= http.StatusInternalServerError:
		return fmt.Errorf("%w (%s)", ErrServer, text)
	}
	return fmt.Errorf("it answered with %s", text)
}
