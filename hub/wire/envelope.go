package wire

import (
	"bytes"
	"strconv"
)

// Envelope is one message of a peer. Its slices are views of the message and
// live as long as it does: whoever keeps one must copy it.
type Envelope struct {
	Kind    Kind
	Type    string // what the type reads in JavaScript, for ErrorText; only when Kind is KindOther
	Data    []byte // the payload, proven JSON, exactly as sent; nil when absent
	From    []byte // fromPeerId as claimed; nil when absent or no valid id
	Target  []byte // targetPeerId; nil when absent or no valid id
	Network []byte // networkName; nil when absent or falsy, which means DefaultNetwork

	HasTarget  bool // a targetPeerId that is not falsy was given, valid or not
	BadNetwork bool // networkName was no string, or longer than MaxNetworkNameBytes
}

// Parse reads one message. It returns ErrSyntax or ErrTooDeep for what is not
// JSON within the limits, and ErrNull for a bare null. Any other JSON value is
// a message without a type. A field that stands twice counts as it stands last,
// as in JavaScript.
func Parse(msg []byte) (Envelope, error) {
	var env Envelope
	var typ, null []byte
	s := scanner{b: msg}
	var err error
	if s.space() == '{' {
		err = s.object(0, func(m member) {
			if m.is("type") {
				typ = m.value
			} else {
				env.set(&m)
			}
		})
	} else {
		from := s.i
		err = s.value(0)
		null = s.b[from:s.i]
	}
	if err != nil {
		return Envelope{}, err
	}
	if s.space(); s.i != len(msg) {
		return Envelope{}, ErrSyntax
	}
	if string(null) == "null" {
		return Envelope{}, ErrNull
	}
	env.setType(typ)
	return env, nil
}

// set notes one field; the fields the protocol does not know are dropped.
func (e *Envelope) set(m *member) {
	switch {
	case m.is("data"):
		e.Data = m.value
	case m.is("networkName"):
		e.setNetwork(m.value)
	case m.is("targetPeerId"):
		e.HasTarget = !falsy(m.value)
		e.Target = peerID(m.value)
	case m.is("fromPeerId"):
		e.From = peerID(m.value)
	}
}

func (e *Envelope) setNetwork(v []byte) {
	e.Network, e.BadNetwork = nil, false
	switch {
	case falsy(v):
	case v[0] != '"' || len(v) > 6*MaxNetworkNameBytes+2: // \u0000 is six bytes for one
		e.BadNetwork = true
	default:
		e.Network = unquote(v)
		e.BadNetwork = len(e.Network) > MaxNetworkNameBytes
	}
}

// setType finds the kind, and for the unknown ones the word that the reference
// server's error reply holds.
func (e *Envelope) setType(v []byte) {
	switch {
	case v == nil:
		e.Type = "undefined"
	case v[0] == '"':
		name := unquote(v)
		if e.Kind = kindByName[string(name)]; e.Kind == KindOther {
			e.Type = string(name)
		}
	default:
		e.Type = word(v)
	}
}

// falsy reports whether a proven value is false in JavaScript.
func falsy(v []byte) bool {
	switch v[0] {
	case '"':
		return len(v) == len(`""`)
	case 'n', 'f':
		return true
	case 't', '{', '[':
		return false
	}
	n, err := strconv.ParseFloat(string(v), 64)
	return err == nil && n == 0 // a spelling of zero, or as good as zero
}

// unquote returns the text of a proven string value: a view of it where it
// holds no escapes.
func unquote(v []byte) []byte {
	inner := v[1 : len(v)-1]
	if bytes.IndexByte(inner, '\\') >= 0 {
		return []byte(unescape(inner))
	}
	return inner
}

// peerID returns the id a proven value holds, or nil.
func peerID(v []byte) []byte {
	if len(v) < PeerIDLen+2 || v[0] != '"' || len(v) > 6*PeerIDLen+2 {
		return nil
	}
	if id := unquote(v); valid(id) {
		return id
	}
	return nil
}

// Announcement is what a hub reads in the data of an announce.
type Announcement struct {
	IsHub bool // data.isHub is true
	// Extra holds the members of data other than peerId and isHub, key and value
	// as they were sent, with a comma before each; nil when there are none. The
	// two left out are the hub's own to say (W38).
	Extra []byte
}

// ParseAnnouncement reads the data of an announce, which Parse has proven.
// Data that is no object counts as empty.
func ParseAnnouncement(data []byte) Announcement {
	var a Announcement
	members(data, func(m member) {
		switch {
		case m.is("isHub"):
			a.IsHub = string(m.value) == "true"
		case m.is("peerId"):
		default:
			if a.Extra == nil {
				a.Extra = make([]byte, 0, len(data))
			}
			a.Extra = append(append(a.Extra, `,"`...), m.key...)
			a.Extra = append(append(a.Extra, `":`...), m.value...)
		}
	})
	return a
}

// PeerIDOf returns data.peerId of a message that speaks of another peer, or "".
func PeerIDOf(data []byte) PeerID {
	var id []byte
	members(data, func(m member) {
		if m.is("peerId") {
			id = peerID(m.value)
		}
	})
	return PeerID(id)
}

// members shows each member of a proven object to visit.
func members(data []byte, visit func(member)) {
	s := scanner{b: data}
	if s.space() == '{' {
		_ = s.object(0, visit) // proven by Parse at a greater depth
	}
}
