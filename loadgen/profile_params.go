package loadgen

// meanings describes the parameters of the profiles. A name with the word of a profile
// precedes one without.
var meanings = map[string]string{
	"stay":      "how long a peer stays, in steps of its scenario",
	"vanish":    "after which the connection of a peer that vanished, or said goodbye, is reset",
	"leave":     "how peers leave: polite, goodbye, rst, vanish, early, or mixed",
	"patience":  "how long to wait for what the profile expects",
	"residents": "peers that stay and listen while others come and go; 0 for none, in a check",
	"confirm":   "how long a target that seems to leak may take to release",
	"slow":      "a bystander that waits longer suffers",
	"wait":      "time between two herds",

	"capacity.find":    "what to search for: peers, messages, or both",
	"capacity.first":   "the level that a search begins with",
	"capacity.hold":    "how long a level is held",
	"capacity.within":  "how exact the result is, in percent",
	"capacity.arrive":  "peers that connect a second, at most --rate",
	"capacity.senders": "peers that send in the search for messages",
	"capacity.trickle": "messages a second in the search for peers",
	"capacity.limits":  "thresholds that a level must hold, with ; between them; empty for p99(candidate)<100ms, or p99(reply)<100ms with the codec text, and lost==0; cut==0; errors==0",

	"check.pairs":      "least number of pairs of blocks, one with peers and one without",
	"check.off":        "length of a block without peers",
	"check.rough":      "fanout, spike and hostile afterwards: yes, no, or here for a target on this machine",
	"drain.wait":       "how long the operator of the target has to restart it",
	"drain.patience":   "in which all peers must be back",
	"drain.backoff":    "first time between two attempts of a peer to return",
	"duplicate.old":    "state of the first session of an id when the second one comes: alive, vanished, reset, or mixed",
	"hostile.react":    "how long an input may take to show an effect",
	"hostile.hold":     "how long slow inputs last",
	"hostile.only":     "run the inputs whose names contain this; empty for all",
	"hubs.flips":       "how often a peer claims to be a hub and takes it back",
	"networks.name":    "length of the name of a network, in bytes",
	"roam.moves":       "how often a peer moves to another network",
	"spike.herds":      "how often all peers lose their connections",
	"spike.leave":      "how they lose them: rst or polite",
	"stall.bystanders": "peers that go on reading",
	"stall.bytes":      "size of a message",
	"stall.read":       "bytes a second that a stalled peer reads",
	"stall.calm":       "time before the peers stall",
}

// meaning returns what a parameter of a profile is for.
func meaning(word, param string) string {
	if about, ok := meanings[word+"."+param]; ok {
		return about
	}
	return meanings[param]
}
