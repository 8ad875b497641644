package dial

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/loadgen/codec"
)

// Dialer has the options of a run for its peers. The zero value has none. Its methods may be called
// concurrently.
type Dialer struct {
	Options  Options        // with the content of the CA file
	networks int            // over which the peers are spread
	roots    *x509.CertPool // nil for those of the system
}

// New returns the dialer of peers in a number of networks. It reads the CA file unless its content
// is in the options.
func New(o Options, networks int) (*Dialer, error) {
	if err := o.Check(); err != nil {
		return nil, fmt.Errorf("connection: %w", err)
	}
	d := &Dialer{Options: o, networks: networks}
	if o.CA == "" && o.PEM == nil {
		return d, nil
	}
	if o.PEM == nil {
		b, err := os.ReadFile(o.CA)
		if err != nil {
			return nil, fmt.Errorf("connection: CA: %w", err)
		}
		d.Options.PEM = b
	}
	d.roots = x509.NewCertPool()
	if !d.roots.AppendCertsFromPEM(d.Options.PEM) {
		return nil, fmt.Errorf("connection: CA: %s holds no certificate in PEM form", o.CA)
	}
	return d, nil
}

// Header returns the headers of a peer, with its cookies.
func (d *Dialer) Header(id wire.PeerID) http.Header {
	h := http.Header{}
	for _, line := range d.Options.Headers {
		name, text, _ := cutHeader(line)
		h.Add(name, codec.Fill(text, id, d.networks))
	}
	var cookies []string
	for _, pair := range d.Options.Cookies {
		cookies = append(cookies, codec.Fill(pair, id, d.networks))
	}
	if len(cookies) > 0 {
		h.Set("Cookie", strings.Join(cookies, "; "))
	}
	return h
}

// Handshake returns the headers of a peer with its subprotocols, for a handshake that is written by
// hand. Host is not among them.
func (d *Dialer) Handshake(id wire.PeerID) http.Header {
	h := d.Header(id)
	h.Del("Host")
	if len(d.Options.Subprotocols) > 0 {
		h.Set("Sec-WebSocket-Protocol", strings.Join(d.Options.Subprotocols, ", "))
	}
	return h
}

// TLS returns the options of TLS for the target.
func (d *Dialer) TLS() *tls.Config {
	return &tls.Config{RootCAs: d.roots, ServerName: d.Options.ServerName, InsecureSkipVerify: d.Options.Insecure}
}

// Authorities returns the options of TLS for hosts other than the target: who checks certificates.
func (d *Dialer) Authorities() *tls.Config { return &tls.Config{RootCAs: d.roots} }
