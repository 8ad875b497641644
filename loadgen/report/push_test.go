package report

import "testing"

func TestPush(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]Push{
		"x: 24 samples sent": {To: "x", Samples: 24, Pushes: 24},
		"x: 1 sample sent; of 3 pushes 2 failed: connection refused":                    {To: "x", Samples: 1, Pushes: 3, Failed: 2, Error: "connection refused"},
		"x: of 120 samples 3 did not arrive; of 130 pushes 13 failed: 401 Unauthorized": {To: "x", Samples: 120, Lost: 3, Pushes: 130, Failed: 13, Error: "401 Unauthorized"},
	} {
		if got := p.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
