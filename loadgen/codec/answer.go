package codec

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// answer is one rule of what a peer answers to a keep-alive.
type answer struct {
	sent    string         // the whole message
	pattern *regexp.Regexp // in place of sent, if not nil
	reply   string         // a template
}

// parseAnswer reads a rule, written as SENT=REPLY. SENT ends at the first "=", or at the first
// "/=" if it is an expression.
func parseAnswer(rule string, binary bool) (answer, error) {
	sent, reply, ok := strings.Cut(rule, "=")
	expression, isPattern := strings.CutPrefix(rule, "/")
	if isPattern {
		sent, reply, ok = strings.Cut(expression, "/=")
	}
	if !ok || sent == "" || reply == "" {
		return answer{}, fmt.Errorf("%.80q is not written as SENT=REPLY or /EXPRESSION/=REPLY", rule)
	}
	a := answer{sent: sent, reply: reply}
	err := CheckTemplate(reply, "{id}", "{index}", "{network}")
	if isPattern && err == nil {
		a.pattern, err = regexp.Compile(sent)
	}
	if binary && !isPattern && err == nil {
		a.sent, err = unquote(sent)
	}
	if binary && err == nil {
		a.reply, err = unquote(reply)
	}
	if err != nil {
		return answer{}, fmt.Errorf("%.80q: %w", rule, err)
	}
	return a, nil
}

// to returns the answer of a peer to a message, nil if the rule is for other messages.
func (a answer) to(message []byte, id wire.PeerID, networks int) []byte {
	if a.pattern == nil {
		if string(message) != a.sent {
			return nil
		}
		return []byte(Fill(a.reply, id, networks))
	}
	groups := a.pattern.FindSubmatchIndex(message)
	if groups == nil {
		return nil
	}
	return a.pattern.Expand(nil, []byte(Fill(a.reply, id, networks)), message, groups)
}

// Answer returns what a peer answers to a keep-alive of the target, nil if the message is none.
func (c *Text) Answer(id wire.PeerID, message []byte) []byte {
	for _, a := range c.answers {
		if reply := a.to(message, id, c.networks); reply != nil {
			return reply
		}
	}
	return nil
}

var errEscape = errors.New(`an escape is malformed: there are \x00 to \xff, \n, \r, \t, \\ and those of Go strings`)

// unquote replaces the escapes of Go strings.
func unquote(s string) (string, error) {
	var b strings.Builder
	for s != "" {
		r, multibyte, rest, err := strconv.UnquoteChar(s, 0)
		switch {
		case err != nil:
			return "", errEscape
		case multibyte:
			b.WriteRune(r)
		default:
			b.WriteByte(byte(r))
		}
		s = rest
	}
	return b.String(), nil
}
