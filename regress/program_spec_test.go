//go:build unix

package regress_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/settle"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

const (
	programToken    = "the token of the program"
	programResident = "00000000000000000000000000000000000000aa"
)

var _ = Describe("the program cmd/pigeonhub", Serial, Ordered, ContinueOnFailure, Label("wide"), func() {
	var path, dir string
	BeforeAll(func(ctx SpecContext) {
		dir = GinkgoT().TempDir()
		var err error
		path, err = buildProgram(ctx, dir)
		Expect(err).NotTo(HaveOccurred())
	}, NodeTimeout(3*time.Minute))

	DescribeTable("retains nothing of its peers and HTTP clients", func(ctx SpecContext, secured bool, ends os.Signal) {
		flags := append(quickFlags(), "--public-metrics", "--log-format", "json")
		if secured {
			cert, key := writeCertificate(dir)
			flags = append(quickFlags(), "--public-metrics", "--hide-details", "--log-format", "text", "--log-level", "debug",
				"--tls-cert", cert, "--tls-key", key, "--auth-token", programToken, "--allowed-origins", "https://example.com",
				"--memory-limit", "64GiB", "--exempt-addresses", "127.0.0.0/8,203.0.113.7,2001:db8::/32", "--hub-key", "a key", "--hub-peer-ids", programResident)
		}
		p, err := startProgram(path, programEnv(), flags...)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(p.kill)
		c := newProgramCampaign(p, secured)
		Expect(summary.add(c.run(ctx))).To(LeakNothing())

		for _, sig := range []os.Signal{syscall.SIGHUP, syscall.SIGUSR1} { // these do not end it
			Expect(p.cmd.Process.Signal(sig)).To(Succeed())
			Expect(c.read(ctx, http.MethodGet, p.admin+"/livez")).To(Succeed())
		}
		resident := harness.NewPeer(c.target, "the resident", programResident)
		resident.HubKey = c.crowd.Token
		Expect(resident.Join(ctx, "the end")).To(Succeed())
		ending, cancel := context.WithTimeout(ctx, programWait)
		defer cancel()
		Expect(p.end(ending, ends)).To(Succeed())
		_ = resident.Drop() // the program has closed it
	},
		Entry("without TLS", SpecTimeout(5*time.Minute), false, syscall.SIGTERM),
		Entry("with TLS, a token and debug logs", SpecTimeout(5*time.Minute), true, os.Interrupt),
	)

	// These runs cannot leak, because the process ends at once. They count as code that ran.
	It("exits with the documented status", func(ctx SpecContext) {
		p, err := startProgram(path, programEnv(), quickFlags()...)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(p.kill)
		port := p.url[strings.LastIndex(p.url, ":")+1:]
		for _, call := range []struct {
			args string
			code int
		}{
			{"--help", 0}, {"--version", 0}, {"--print-config", 0}, {"--check-config", 0}, {"--port nowhere --no-such-flag", 2},
			{"--host 127.0.0.1 --health-check --port " + port, 0}, {"--health-check --port " + port, 0}, {"--host 127.0.0.1 --health-check --port 1", 1},
			{"--tls-cert nowhere.pem", 2}, {"--tls-cert nowhere.pem --tls-key nowhere.pem", 2}, {"--queue-bytes 1QiB", 2},
			{"--check-config --mesh-namespace " + wire.DefaultNetwork, 2},
			{"--auth-token secret --print-config --memory-limit 1GiB --message-rate off", 0},
			{"--host 127.0.0.1 --port 0 --admin-address 192.0.2.1:1", 1}, {"--host 127.0.0.1 --port-retries 0 --port " + port, 1},
		} {
			code, out := runOnce(ctx, path, programEnv(), strings.Fields(call.args)...)
			Expect(code).To(Equal(call.code), "%s: %s", call.args, out)
		}
		code, out := runOnce(ctx, path, append(programEnv(), "PIGEONHUB_AUTH_TOKEM=misspelled", "PIGEONHUB_PING_INTERVAL=never", "AUTH_TOKEN=secret"))
		Expect(code).To(Equal(2), out)

		alone, err := startProgram(path, programEnv(), append(quickFlags(), "--port-retries", "0", "--admin-address", strings.TrimPrefix(p.admin, "http://"))...)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(alone.kill)
		Expect(alone.end(ctx, syscall.SIGTERM)).To(Succeed())
		Expect(p.end(ctx, syscall.SIGTERM)).To(Succeed())
	}, SpecTimeout(2*time.Minute))

	// The ports that the second program asks for are in use, and its peer does not answer a
	// close frame.
	It("exits at once on a second signal", func(ctx SpecContext) {
		first, err := startProgram(path, programEnv(), quickFlags()...)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(first.kill)
		port := first.url[strings.LastIndex(first.url, ":")+1:]
		env := append(programEnv(), "BOOTSTRAP=elsewhere", "PIGEONHUB_NOTHING=1", "PIGEONHUB_PORT=tcp://10.0.0.7:3000", "GOMEMLIMIT=8GiB")
		second, err := startProgram(path, env, append(quickFlags(), "--port", port, "--port-retries", "1000", "--max-connections", "9000000",
			"--admin-address", strings.TrimPrefix(first.admin, "http://"), "--close-timeout", "1m", "--shutdown-timeout", "10m")...)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(second.kill)
		target, err := harness.NewRemote(second.url)
		Expect(err).NotTo(HaveOccurred())
		mute := harness.NewPeer(target, "the mute peer", programResident)
		Expect(mute.Join(ctx, "the end")).To(Succeed())
		Expect(second.cmd.Process.Signal(syscall.SIGTERM)).To(Succeed())
		Expect(settle.Until(ctx, func() error { // until it has handled the first signal
			if status := pageStatus(ctx, second.page("/readyz")); status != http.StatusServiceUnavailable {
				return fmt.Errorf("/readyz of a program that shuts down: status %d", status)
			}
			return nil
		})).To(Succeed())
		Expect(second.end(ctx, syscall.SIGTERM)).NotTo(Succeed())
		Expect(second.cmd.ProcessState.ExitCode()).To(Equal(1))
		_ = mute.Drop() // the program has closed it
		Expect(first.end(ctx, syscall.SIGTERM)).To(Succeed())
	}, SpecTimeout(2*time.Minute))
})

// runOnce runs the program to its end, and returns its exit status and output.
func runOnce(ctx context.Context, path string, env []string, args ...string) (code int, output string) {
	once := exec.CommandContext(ctx, path, args...)
	once.Env = env
	out, _ := once.CombinedOutput() // the status is returned instead of the error
	return once.ProcessState.ExitCode(), string(out)
}

// pageStatus returns the status of a page, or 0 without a response.
func pageStatus(ctx context.Context, url string) int {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0
	}
	res, err := newPageClient().Do(req)
	if err != nil {
		return 0
	}
	_ = res.Body.Close() // the body is not needed
	return res.StatusCode
}

// writeCertificate writes a certificate for 127.0.0.1 and its key as PEM files.
func writeCertificate(dir string) (certFile, keyFile string) {
	GinkgoHelper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	Expect(err).NotTo(HaveOccurred())
	about := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	cert, err := x509.CreateCertificate(rand.Reader, about, about, &key.PublicKey, key)
	Expect(err).NotTo(HaveOccurred())
	private, err := x509.MarshalPKCS8PrivateKey(key)
	Expect(err).NotTo(HaveOccurred())
	write := func(name, kind string, b []byte) string {
		file := filepath.Join(dir, name)
		Expect(os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600)).To(Succeed(), fmt.Sprint(name))
		return file
	}
	return write("cert.pem", "CERTIFICATE", cert), write("key.pem", "PRIVATE KEY", private)
}
