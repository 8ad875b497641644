package preflight

import (
	"fmt"
	"strings"
	"testing"
)

func TestParseSources(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want string // the first and the last, and how many; nothing for an error
	}{
		{"192.0.2.7", "192.0.2.7 192.0.2.7 1"},
		{"192.0.2.16/28", "192.0.2.17 192.0.2.30 14"},
		{"192.0.2.99/31", "192.0.2.98 192.0.2.99 2"},
		{"2001:db8::/126", "2001:db8:: 2001:db8::3 4"},
		{"127.0.0.1,192.0.2.0/30", "127.0.0.1 192.0.2.2 3"},
		{"192.0.2", ""}, {"example.org", ""}, {"192.0.2.1/33", ""}, {"10.0.0.0/8", ""}, {"2001:db8::/64", ""},
	} {
		got, err := ParseSources(strings.Split(tt.text, ","))
		if tt.want == "" {
			if err == nil || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("%s: got %d addresses and %v, want an error that names it", tt.text, len(got), err)
			}
			continue
		}
		if err != nil || fmt.Sprint(got[0], got[len(got)-1], len(got)) != tt.want {
			t.Errorf("%s: got %v and %v, want %s", tt.text, got, err, tt.want)
		}
	}
}

// IsHere judges by the URL alone.
func TestIsHere(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]bool{
		"ws://localhost:3000": true, "ws://127.0.0.1": true, "wss://127.9.9.9:1/x": true, "http://[::1]:3000": true,
		"ws://hub.example": false, "ws://192.0.2.7:3000": false, "ws://localhost.example": false, "ws://0.0.0.0:1": false, "::": false,
	} {
		if IsHere(url) != want {
			t.Errorf("%s: %v", url, !want)
		}
	}
}
