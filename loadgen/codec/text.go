package codec

import (
	"bytes"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// Text is the codec of targets that speak another protocol: whatever stands in its
// templates. In them stand for
//
//	{id}        the peer, 40 hexadecimal digits
//	{index}     the peer, as a number of 15 digits at most
//	{network}   the peer's network
//	{sequence}  of a message, ten digits, counted up for each peer
//
// The target does not greet: who is connected is accepted. A peer hears its own
// messages, or what answers them, and no other's; a plan that has peers signal to each
// other has each of them say something instead.
// A plan completes it; until then it is only what was written.
type Text struct {
	// URL is what a peer dials: a URL at the target's host, or what follows the host.
	// Default the target's.
	URL string `yaml:"url" json:"url,omitempty"`
	// First is what a peer says first. Default nothing.
	First string `yaml:"first" json:"first,omitempty"`
	// Message is what a peer says. Default "{id} {sequence}".
	Message string `yaml:"message" json:"message,omitempty"`
	// Reply is in what comes back when a message has arrived, or matches it if it is
	// /a regular expression/. Without {sequence} replies are taken in order. Default the
	// message: an echo, or a broadcast that includes who sent it.
	Reply string `yaml:"reply" json:"reply,omitempty"`

	networks int // in which the peers are, each in one of them for good
}

const (
	defaultMessage = "{id} {sequence}"
	firstSequence  = 1_000_000_000 // no number is the beginning of another
	indexDigits    = 12            // hexadecimal, of the id
)

var (
	placeholder  = regexp.MustCompile(`\{[a-z]+\}`)
	placeholders = []string{"{id}", "{index}", "{network}", "{sequence}"}
)

// Complete returns the codec with its defaults, for peers in so many networks.
func (c Text) Complete(networks int) (*Text, error) {
	c.networks = max(1, networks)
	if c.Message == "" {
		c.Message = defaultMessage
	}
	if c.Reply == "" {
		c.Reply = c.Message
	}
	for i, template := range []string{c.URL, c.First, c.Message, c.Reply} {
		for _, p := range placeholder.FindAllString(template, -1) {
			if !slices.Contains(placeholders, p) {
				return nil, fmt.Errorf("text: %s: no %s; there are %s", []string{"url", "first", "message", "reply"}[i], p, strings.Join(placeholders, ", "))
			}
		}
	}
	if _, err := c.replyTo(wire.PeerID(strings.Repeat("0", wire.PeerIDLen)), 0); err != nil {
		return nil, fmt.Errorf("text: reply: %w", err)
	}
	return &c, nil
}

// expand fills in a template.
func (c *Text) expand(template string, id wire.PeerID, sequence uint64, escape func(string) string) string {
	index, _ := strconv.ParseUint(string(id[:min(indexDigits, len(id))]), 16, 64) // our ids are hexadecimal
	network := "network-" + strconv.FormatUint(index%uint64(max(1, c.networks)), 10)
	return strings.NewReplacer(
		"{id}", escape(string(id)), "{index}", strconv.FormatUint(index, 10), "{network}", escape(network),
		"{sequence}", strconv.FormatUint(firstSequence+sequence, 10),
	).Replace(template)
}

func plainly(s string) string { return s }

// Address fills in the URL.
func (c *Text) Address(base string, id wire.PeerID) (string, error) {
	at := c.expand(c.URL, id, 0, url.QueryEscape)
	u, err := url.Parse(base)
	if err != nil {
		return "", fmt.Errorf("address: %w", err)
	}
	if at != "" {
		rel, err := url.Parse(at)
		if err != nil {
			return "", fmt.Errorf("address: %w", err)
		}
		if rel.Host != "" && rel.Host != u.Host { // load goes to the target that was allowed, and nowhere else
			return "", fmt.Errorf("address: the URL of the text codec is at %s, the target at %s", rel.Host, u.Host)
		}
		u = u.ResolveReference(rel)
	}
	u.Scheme = strings.Replace(u.Scheme, "http", "ws", 1)
	return u.String(), nil
}

// Announce is the first message.
func (c *Text) Announce(id wire.PeerID, _ string) []byte {
	if c.First == "" {
		return nil
	}
	return []byte(c.expand(c.First, id, 0, plainly))
}

// Signal is nothing: peers do not know each other.
func (c *Text) Signal(wire.Kind, wire.PeerID, wire.PeerID, string, []byte) []byte { return nil }

// Goodbye is nothing.
func (c *Text) Goodbye(wire.PeerID, string) []byte { return nil }

// Ping is nothing.
func (c *Text) Ping() []byte { return nil }

// Decode is nothing: what a message means depends on what was said before.
func (c *Text) Decode([]byte) Event { return Event{} }

// Say is a message of a peer, and what tells its reply.
func (c *Text) Say(id wire.PeerID, sequence uint64) (message []byte, isReply func([]byte) bool) {
	isReply, err := c.replyTo(id, sequence)
	if err != nil { // it was tried when the codec was made; ids and numbers are all that changed
		panic(fmt.Sprintf("loadgen: the reply of a text codec: %v", err))
	}
	return []byte(c.expand(c.Message, id, sequence, plainly)), isReply
}

func (c *Text) replyTo(id wire.PeerID, sequence uint64) (func([]byte) bool, error) {
	if pattern, ok := c.pattern(); ok {
		re, err := regexp.Compile(c.expand(pattern, id, sequence, regexp.QuoteMeta))
		if err != nil {
			return nil, err
		}
		return re.Match, nil
	}
	want := []byte(c.expand(c.Reply, id, sequence, plainly))
	return func(b []byte) bool { return bytes.Contains(b, want) }, nil
}

// pattern returns the regular expression that the reply is.
func (c *Text) pattern() (string, bool) {
	s, opened := strings.CutPrefix(c.Reply, "/")
	s, closed := strings.CutSuffix(s, "/")
	return s, opened && closed
}

// Specific reports whether a reply says which message it answers.
func (c *Text) Specific() bool { return strings.Contains(c.Reply, "{sequence}") }
