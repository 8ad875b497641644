package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"weak"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// rewrite replaces the content of a file.
func rewrite(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// startService serves with args added to loopback, without a signal handler. reload is called
// by hand.
func startService(t *testing.T, args ...string) (s *service, log *logTap, addr string) {
	t.Helper()
	log = newLogTap(t)
	s = startServiceTo(t, log, append(loopback[:len(loopback):len(loopback)], args...)...)
	return s, log, log.want("listening")["address"].(string)
}

// startServiceTo is startService with a log and with nothing added to args.
func startServiceTo(t *testing.T, log io.Writer, args ...string) *service {
	t.Helper()
	c := newConfig(nil)
	if problems := append(c.resolve(args), append(c.loadTLS(), c.loadRules()...)...); len(problems) > 0 {
		t.Fatal(problems)
	}
	c.hub.Logger = newLogger(c, log)
	h, err := hub.New(c.hub)
	if err != nil {
		t.Fatal(err)
	}
	s := newService(c, c.hub.Logger, h, nil)
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.end(nil) })
	return s
}

// status returns what a peer with a token gets, 101 if it may connect.
func status(t *testing.T, addr, token string) int {
	t.Helper()
	status, _ := get(t, "http://"+addr+"/?peerId="+strings.Repeat("ab", 20), http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Authorization": {"Bearer " + token},
		"Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"AAAAAAAAAAAAAAAAAAAAAA=="}})
	return status
}

// A reload takes over what the file says now, without ending a session. It logs what changed, and
// no secret.
func TestReload(t *testing.T) {
	t.Parallel()
	file := writeSettings(t, "max-connections: 10\n")
	s, log, addr := startService(t, "--config="+file, "--close-timeout=1s")
	alice := connect(t, "ws://"+addr)
	rewrite(t, file, "max-connections: 20\nauth-token: hunter2\nauth-tokens: [hunter3, hunter4@2001-01-01T00:00:00Z]\nlog-level: debug\n"+
		"close-timeout: 2s\nhide-details: true\ncors-origin: https://a.example\nport: 7\n")
	s.reload()
	want := []any{"max-connections: 10 -> 20", "auth-token: - -> (secret)", "auth-tokens: - -> (secret)", "cors-origin: * -> https://a.example",
		"hide-details: false -> true", "log-level: info -> debug"}
	if got := log.want("settings reloaded")["changed"]; !reflect.DeepEqual(got, want) {
		t.Errorf("the log says that %q changed, want %q", got, want)
	}
	log.want("token 2 of auth-tokens has expired")
	for token, want := range map[string]int{"hunter2": http.StatusSwitchingProtocols, "hunter3": http.StatusSwitchingProtocols,
		"hunter4": http.StatusUnauthorized, "": http.StatusUnauthorized} {
		if got := status(t, addr, token); got != want {
			t.Errorf("with token %q a peer gets %d, want %d", token, got, want)
		}
	}
	if _, header := get(t, "http://"+addr+"/health", nil); header.Get("Access-Control-Allow-Origin") != "https://a.example" {
		t.Errorf("the headers of /health are %v, want the new origin", header)
	}
	if got := s.hub.Stats().MaxConnections; got != 20 || !s.log.Enabled(t.Context(), slog.LevelDebug) {
		t.Errorf("MaxConnections is %d, want 20; or the level is not debug", got)
	}
	if err := alice.SendRaw([]byte(`{"type":"ping"}`)); err != nil {
		t.Fatal(err)
	}
	if m, err := alice.Receive(); err != nil || m.Type != "pong" {
		t.Errorf("after the reload a peer got %+v, %v, want a pong", m, err)
	}
	if strings.Contains(log.String(), "hunter") {
		t.Errorf("a secret is in the log:\n%s", log)
	}
}

// A change that needs a restart is named each time, and nothing else of the reload is lost.
func TestReloadNamesWhatNeedsARestart(t *testing.T) {
	t.Parallel()
	file := writeSettings(t, "is-hub: true\n")
	s, log, _ := startService(t, "--config="+file)
	rewrite(t, file, "is-hub: false\nmax-connections: 5\n")
	for range 2 {
		s.reload()
	}
	if got := log.want("a change needs a restart")["setting"]; got != "is-hub: true -> false" {
		t.Errorf("the log names %q", got)
	}
	if n := strings.Count(log.String(), "needs a restart"); n != 2 {
		t.Errorf("%d warnings, want one for each reload", n)
	}
	if got := s.hub.Config(); !got.IsHub || got.MaxConnections != 5 {
		t.Errorf("IsHub %v, MaxConnections %d, want true and 5", got.IsHub, got.MaxConnections)
	}
}

// A file with a mistake changes nothing, and the log says what is wrong with it.
func TestReloadRefusesABadFile(t *testing.T) {
	t.Parallel()
	cert, key := writeCertificate(t, "hub.example")
	file := writeSettings(t, "max-connections: 10\n")
	s, log, _ := startService(t, "--config="+file, "--tls-cert="+cert, "--tls-key="+key)
	before := s.hub.Config()
	for text, want := range map[string]string{
		"max-connections: 20\nprot: 1\n":     file + `:2: there is no setting "prot"`,
		"max-connections: 20\nretry-after:x": file + ":2: ",
		"mesh-namespace: global\n":           "MeshNamespace",
	} {
		rewrite(t, file, text)
		s.reload()
		if !strings.Contains(log.String(), strings.ReplaceAll(want, `"`, `\"`)) {
			t.Errorf("the log does not say %s:\n%s", want, log)
		}
	}
	os.Remove(file)
	s.reload()
	rewrite(t, file, "max-connections: 20\n")
	rewrite(t, cert, "no certificate")
	s.reload()
	if n := strings.Count(log.String(), "settings not reloaded, the old ones stay"); n != 5 || strings.Contains(log.String(), "settings reloaded") {
		t.Errorf("%d of 5 files are refused:\n%s", n, log)
	}
	if got := s.hub.Config(); !reflect.DeepEqual(got, before) {
		t.Errorf("the configuration is\n%+v\nwant\n%+v", got, before)
	}
}

// A reload reads a renewed certificate at once.
func TestReloadReadsTheCertificate(t *testing.T) {
	t.Parallel()
	cert, key := writeCertificate(t, "old.example")
	s, log, _ := startService(t, "--tls-cert="+cert, "--tls-key="+key)
	newCert, newKey := writeCertificate(t, "new.example")
	rewrite(t, cert, string(readFile(t, newCert)))
	rewrite(t, key, string(readFile(t, newKey)))
	for range 2 {
		s.reload()
	}
	pair, err := s.cfg.Load().tls.get(nil)
	if err != nil || pair.Leaf.DNSNames[0] != "new.example" {
		t.Errorf("it serves %v, %v, want new.example", pair.Leaf.DNSNames, err)
	}
	if n := strings.Count(log.String(), "certificate: expires "); n != 1 {
		t.Errorf("the log reports %d new certificates, want 1:\n%s", n, log)
	}
}

// The settings that need a restart are those that the hub does not take over, and those of the
// program itself.
func TestFixedSettings(t *testing.T) {
	t.Parallel()
	ofProgram := []string{"config", "port", "host", "port-retries", "tls-cert", "tls-key", "admin-address", "log-format"}
	takenByProgram := []string{"shutdown-timeout", "admin-token", "cors-origin", "hide-details", "public-metrics", "log-level",
		"jwt-key", "jwt-jwks", "jwt-refresh", "jwt-issuer", "jwt-audience"}
	h, err := hub.New(resolved(t, nil, nil).hub)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	before := h.Config()
	for s := range newConfig(nil).all() {
		if slices.Contains(append(ofProgram, takenByProgram...), s.name) {
			if s.fixed != slices.Contains(ofProgram, s.name) {
				t.Errorf("%s: fixed is %v", s.name, s.fixed)
			}
			continue
		}
		if err := h.Reconfigure(resolved(t, []string{"--" + s.name + "=" + samples[s.name]}, nil).hub); err != nil {
			t.Fatal(err)
		}
		if same := reflect.DeepEqual(h.Config(), before); same != s.fixed {
			t.Errorf("%s: fixed is %v, but the hub takes it over: %v", s.name, s.fixed, !same)
		}
		if err := h.Reconfigure(resolved(t, nil, nil).hub); err != nil || !reflect.DeepEqual(h.Config(), before) {
			t.Fatalf("%s: it cannot be taken back: %v", s.name, err)
		}
	}
}

// Reload after reload, only the configuration in use is kept, though sessions began under the
// old ones and go on. With TLS the same holds for the certificates.
func TestReloadReleasesTheOldConfiguration(t *testing.T) {
	t.Parallel()
	cert, key := writeCertificate(t, "hub.example")
	file := writeSettings(t, "")
	plain, log, addr := startService(t, "--config="+file)
	secure, secureLog, _ := startService(t, "--config="+file, "--tls-cert="+cert, "--tls-key="+key)
	var configs []weak.Pointer[config]
	var pages []weak.Pointer[http.Handler]
	var pairs []weak.Pointer[tls.Certificate]
	var peers []*wire.Conn
	const reloads = 100
	for i := range reloads {
		rewrite(t, file, fmt.Sprintf("max-connections: %d\nauth-tokens: [token-%d]\nhub-peer-ids: [%040x]\n", 1000+i, i, i))
		for _, s := range []*service{plain, secure} {
			s.reload()
			configs, pages = append(configs, weak.Make(s.cfg.Load())), append(pages, weak.Make(s.pages.Load()))
		}
		pairs = append(pairs, weak.Make(secure.cfg.Load().tls.pair))
		if i%10 == 0 {
			peers = append(peers, connect(t, fmt.Sprintf("ws://%s/?token=token-%d", addr, i)))
		}
	}
	for _, log := range []*logTap{log, secureLog} {
		log.wantTimes("settings reloaded", reloads)
	}
	runtime.GC()
	for i := range reloads {
		last := i == reloads-1
		if kept := pairs[i].Value() != nil; kept != last {
			t.Errorf("certificate %d of %d is kept: %v", i, reloads, kept)
		}
		for j := 2 * i; j < 2*i+2; j++ {
			if kept := configs[j].Value() != nil || pages[j].Value() != nil; kept != last {
				t.Errorf("configuration %d of %d is kept: %v", i, reloads, kept)
			}
		}
	}
	for _, p := range peers {
		if err := p.SendRaw([]byte(`{"type":"ping"}`)); err != nil {
			t.Fatal(err)
		}
		if m, err := p.Receive(); err != nil || m.Type != "pong" {
			t.Errorf("a peer got %+v, %v, want a pong", m, err)
		}
	}
}
