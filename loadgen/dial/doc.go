// Package dial says how peers connect to a target, beside its URL: with which headers, cookies,
// subprotocols and TLS options.
//
//	d, err := dial.New(dial.Options{Headers: []string{"Authorization: Bearer {id}"}, CA: "ca.pem"}, networks)
//	header := d.Header(id)
//
// options.go holds the options, secrets.go removes secrets from what is printed, dialer.go fills in
// the options for one peer, and advice.go says what to do about a refusal.
package dial
