package admin_test

import (
	"net/http"
	"testing"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/admin"
)

func TestPrivateKeepsPagesOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{}, admin.PublicConfig{})
	for _, tt := range []struct {
		name, host, header string
		want               int
	}{
		{"address", w.private, "X: y", http.StatusOK},
		{"localhost", "localhost:6060", "X: y", http.StatusOK},
		{"ipv6", "[::1]:6060", "X: y", http.StatusOK},
		{"own_page", w.private, "Sec-Fetch-Site: same-origin", http.StatusOK},
		{"own_origin", w.private, "Origin: http://127.0.0.1:6060", http.StatusOK},
		{"rebinding", "evil.example:6060", "X: y", http.StatusForbidden},
		{"blind", w.private, "Sec-Fetch-Site: cross-site", http.StatusForbidden},
		{"blind_with_origin", w.private, "Origin: https://evil.example", http.StatusForbidden},
		{"sandboxed", w.private, "Origin: null", http.StatusForbidden},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := w.askAs(tt.host, w.private, "GET", "/livez", tt.header).status; got != tt.want {
				t.Errorf("status %d, want %d", got, tt.want)
			}
		})
	}
}
