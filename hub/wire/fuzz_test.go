package wire_test

import "testing"

// seeds gives a fuzz target all messages of the corpus.
func seeds(f *testing.F) {
	f.Helper()
	for _, e := range corpus(f) {
		f.Add(e.msg)
	}
}

func FuzzParse(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, msg []byte) { checkParse(t, msg) })
}

// The data of an announce goes to other peers beside fields that are the hub's.
func FuzzAnnouncement(f *testing.F) {
	for _, e := range corpus(f) {
		f.Add(e.msg, "meadow")
	}
	f.Add([]byte(`{"type":"announce","data":{"\u0070eerId":"x","isHub":true,"isHub":false,"a":{"peerId":1}}}`), "\u2028\"\\\x00é")
	f.Fuzz(checkAnnouncement)
}

func FuzzAppendString(f *testing.F) {
	for _, s := range stringTable {
		f.Add(s)
	}
	f.Fuzz(checkAppendString)
}
