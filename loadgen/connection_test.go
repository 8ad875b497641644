package loadgen

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io/fs"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/dial"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
)

// strictHub is an echo server with TLS that refuses whoever lacks its header, cookie and
// subprotocol, also at its page.
type strictHub struct {
	chat
	mu    sync.Mutex
	names map[string]bool // that TLS asked for
	ids   map[string]bool // in headers
}

func (h *strictHub) start(t *testing.T) (url, ca string) {
	t.Helper()
	h.rooms, h.alone, h.names, h.ids = map[string]map[*chatter]bool{}, true, map[string]bool{}, map[string]bool{}
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.TLS = &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.names[hello.ServerName] = true
		return nil, nil
	}}
	s.StartTLS()
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
		h.done.Wait()
	})
	return "wss" + strings.TrimPrefix(s.URL, "https"), writeAuthority(t, s.Certificate().Raw)
}

func writeAuthority(t *testing.T, certificate []byte) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// foreignAuthority writes a certificate that signed no other one.
func foreignAuthority(t *testing.T) (file string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true, NotAfter: time.Now().Add(time.Hour)}
	raw, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return writeAuthority(t, raw)
}

func (h *strictHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id, authorized := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer hush-")
	cookie, err := r.Cookie("session")
	switch {
	case !authorized || err != nil || cookie.Value != "hush":
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	case r.URL.Path != "/health" && !strings.Contains(strings.Join(websocket.Subprotocols(r), " "), "echo.v1"):
		http.Error(w, "which protocol?", http.StatusBadRequest)
		return
	case r.URL.Path != "/health":
		h.mu.Lock()
		h.ids[id] = true
		h.mu.Unlock()
	}
	h.chat.ServeHTTP(w, r)
}

func strictOptions(ca string) dial.Options {
	return dial.Options{
		Headers: []string{"Authorization: Bearer hush-{id}"}, Cookies: []string{"lang=en", "session=hush"}, Subprotocols: []string{"other", "echo.v1"},
		CA: ca, ServerName: "example.com",
	}
}

func connectionPlan(t *testing.T, o dial.Options) plan.Plan {
	t.Helper()
	p := textPlan(t, codec.Text{URL: "/?token=hush"})
	p.Connection = o
	p, err := With(p, plan.Phase{Peers: 16, Rate: 100, Duration: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The options of a connection go to the peers of all workers and to the page of the target,
// and their secrets to no report and no log.
func TestConnectionOptions(t *testing.T) {
	t.Parallel()
	var h strictHub
	url, ca := h.start(t)
	var log bytes.Buffer
	dir := t.TempDir()
	r := run(t, Config{URL: url + "?token=hush", Plan: connectionPlan(t, strictOptions(ca)), Workers: 2, Recruiter: testProcesses,
		Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if r.Deliveries.Delivered == 0 || len(r.Errors) > 0 || len(h.ids) != 17 {
		t.Errorf("deliveries %+v, errors %v, %d ids in headers", r.Deliveries, r.Errors, len(h.ids))
	}
	if len(h.names) != 1 || !h.names["example.com"] {
		t.Errorf("TLS asked for %v", h.names)
	}
	if r.Verdict.Detectors[0].Name != "health" {
		t.Errorf("the page was not read: %+v", r.Verdict.Detectors)
	}
	if err := r.WriteReport(dir); err != nil {
		t.Fatal(err)
	}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(filepath.Join(dir, path))
		if bytes.Contains(b, []byte("hush")) {
			t.Errorf("%s holds a secret", path)
		}
		return err
	})
	if err != nil || strings.Contains(log.String(), "hush") {
		t.Errorf("log %s: %v", log.String(), err)
	}
}

// The hostile inputs reach behind the door, too.
func TestConnectionOptionsOfHostileInputs(t *testing.T) {
	t.Parallel()
	var h strictHub
	url, ca := h.start(t)
	d, err := dial.New(strictOptions(ca), 1)
	if err != nil {
		t.Fatal(err)
	}
	f := newFleet(url, codec.PeerPigeon{})
	f.dialer = d
	a := &attack{hostileRun: &hostileRun{phaseRun: &phaseRun{fleet: f}, react: 10 * time.Second}, id: "0123456789"}
	defer a.end()
	request, conn, err := a.dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := a.answer(conn, put(conn, []byte(request.String())), []byte{0x88, 0x80, 0, 0, 0, 0}); !strings.HasPrefix(got, "upgraded") {
		t.Errorf("the target answers: %s", got)
	}
}

// A target that refuses is an error that says what to add.
func TestConnectionErrors(t *testing.T) {
	t.Parallel()
	var h, other strictHub
	url, ca := h.start(t)
	foreign := foreignAuthority(t)
	plain := other.chat.start(t)
	for name, tt := range map[string]struct {
		change func(*dial.Options)
		url    string
		want   []string
	}{
		"wrong CA":        {func(o *dial.Options) { o.CA = foreign }, url, []string{"unknown authority", "--tls-ca"}},
		"no CA":           {func(o *dial.Options) { o.CA = "" }, url, []string{"unknown authority", "--tls-insecure"}},
		"wrong name":      {func(o *dial.Options) { o.ServerName = "example.net" }, url, []string{"example.net", "--tls-server-name"}},
		"missing file":    {func(o *dial.Options) { o.CA = foreign + "-missing" }, url, []string{"CA:", "no such file"}},
		"no PEM":          {func(o *dial.Options) { o.CA = "doc.go" }, url, []string{"doc.go holds no certificate"}},
		"no header":       {func(o *dial.Options) { o.Headers = nil }, url, []string{"HTTP status 401", "--header"}},
		"no subprotocol":  {func(o *dial.Options) { o.Subprotocols = nil }, url, []string{"HTTP status 400", "--subprotocol"}},
		"insecure is any": {func(o *dial.Options) { o.CA, o.Insecure, o.Cookies = "", true, nil }, url, []string{"HTTP status 401"}},
		"no TLS":          {func(*dial.Options) {}, strings.Replace(plain, "ws:", "wss:", 1), []string{"ws://"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := strictOptions(ca)
			tt.change(&o)
			_, err := Run(t.Context(), Config{URL: tt.url, Plan: connectionPlan(t, o)})
			for _, want := range tt.want {
				if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hush") {
					t.Errorf("got %v, want an error with %q", err, want)
				}
			}
		})
	}
}
