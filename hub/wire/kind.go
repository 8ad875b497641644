package wire

// Kind is the type of a message. The zero Kind stands for every type the hub
// does not route.
type Kind uint8

// The kinds a hub handles, and those it sends.
const (
	KindOther Kind = iota
	KindAnnounce
	KindOffer
	KindAnswer
	KindICECandidate
	KindGoodbye
	KindPing
	KindCleanup
	KindPeerDiscovered
	KindPeerDisconnected
	KindConnectionRejected
	KindRenegotiationOffer
	KindRenegotiationAnswer
	KindICERestartOffer
	KindICERestartAnswer
	KindRecoveryOffer
	KindConnected
	KindPong
	KindError

	NumKinds // the number of kinds, for arrays indexed by Kind
)

var kindNames = [NumKinds]string{
	KindOther:               "other",
	KindAnnounce:            "announce",
	KindOffer:               "offer",
	KindAnswer:              "answer",
	KindICECandidate:        "ice-candidate",
	KindGoodbye:             "goodbye",
	KindPing:                "ping",
	KindCleanup:             "cleanup",
	KindPeerDiscovered:      "peer-discovered",
	KindPeerDisconnected:    "peer-disconnected",
	KindConnectionRejected:  "connection-rejected",
	KindRenegotiationOffer:  "renegotiation-offer",
	KindRenegotiationAnswer: "renegotiation-answer",
	KindICERestartOffer:     "ice-restart-offer",
	KindICERestartAnswer:    "ice-restart-answer",
	KindRecoveryOffer:       "recovery-offer",
	KindConnected:           "connected",
	KindPong:                "pong",
	KindError:               "error",
}

// kindByName does not have KindOther: the type "other" on the wire is unknown, too.
var kindByName = func() map[string]Kind {
	m := make(map[string]Kind, NumKinds)
	for k := KindOther + 1; k < NumKinds; k++ {
		m[kindNames[k]] = k
	}
	return m
}()

// String returns the type as it is on the wire. It is also the metric label.
func (k Kind) String() string {
	if k >= NumKinds {
		return kindNames[KindOther]
	}
	return kindNames[k]
}

// Signal reports whether the kind is relayed to the peer it names.
func (k Kind) Signal() bool {
	return k == KindOffer || k == KindAnswer || k == KindICECandidate
}

// Renegotiation reports whether the kind is one that shipped clients send through the
// hub although the reference server refuses it (W50). A hub may relay it.
func (k Kind) Renegotiation() bool {
	return k >= KindConnectionRejected && k <= KindRecoveryOffer
}
