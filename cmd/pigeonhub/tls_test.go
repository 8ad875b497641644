package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// writeCertificate writes a self-signed certificate and its key to two files.
func writeCertificate(t *testing.T, name string) (certFile, keyFile string) {
	t.Helper()
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: cert}, keyFile: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

func TestServesTLS(t *testing.T) {
	t.Parallel()
	cert, key := writeCertificate(t, "hub.example")
	r := start(t, "--tls-cert="+cert, "--tls-key="+key)
	d := websocket.Dialer{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, HandshakeTimeout: patience}
	c, _, err := d.Dial("wss://"+r.addr+"/?peerId="+string(wire.NewPeerID()), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, b, err := c.ReadMessage(); err != nil || !strings.Contains(string(b), `"connected"`) {
		t.Errorf("first message is %s, %v, want connected", b, err)
	}
	port := "--port=" + r.addr[strings.LastIndex(r.addr, ":")+1:]
	if code, _, err := ask(t, nil, "--health-check", port, "--tls-cert="+cert, "--tls-key="+key); code != exitOK {
		t.Errorf("health check: exit code %d, says %q, want %d", code, err, exitOK)
	}
	r.cancel()
	if _, _, err := c.ReadMessage(); !websocket.IsCloseError(err, wire.CodeNormal) {
		t.Errorf("the peer got %v, want close 1000", err)
	}
	if code := r.wait(); code != exitOK {
		t.Errorf("exit code %d, want %d; log:\n%s", code, exitOK, r.log)
	}
}

// A renewed certificate is served without a restart; half a renewal changes
// nothing.
func TestCertificateIsReadAgain(t *testing.T) {
	t.Parallel()
	certFile, keyFile := writeCertificate(t, "old.example")
	c := &certificate{certFile: certFile, keyFile: keyFile, log: slog.New(slog.DiscardHandler)}
	if err := c.load(); err != nil {
		t.Fatal(err)
	}
	want := func(when, name string) {
		t.Helper()
		pair, err := c.get(nil)
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		if got := pair.Leaf.DNSNames[0]; got != name {
			t.Errorf("%s: serves %s, want %s", when, got, name)
		}
	}
	replace := func(with, file string) {
		t.Helper()
		b, err := os.ReadFile(with)
		if err == nil {
			err = os.WriteFile(file, b, 0o600)
		}
		if err == nil { // file systems keep time in steps
			err = os.Chtimes(file, time.Time{}, time.Now().Add(time.Minute))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	want("at first", "old.example")
	newCert, newKey := writeCertificate(t, "new.example")
	replace(newCert, certFile)
	want("with the new certificate and the old key", "old.example")
	replace(newKey, keyFile)
	want("with both", "new.example")
	os.Remove(keyFile)
	want("with one gone", "new.example")

	c.recheck = time.Hour
	replace(certFile, keyFile)
	want("before it is time to look", "new.example")
}

// The metric of the expiry is that of the certificate in use.
func TestCertificateExpiryIsAMetric(t *testing.T) {
	t.Parallel()
	certFile, keyFile := writeCertificate(t, "hub.example")
	c := &certificate{certFile: certFile, keyFile: keyFile, log: slog.New(slog.DiscardHandler)}
	if err := c.load(); err != nil {
		t.Fatal(err)
	}
	pair, err := c.get(nil)
	if err != nil {
		t.Fatal(err)
	}
	reg := prometheus.NewRegistry()
	reg.MustRegister(c.collector())
	families, err := reg.Gather()
	if err != nil || len(families) != 1 {
		t.Fatalf("got %d metrics, %v, want 1", len(families), err)
	}
	if got, want := families[0].GetMetric()[0].GetGauge().GetValue(), float64(pair.Leaf.NotAfter.Unix()); got != want {
		t.Errorf("got %.0f, want %.0f", got, want)
	}
}
