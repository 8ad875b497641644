package units

import "strings"

// Plural writes a count with its noun: 1 peer, 2 peers, 3 entries. A plural that does
// not end in -s or -ies is given: Plural(n, "life", "lives").
func Plural[N int | int64](n N, one string, many ...string) string {
	if n == 1 {
		return "1 " + one
	}
	word := one + "s"
	if stem, ok := strings.CutSuffix(one, "y"); ok {
		word = stem + "ies"
	}
	if len(many) > 0 {
		word = many[0]
	}
	return Count(n) + " " + word
}

// List writes words as a sentence does: a; a and b; a, b and c.
func List(words []string) string {
	n := len(words)
	if n < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
}

// Because appends a reason to a statement: "what: why". It returns the statement alone if
// there is no reason.
func Because(what, why string) string {
	if why == "" {
		return what
	}
	return what + ": " + why
}

// Aside appends a remark in parentheses: "what (remark)". It returns the statement alone
// if there is no remark.
func Aside(what, remark string) string {
	if remark == "" {
		return what
	}
	return what + " (" + remark + ")"
}
