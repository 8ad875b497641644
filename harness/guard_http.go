package harness

import (
	"slices"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// The goroutines of a connection that package net/http starts, and what the client's reader waits
// for if the connection is idle.
const (
	httpReader = "net/http.(*persistConn).readLoop"
	httpWriter = "net/http.(*persistConn).writeLoop"
	httpServer = "net/http.(*conn).serve"
	httpPeek   = "bufio.(*Reader).Peek"
	http2Loop  = "ClientConn).readLoop"
)

// The advice for connections that a test has left.
const (
	adviceBody = "the client waits until the body of the response is read or closed: call resp.Body.Close"
	adviceIdle = "an HTTP client keeps the connection for its next request: call CloseIdleConnections of the client" +
		" (the guard does so for http.DefaultClient), and Close or Shutdown of its server"
	adviceHTTP2 = adviceIdle + "; or a body was not closed: call resp.Body.Close"
)

// explainHTTP replaces the goroutines and descriptors of an HTTP client's connections, up to five
// findings for one cause, by one finding with an advice.
func explainHTTP(findings []verdict.Finding) []verdict.Finding {
	var rest, clients, conns []verdict.Finding
	for _, f := range findings {
		switch {
		case f.Class == verdict.Goroutine && isHTTPClient(f.Detail):
			clients = append(clients, explainClient(f))
		case f.Class == verdict.Goroutine && strings.Contains(f.Detail, httpWriter),
			f.Class == verdict.Goroutine && strings.Contains(f.Detail, httpServer) && strings.Contains(f.Detail, httpPeek):
			conns = append(conns, f)
		default:
			rest = append(rest, f)
		}
	}
	if clients == nil {
		return findings
	}
	ends := total(clients)
	for _, f := range conns {
		if strings.Contains(f.Detail, httpServer) {
			ends += f.Count
		}
	}
	isEnd := func(f verdict.Finding) bool {
		return f.Class == verdict.Descriptor && strings.HasPrefix(f.Type, "tcp") && !strings.HasPrefix(f.Type, "tcp listener")
	}
	sockets := slices.DeleteFunc(slices.Clone(rest), func(f verdict.Finding) bool { return !isEnd(f) })
	if total(sockets) <= ends {
		rest = slices.DeleteFunc(rest, isEnd)
		for _, f := range sockets {
			clients[0].Detail += "\n" + f.Detail
		}
	}
	return append(clients, rest...)
}

func isHTTPClient(stack string) bool {
	return strings.Contains(stack, httpReader) || strings.Contains(stack, http2Loop)
}

// explainClient returns the finding for the reader of a client's connection.
func explainClient(f verdict.Finding) verdict.Finding {
	advice := adviceBody
	f.Born = verdict.Site{} // a line of net/http
	f.Class, f.Type = verdict.Unclosed, "body of an HTTP response"
	switch {
	case strings.Contains(f.Detail, http2Loop):
		f.Class, f.Type, advice = verdict.Descriptor, "HTTP/2 connection", adviceHTTP2
	case strings.Contains(f.Detail, httpPeek):
		f.Class, f.Type, advice = verdict.Descriptor, "idle HTTP connection", adviceIdle
	}
	f.Detail = advice
	return f
}

func total(findings []verdict.Finding) (n int64) {
	for _, f := range findings {
		n += f.Count
	}
	return n
}
