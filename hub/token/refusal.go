package token

import (
	"errors"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Refusal is why a token is refused. It is a closed set: Label is the word in the metric, Error the
// text for log and client. Neither holds a part of the token.
type Refusal uint8

// The reasons.
const (
	Malformed   Refusal = iota // it is no signed token
	Algorithm                  // it is signed by an algorithm that the hub does not accept, or not for this key
	NoKeys                     // the hub has no key yet
	UnknownKey                 // it names a key that the hub does not have
	Signature                  // the signature is not of the key: it is forged
	Expired                    // its exp has passed
	NotYetValid                // its nbf or iat is to come
	Issuer                     // its iss is another
	Audience                   // its aud does not have the expected one
	Claims                     // it has no exp, or a claim of a wrong type

	numRefusals
)

var refusals = [numRefusals]struct{ label, text string }{
	Malformed:   {"malformed", "the token is missing or wrong"},
	Algorithm:   {"algorithm", "the algorithm of the token is not accepted"},
	NoKeys:      {"no_keys", "no key is loaded yet"},
	UnknownKey:  {"unknown_key", "the key of the token is unknown"},
	Signature:   {"signature", "the signature of the token is wrong"},
	Expired:     {"expired", "the token has expired"},
	NotYetValid: {"not_yet_valid", "the token is not valid yet"},
	Issuer:      {"issuer", "the token is of another issuer"},
	Audience:    {"audience", "the token is for another audience"},
	Claims:      {"claims", "a claim of the token is missing or wrong"},
}

// Label returns the word in the metric.
func (r Refusal) Label() string { return refusals[r].label }

// Error implements error.
func (r Refusal) Error() string { return refusals[r].text }

// refusalOf returns the reason that an error of the library stands for.
func refusalOf(err error) Refusal {
	var algorithm *jose.ErrUnexpectedSignatureAlgorithm
	switch {
	case errors.As(err, &algorithm):
		return Algorithm
	case errors.Is(err, jose.ErrCryptoFailure):
		return Signature
	case errors.Is(err, jwt.ErrExpired):
		return Expired
	case errors.Is(err, jwt.ErrNotValidYet), errors.Is(err, jwt.ErrIssuedInTheFuture):
		return NotYetValid
	case errors.Is(err, jwt.ErrInvalidIssuer):
		return Issuer
	case errors.Is(err, jwt.ErrInvalidAudience):
		return Audience
	}
	return Claims
}
