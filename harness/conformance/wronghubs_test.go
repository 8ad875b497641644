package conformance_test

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// wrongHubs has, by the name of a check, a hub that is wrong in that check only.
var wrongHubs = map[string]wrong{
	"greeting":                      {toPeer: swap("system", "hub")},
	"any path":                      {path: "/"},
	"invalid id":                    {closing: always(1000, "Invalid peerId format")},
	"upper and lower case":          {id: strings.ToLower},
	"duplicate id":                  {closing: always(1008, "taken")},
	"id free again":                 {keeps: true},
	"announce both ways":            {toPeer: without("peer-discovered")},
	"announce in an empty network":  {answer: answer("announce", `{"type":"announced"}`)},
	"announce again":                {toHub: once("announce")},
	"announced data":                {toPeer: swap(`"role":"reader"`, `"role":"writer"`)},
	"networks are apart":            {toHub: oneNetwork},
	"relay offer":                   {toPeer: swap(`\r\n`, `\n`)},
	"relay answer":                  {toPeer: swap(`<`, `\u003c`)}, // as encoding/json escapes it
	"relay ice-candidate":           {toPeer: swap(`"usernameFragment":null`, `"usernameFragment":""`)},
	"relay in order":                {toPeer: late},
	"relay of a large message":      {limit: 512 << 10},
	"before the announce":           {toHub: func(_, m string) []string { return unless(strings.Contains(m, "offer"), m) }},
	"relay to an unknown peer":      {answer: answer("offer", `{"type":"error","error":"no such peer"}`)},
	"no relay between networks":     {toHub: oneNetwork},
	"goodbye":                       {toPeer: without("goodbye")},
	"goodbye to the closest":        {toPeer: goodbyeToAll},
	"peer-disconnected after close": {toPeer: without("peer-disconnected")},
	"peer-disconnected after reset": {toPeer: without("peer-disconnected")},
	"ping":                          {toPeer: swap(`"data":{"timestamp":`, `"data":{"time":`)},
	"cleanup":                       {answer: answer("cleanup", `{"type":"error","error":"what?"}`)},
	"unknown type":                  {toPeer: swap("does not route", "cannot route")},
	"no type":                       {toPeer: swap("'undefined'", "'null'")},
	"malformed messages":            {strict: true},
	"binary message":                {texts: true},
	"message in fragments":          {whole: true},
	"ping frame":                    {noPongs: true},
	"message too big":               {closing: always(1008, "")},
	"against RFC 6455":              {octets: [2]string{"\x03\xea", "\x03\xe8"}},
}

func swap(from, to string) func(string) []string {
	return func(m string) []string { return []string{strings.ReplaceAll(m, from, to)} }
}

func without(kind string) func(string) []string {
	return func(m string) []string { return unless(isKind(m, kind), m) }
}

func unless(drop bool, m string) []string {
	if drop {
		return nil
	}
	return []string{m}
}

func isKind(m, kind string) bool { return strings.HasPrefix(m, fmt.Sprintf(`{"type":%q`, kind)) }

func always(code int, text string) func(int) (int, string) {
	return func(int) (int, string) { return code, text }
}

func answer(kind, with string) func(string) string {
	return func(m string) string {
		if isKind(m, kind) {
			return with
		}
		return ""
	}
}

// once forwards a message once.
func once(kind string) func(id, m string) []string {
	var said sync.Map
	return func(id, m string) []string {
		if !isKind(m, kind) {
			return []string{m}
		}
		_, again := said.LoadOrStore(id, true)
		return unless(again, m)
	}
}

var networkName = regexp.MustCompile(`"networkName":"[^"]*"`)

func oneNetwork(_, m string) []string {
	return []string{networkName.ReplaceAllString(m, `"networkName":"one"`)}
}

// late delivers each candidate after the next one.
func late(m string) []string {
	const seven, eight = `"candidate":"7"`, `"candidate":"8"`
	switch {
	case strings.Contains(m, seven):
		return nil
	case strings.Contains(m, eight):
		return []string{m, strings.Replace(m, eight, seven, 1)}
	}
	return []string{m}
}

// goodbyeToAll sends a goodbye to each peer that gets the notice of an end.
func goodbyeToAll(m string) []string {
	switch {
	case isKind(m, "goodbye"):
		return nil
	case isKind(m, "peer-disconnected"):
		return []string{strings.Replace(m, "peer-disconnected", "goodbye", 1), m}
	}
	return []string{m}
}
