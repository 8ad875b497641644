//go:build interop && unix

package main

import (
	"bytes"
	"crypto/tls"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// reverseProxy is a program that deploy/proxy has a configuration for.
type reverseProxy struct {
	program, file string
	replace       []string                     // in file: old, new, ...; $ADDR, $PORT, $HUB, $PEM, $CERT, $KEY and $DIR stand for those of the test
	frame         string                       // around the file, which is $FILE in it
	argv          func(config string) []string // after the program
}

var reverseProxies = []reverseProxy{
	{"nginx", "nginx.conf", []string{
		"listen 443 ssl", "listen $ADDR ssl",
		"/etc/ssl/hub.example.org.pem", "$CERT", "/etc/ssl/hub.example.org.key", "$KEY",
		"127.0.0.1:3000", "$HUB",
	}, `daemon off; pid $DIR/pid; error_log stderr; events { worker_connections 4096; }
http { access_log off; client_body_temp_path $DIR/a; proxy_temp_path $DIR/b; fastcgi_temp_path $DIR/c; uwsgi_temp_path $DIR/d;
scgi_temp_path $DIR/e;
$FILE
}`, func(config string) []string { return []string{"-e", "stderr", "-c", config} }},
	{"haproxy", "haproxy.cfg", []string{
		"bind :443", "bind $ADDR", "/etc/ssl/private/hub.example.org.pem", "$PEM", "127.0.0.1:3000", "$HUB",
		"maxconn 20000", "maxconn 100",
	}, "$FILE", func(config string) []string { return []string{"-db", "-f", config} }},
	{"caddy", "Caddyfile", []string{
		"hub.example.org {", "https://:$PORT {\n\tbind 127.0.0.1\n\ttls $CERT $KEY", "127.0.0.1:3000", "$HUB",
	}, "{\n\tadmin off\n\tauto_https off\n\tdefault_sni hub.example.org\n}\n$FILE", func(config string) []string { return []string{"run", "--adapter", "caddyfile", "--config", config} }},
}

// The shipped configurations of proxies carry sessions, and the hub sees the client's
// address, not that of the proxy nor one that the client claims.
func TestInteropProxies(t *testing.T) {
	for _, p := range reverseProxies {
		t.Run(p.program, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(p.program); err != nil {
				t.Skipf("%s is not in PATH: apt-get install %s", p.program, p.program)
			}
			hub := start(t, "--trusted-proxies=127.0.0.1", "--log-level=debug")
			address := p.start(t, hub.addr)
			c := dialFrom(t, "127.0.0.2", "wss://"+address)
			if err := c.WriteJSON(wire.Message{Type: "announce", NetworkName: "n"}); err != nil {
				t.Fatal(err)
			}
			other := dialFrom(t, "127.0.0.2", "wss://"+address)
			if err := other.WriteJSON(wire.Message{Type: "announce", NetworkName: "n"}); err != nil {
				t.Fatal(err)
			}
			wantMessage(t, c, "peer-discovered")
			if got := hub.log.want("session began")["address"]; got != "127.0.0.2" {
				t.Errorf("the hub takes %v for the client's address, want 127.0.0.2", got)
			}
		})
	}
}

// start runs the proxy in front of a hub and returns its address. It waits until it
// answers.
func (p reverseProxy) start(t *testing.T, hub string) string {
	t.Helper()
	dir, port := t.TempDir(), strconv.Itoa(unusedPort(t))
	address := "127.0.0.1:" + port
	cert, key := writeCertificate(t, "hub.example.org")
	pem, config := filepath.Join(dir, "pem"), filepath.Join(dir, p.file)
	values := strings.NewReplacer("$ADDR", address, "$PORT", port, "$HUB", hub, "$CERT", cert, "$KEY", key, "$PEM", pem, "$DIR", dir)
	text := string(readFile(t, "deploy/proxy/"+p.file))
	for i := 0; i < len(p.replace); i += 2 {
		if !strings.Contains(text, p.replace[i]) {
			t.Fatalf("deploy/proxy/%s has no %q", p.file, p.replace[i])
		}
		text = strings.ReplaceAll(text, p.replace[i], p.replace[i+1])
	}
	text = values.Replace(strings.Replace(p.frame, "$FILE", text, 1))
	for name, content := range map[string][]byte{config: []byte(text), pem: append(readFile(t, cert), readFile(t, key)...)} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(p.program, p.argv(config)...)
	cmd.Env = append(os.Environ(), "HOME="+dir)
	ended := startProgram(t, cmd)
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	untilTrue(t, ended, func() bool {
		res, err := client.Get("https://" + address + "/livez")
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
	return address
}

// startProgram starts a program that the test's end stops, and returns a channel that is
// closed when it has ended. Its output is logged if the test fails.
func startProgram(t *testing.T, cmd *exec.Cmd) <-chan struct{} {
	t.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		cmd.Wait() // ends by a signal
	}()
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		kill := time.AfterFunc(patience, func() { cmd.Process.Kill() })
		defer kill.Stop()
		<-ended
		if t.Failed() {
			t.Logf("%s:\n%s", cmd, out.String())
		}
	})
	return ended
}

// untilTrue waits until a program that was started answers.
func untilTrue(t *testing.T, ended <-chan struct{}, check func() bool) {
	t.Helper()
	untilTrueWithin(t, patience, ended, check)
}

func untilTrueWithin(t *testing.T, patience time.Duration, ended <-chan struct{}, check func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(patience); !check(); {
		select {
		case <-ended:
			t.Fatal("the program has ended")
		case <-deadline:
			t.Fatal("the program does not answer")
		case <-tick.C:
		}
	}
}

func unusedPort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// dialFrom connects a fresh peer from an address of this machine. It claims to come from
// another one.
func dialFrom(t *testing.T, from, url string) *websocket.Conn {
	t.Helper()
	local := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: patience}
	d := websocket.Dialer{NetDialContext: local.DialContext, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, HandshakeTimeout: patience}
	c, _, err := d.Dial(url+"/?peerId="+string(wire.NewPeerID()), http.Header{"X-Forwarded-For": {"203.0.113.9"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	wantMessage(t, c, "connected")
	return c
}

// wantMessage asserts the type of the next message.
func wantMessage(t *testing.T, c *websocket.Conn, want string) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(patience))
	var m wire.Message
	if err := c.ReadJSON(&m); err != nil || m.Type != want {
		t.Fatalf("got %+v, %v, want %s", m, err, want)
	}
}
