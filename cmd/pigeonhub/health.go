package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// healthLimit is how long a hub may take to answer a health check.
const healthLimit = 5 * time.Second

// checkHealth requests /livez from the hub that these settings start. It is for
// containers that hold nothing but this binary.
func (c *config) checkHealth(ctx context.Context, stderr io.Writer) int {
	if err := askHealth(ctx, c.healthURL()); err != nil {
		fmt.Fprintf(stderr, "pigeonhub: %v\n", err)
		return exitFailed
	}
	return exitOK
}

func (c *config) healthURL() string {
	scheme := "http"
	if c.tls != nil {
		scheme = "https"
	}
	return scheme + "://" + reachable(c.host, c.port) + "/livez"
}

// reachable returns the address of a listener as seen from this machine.
func reachable(host string, port int) string {
	host = strings.Trim(host, "[]")
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}

func askHealth(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, healthLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		// The certificate is for the name that peers use, not for localhost, and
		// the exchange is not secret.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, res.Status)
	}
	return nil
}
