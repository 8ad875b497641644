package wire

import (
	"bytes"
	"math"
)

// Envelope is one message of a peer. Its slices point into the message: code that
// keeps one beyond the message must copy it.
type Envelope struct {
	Kind    Kind
	Type    string // the type as JavaScript prints it, its start for ErrorText; set only if Kind is KindOther
	Data    []byte // the payload, validated JSON, exactly as sent; nil if absent
	From    []byte // fromPeerId as claimed; nil when absent or no valid id
	Target  []byte // targetPeerId; nil when absent or no valid id
	Network []byte // networkName; nil if absent or falsy, which means DefaultNetwork

	HasTarget  bool // a targetPeerId that is not falsy was given, valid or not
	BadNetwork bool // networkName was no string, or longer than MaxNetworkNameBytes
}

// Parse parses one message. It returns ErrSyntax, ErrTooDeep or ErrTooMany if the
// message is not JSON within the limits, and ErrNull for a bare null. Any other JSON
// value is a message without a type. Of a field that occurs twice the last one counts,
// as in JavaScript. The time is linear in the size of the message, whatever it holds.
func Parse(msg []byte) (Envelope, error) {
	var f fields
	s := scanner{b: msg}
	if s.space() == '{' {
		if err := s.object(MaxMembers, f.set); err != nil {
			return Envelope{}, err
		}
	} else {
		from := s.i
		if err := s.value(0); err != nil {
			return Envelope{}, err
		}
		f.other = s.b[from:s.i]
	}
	if s.space(); s.i != len(msg) {
		return Envelope{}, ErrSyntax
	}
	if string(f.other) == "null" {
		return Envelope{}, ErrNull
	}
	return f.envelope(), nil
}

// fields are the values of a message, nil where there is none.
type fields struct {
	typ, data, network, target, from []byte
	other                            []byte // the message, if it is not an object
}

// set stores one field. Fields that the protocol does not have are dropped.
func (f *fields) set(m member) {
	switch m.field {
	case "type":
		f.typ = m.value
	case "data":
		f.data = m.value
	case "networkName":
		f.network = m.value
	case "targetPeerId":
		f.target = m.value
	case "fromPeerId":
		f.from = m.value
	}
}

// envelope decodes the fields.
func (f *fields) envelope() Envelope {
	e := Envelope{Data: f.data, Target: peerID(f.target), From: peerID(f.from)}
	e.HasTarget = f.target != nil && !falsy(f.target)
	if f.network != nil {
		e.setNetwork(f.network)
	}
	e.setType(f.typ)
	return e
}

func (e *Envelope) setNetwork(v []byte) {
	switch {
	case falsy(v):
	case v[0] != '"' || len(v) > 6*MaxNetworkNameBytes+2: // \u0000 is six bytes for one
		e.BadNetwork = true
	default:
		e.Network = unquote(v)
		e.BadNetwork = len(e.Network) > MaxNetworkNameBytes
	}
}

// setType sets the kind and, if the hub does not know it, the text of the type for
// the error reply.
func (e *Envelope) setType(v []byte) {
	switch {
	case v == nil:
		e.Type = "undefined"
	case v[0] == '"':
		name := unquote(start(v))
		if e.Kind = kindByName[string(name)]; e.Kind == KindOther {
			e.Type = string(name)
		}
	default:
		e.Type = word(v)
	}
}

// start returns the start of a validated string value, with quotes: enough for the
// longest kind and for ErrorText, whatever is escaped.
func start(v []byte) []byte {
	if len(v) <= maxWord {
		return v
	}
	i := 1
	for i < maxWord {
		if v[i] == '\\' {
			i += escape(v[i:])
		} else {
			i++
		}
	}
	return append(v[:i:i], '"')
}

// falsy reports whether a validated value is falsy in JavaScript.
func falsy(v []byte) bool {
	switch v[0] {
	case '"':
		return len(v) == len(`""`)
	case 'n', 'f':
		return true
	case 't', '{', '[':
		return false
	}
	return number(v) == 0 // zero in any spelling, or too small for a float64
}

// unquote returns the text of a validated string value. It points into v unless v has
// escapes.
func unquote(v []byte) []byte {
	inner := v[1 : len(v)-1]
	if bytes.IndexByte(inner, '\\') >= 0 {
		return []byte(unescape(inner))
	}
	return inner
}

// peerID returns the peer id that a validated value holds, or nil.
func peerID(v []byte) []byte {
	if len(v) < PeerIDLen+2 || v[0] != '"' || len(v) > 6*PeerIDLen+2 {
		return nil
	}
	if id := unquote(v); valid(id) {
		return id
	}
	return nil
}

// Announcement is the part of an announce's data that a hub uses.
type Announcement struct {
	IsHub bool // data.isHub is true
	// Extra has the members of data other than peerId and isHub, as they were sent,
	// with a comma before each. It is nil if there are none. The hub writes the other
	// two itself (W38).
	Extra []byte
}

// ParseAnnouncement parses the data of an announce that Parse has validated. Data
// that is not an object counts as empty.
func ParseAnnouncement(data []byte) Announcement {
	var a Announcement
	members(data, func(m member) {
		switch m.field {
		case "isHub":
			a.IsHub = string(m.value) == "true"
		case "peerId":
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

// PeerIDOf returns data.peerId of a message about another peer, or "".
func PeerIDOf(data []byte) PeerID {
	var id []byte
	members(data, func(m member) {
		if m.field == "peerId" {
			id = m.value
		}
	})
	return PeerID(peerID(id))
}

// members calls visit for each member of a validated object.
func members(data []byte, visit func(member)) {
	s := scanner{b: data}
	if s.space() == '{' {
		_ = s.object(math.MaxInt, visit) // cannot fail: Parse has validated it at a greater depth
	}
}
