package report

import "testing"

func TestCutKeys(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`m["short"]`:          `m["short"]`,
		`m["ab12cd34ef56ab"]`: `m["ab12…"]`,
		`m["日本語日本語日本語日本語日本"]`:                        `m["日本語日…"]`,
		`m["abcd\"efghijklm"].x["0123456789abcdef"]`: `m["abcd…"].x["0123…"]`,
	} {
		if got := cutKeys(in); got != want {
			t.Errorf("cutKeys(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestWrap(t *testing.T) {
	t.Parallel()
	for _, line := range wrap("one two three, four aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa five é é é é é é é é", 12) {
		if n := len([]rune(line)); n > 12 || line == "" {
			t.Errorf("%d columns: %q", n, line)
		}
	}
}
