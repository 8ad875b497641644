package dial

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
)

// Advice returns what to do about an error of dialling, "" if that is not known.
func Advice(err error) string {
	var name x509.HostnameError
	var authority x509.UnknownAuthorityError
	var verification *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var refused *Refused
	switch {
	case errors.As(err, &name):
		return "add --tls-server-name with a name of the certificate"
	case errors.As(err, &authority), errors.As(err, &verification):
		return "add --tls-ca FILE with the authority that signed the certificate, or --tls-insecure to accept any"
	case errors.As(err, &record):
		return "the target does not speak TLS: use ws:// in place of wss://"
	case errors.As(err, &refused):
		return refused.advice()
	}
	return ""
}

// Refused is the error of a target that answers the handshake with another status than 101.
type Refused struct {
	Err    error
	Status int
}

func (r *Refused) Error() string {
	return fmt.Sprintf("%v: HTTP status %d", r.Err, r.Status)
}

// Unwrap returns the error of the handshake.
func (r *Refused) Unwrap() error { return r.Err }

func (r *Refused) advice() string {
	switch r.Status {
	case http.StatusUnauthorized:
		return "add --header 'Authorization: ...', --cookie NAME=VALUE or the token in the URL"
	case http.StatusForbidden:
		return "add --header 'Origin: https://...' if the target has a list of origins, or what it wants of --header and --cookie"
	case http.StatusNotFound:
		return "add the path of the WebSocket endpoint to the URL"
	case http.StatusBadRequest:
		return "add --subprotocol NAME or the parameters of the URL, if the target wants them"
	}
	return ""
}
