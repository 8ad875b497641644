package hostile

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
)

// Requests returns HTTP requests to base, an http or https URL without a path. Whatever a client may
// choose is made from name: path, query, method, host and headers. With a new name each time, they
// show what a server holds for each value. The last request is an upgrade by the peer id name, with
// the token unless that is "".
func Requests(ctx context.Context, base, name, token string) ([]*http.Request, error) {
	var requests []*http.Request
	for _, r := range []struct{ method, path string }{
		{http.MethodGet, "/health?" + name + "=" + name},
		{http.MethodGet, "/" + name},
		{strings.ToUpper("M" + name), "/"},
		{http.MethodGet, "/?peerId=" + name},
	} {
		req, err := http.NewRequestWithContext(ctx, r.method, base+r.path, nil)
		if err != nil {
			return nil, err
		}
		req.Host = name + ".example"
		for _, header := range []string{"User-Agent", "Accept-Language", "X-Request-Id", "X-" + name, "If-None-Match", "Cookie", "Traceparent"} {
			req.Header.Set(header, name)
		}
		req.Header.Set("Authorization", "Bearer "+name)
		req.Header.Set("Origin", "https://"+name+".example")
		req.Header.Set("Referer", "https://"+name+".example/"+name)
		requests = append(requests, req)
	}
	upgrade := requests[len(requests)-1].Header
	for header, value := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
		"Sec-WebSocket-Protocol": name,
	} {
		upgrade.Set(header, value)
	}
	if token != "" {
		upgrade.Set("Authorization", "Bearer "+token)
	}
	return requests, nil
}

// Ask sends the requests and reads the answers, whatever they are. It closes the connection of an
// upgrade that the server takes.
func Ask(client *http.Client, requests []*http.Request) error {
	for _, req := range requests {
		res, err := client.Do(req)
		if err != nil {
			return err
		}
		if res.StatusCode != http.StatusSwitchingProtocols {
			_, err = io.Copy(io.Discard, res.Body)
		}
		if err := errors.Join(err, res.Body.Close()); err != nil {
			return err
		}
	}
	return nil
}
