package codec

import (
	"bytes"
	"fmt"
	"net/url"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// Text is the codec of targets with any other protocol. It fills in templates, in which
//
//	{id}        is the peer, 40 hexadecimal digits
//	{index}     is the peer, as a number of at most 15 digits
//	{network}   is the network of the peer
//	{sequence}  is the number of a message of the peer, ten digits
//
// The target does not greet, and peers do not know each other: each one sends messages to
// the target and recognises what answers them. Before New the fields hold what was given,
// after it also the defaults.
type Text struct {
	// URL is what a peer dials: a URL at the host of the target, or what follows the host.
	// The default is the URL of the target.
	URL string `yaml:"url" json:"url,omitempty"`
	// First is the first message of a peer. The default is none.
	First string `yaml:"first" json:"first,omitempty"`
	// Message is each further message of a peer. The default is "{id} {sequence}".
	Message string `yaml:"message" json:"message,omitempty"`
	// Reply recognises the reply to a message: a text that the reply contains, or
	// /a regular expression/ that matches it. Without {sequence} replies are taken in
	// order. The default is the message: an echo, or a broadcast that includes the sender.
	Reply string `yaml:"reply" json:"reply,omitempty"`

	// Answers are what a peer answers to keep-alives of the target, each written as SENT=REPLY.
	// SENT is the whole message, or /a regular expression/ whose groups REPLY may have as $1.
	Answers []string `yaml:"answers,omitempty" json:"answers,omitempty"`
	// Turns makes a peer wait for the reply to a message before it sends the next one. What was
	// due in the meantime is sent then, and its latency counts from when it was due.
	Turns bool `yaml:"turns,omitempty" json:"turns,omitempty"`
	// Binary sends binary frames. The templates, but for regular expressions, may then have the
	// escapes of Go strings, such as \x00.
	Binary bool `yaml:"binary,omitempty" json:"binary,omitempty"`

	networks int // over which the peers are spread; a peer never moves
	answers  []answer
}

// IsZero reports whether no field was given.
func (c Text) IsZero() bool { return reflect.DeepEqual(c, Text{}) }

const (
	textWord = "text"

	defaultMessage = "{id} {sequence}"
	firstSequence  = 1_000_000_000 // so that no number is the beginning of another
)

func newText(o Options) (Codec, error) {
	c := Text{}
	if o.Text != nil {
		c = *o.Text
	}
	c.networks = max(1, o.Networks)
	if c.Message == "" {
		c.Message = defaultMessage
	}
	if c.Reply == "" {
		c.Reply = c.Message
	}
	for i, template := range []*string{&c.URL, &c.First, &c.Message, &c.Reply} {
		name := []string{"url", "first", "message", "reply"}[i]
		if err := CheckTemplate(*template, "{id}", "{index}", "{network}", "{sequence}"); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if _, isPattern := c.pattern(); !c.Binary || name == "url" || name == "reply" && isPattern {
			continue
		}
		var err error
		if *template, err = unquote(*template); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if _, err := c.replyTo(wire.PeerID(strings.Repeat("0", wire.PeerIDLen)), 0); err != nil {
		return nil, fmt.Errorf("reply: %w", err)
	}
	for _, rule := range c.Answers {
		a, err := parseAnswer(rule, c.Binary)
		if err != nil {
			return nil, fmt.Errorf("answer: %w", err)
		}
		c.answers = append(c.answers, a)
	}
	return &c, nil
}

// IsBinary reports whether messages are binary frames.
func (c *Text) IsBinary() bool { return c.Binary }

// TakesTurns reports whether a peer waits for a reply before its next message.
func (c *Text) TakesTurns() bool { return c.Turns }

// expand fills in a template.
func (c *Text) expand(template string, id wire.PeerID, sequence uint64, escape func(string) string) string {
	template = strings.ReplaceAll(template, "{sequence}", strconv.FormatUint(firstSequence+sequence, 10))
	return fill(template, id, c.networks, escape)
}

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
		if rel.Host != "" && rel.Host != u.Host { // only the load on the target was permitted
			return "", fmt.Errorf("address: the URL of the text codec is at %s, the target at %s", rel.Host, u.Host)
		}
		u = u.ResolveReference(rel)
	}
	u.Scheme = strings.Replace(u.Scheme, "http", "ws", 1)
	return u.String(), nil
}

// Announce fills in the first message.
func (c *Text) Announce(id wire.PeerID, _ string) []byte {
	if c.First == "" {
		return nil
	}
	return []byte(c.expand(c.First, id, 0, unescaped))
}

// Decode returns no event: the meaning of a message depends on what the peer sent before.
func (c *Text) Decode([]byte) Event { return Event{} }

// Say fills in a message, and returns what recognises its reply.
func (c *Text) Say(id wire.PeerID, sequence uint64) (message []byte, isReply func([]byte) bool) {
	isReply, err := c.replyTo(id, sequence)
	if err != nil { // New tried the template, and only the id and the number differ
		panic(fmt.Sprintf("loadgen: the reply of a text codec: %v", err))
	}
	return []byte(c.expand(c.Message, id, sequence, unescaped)), isReply
}

func (c *Text) replyTo(id wire.PeerID, sequence uint64) (func([]byte) bool, error) {
	if pattern, ok := c.pattern(); ok {
		re, err := regexp.Compile(c.expand(pattern, id, sequence, regexp.QuoteMeta))
		if err != nil {
			return nil, err
		}
		return re.Match, nil
	}
	want := []byte(c.expand(c.Reply, id, sequence, unescaped))
	return func(b []byte) bool { return bytes.Contains(b, want) }, nil
}

// pattern returns the regular expression if the reply is one.
func (c *Text) pattern() (string, bool) {
	s, opened := strings.CutPrefix(c.Reply, "/")
	s, closed := strings.CutSuffix(s, "/")
	return s, opened && closed
}

// Specific reports whether a reply shows which message it answers.
func (c *Text) Specific() bool { return strings.Contains(c.Reply, "{sequence}") }
