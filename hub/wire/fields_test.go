package wire_test

import (
	"encoding/binary"
	"encoding/json"
	"strings"
	"testing"
)

// payload takes the header off one unfragmented text frame, which must be all
// there is. The length must be spelled as short as can be.
func payload(tb testing.TB, frame []byte) string {
	tb.Helper()
	if len(frame) < 2 || frame[0] != 0x81 {
		tb.Fatalf("%.20q is no text frame", frame)
	}
	head, size := 2, int(frame[1])
	switch {
	case size == 126 && len(frame) >= 4:
		head, size = 4, int(binary.BigEndian.Uint16(frame[2:]))
	case size == 127 && len(frame) >= 10:
		head, size = 10, int(binary.BigEndian.Uint64(frame[2:]))
	}
	if len(frame)-head != size {
		tb.Fatalf("a frame of %d bytes says it has %d after its header", len(frame), size)
	}
	if head != headerLen(size) {
		tb.Fatalf("a frame of %d bytes has a header of %d", len(frame), head)
	}
	return string(frame[head:])
}

// headerLen is how long the header of a server's frame is.
func headerLen(size int) int {
	switch {
	case size <= 125:
		return 2
	case size <= 65535:
		return 4
	}
	return 10
}

// field is one member of a JSON object.
type field struct {
	name  string
	value string // as it is spelled
}

// fields returns the members of an object in their order, duplicates and all.
// It asks encoding/json, so that nothing of ours proves itself.
func fields(tb testing.TB, object string) []field {
	tb.Helper()
	if !json.Valid([]byte(object)) {
		tb.Fatalf("%s is no JSON", object)
	}
	d := json.NewDecoder(strings.NewReader(object))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		tb.Fatalf("%s is no object (%v)", object, err)
	}
	var all []field
	for d.More() {
		name, err := d.Token()
		if err != nil {
			tb.Fatal(err)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			tb.Fatal(err)
		}
		all = append(all, field{name.(string), string(value)})
	}
	return all
}

// names returns the names of fields, in order, as one text.
func names(all []field) string {
	list := make([]string, len(all))
	for i, f := range all {
		list[i] = f.name
	}
	return strings.Join(list, " ")
}
