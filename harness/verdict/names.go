package verdict

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"regexp"
	"strings"
)

// fingerprintDigits are shown to people, and the fewest that a rule may name.
const fingerprintDigits = 6

// What changes from run to run, or with an edit elsewhere in the function.
var (
	quoted    = regexp.MustCompile(`\["(?:[^"\\]|\\.)*"\]`) // first: a peer may have put a bracket into a key
	brackets  = regexp.MustCompile(`\[[^\[\]]*\]`)
	addresses = regexp.MustCompile(`0x[0-9a-fA-F]+`)
	literals  = regexp.MustCompile(`\.(func|gowrap)\d+(\.\d+)*`)
	identity  = regexp.MustCompile(`goroutine \d+`)
	numbers   = regexp.MustCompile(`\d+`)
)

// fingerprint names a leak the same way in every run, and after edits that do not
// touch it: no line, count, key, address or seed goes in.
func fingerprint(l *Leak, detector, detail string) string {
	what := ""
	switch {
	case len(l.Path) > 0:
		what = starredPath(l.Path) + " -> " + starredName(l.Type)
	case l.Field != "":
		what = "field " + starred(l.Field)
	case l.Born.Function != "" || l.Type != "":
		what = "born " + starredName(l.Born.Function) + " " + starredName(l.Type)
	case l.Born.File != "":
		what = "born " + l.Born.File
	default:
		what = detector + " " + numbers.ReplaceAllString(detail, "*")
	}
	sum := sha256.Sum256([]byte(string(l.Class) + "\n" + what))
	return hex.EncodeToString(sum[:16])
}

// Short returns the digits of a fingerprint that people are shown.
func Short(fingerprint string) string {
	return fingerprint[:min(len(fingerprint), fingerprintDigits)]
}

// starred replaces every key and index of a path by a star.
func starred(s string) string {
	s = quoted.ReplaceAllString(s, "[*]")
	s = identity.ReplaceAllString(s, "goroutine *")
	// From the inside out: a key may be an index itself, a type have brackets.
	for range 4 {
		s = brackets.ReplaceAllString(s, "\x00")
	}
	s = strings.ReplaceAll(s, "\x00", "[*]")
	s = literals.ReplaceAllString(addresses.ReplaceAllString(s, "*"), ".$1*")
	return strings.TrimSuffix(s, "[*]")
}

// starredName is starred for a type or function: without the path of its package,
// which some detectors know and others do not.
func starredName(s string) string { return starred(ShortName(s)) }

func starredPath(edges []Edge) string { return starred(PathText(edges)) }

// ShortName cuts import paths down to package names, outside of quotes:
// "*github.com/pigeonhub/pigeonhub/hub.session" to "*hub.session".
func ShortName(s string) string {
	var b strings.Builder
	word, quoted := 0, false
	for i := range len(s) {
		if s[i] == '"' {
			quoted = !quoted
		}
		if strings.IndexByte("*[]()&, {}\"<", s[i]) < 0 {
			continue
		}
		b.WriteString(lastElement(s[word:i], quoted && s[i] != '"' || !quoted && s[i] == '"'))
		b.WriteByte(s[i])
		word = i + 1
	}
	b.WriteString(lastElement(s[word:], quoted))
	return b.String()
}

func lastElement(word string, whole bool) string {
	if whole {
		return word
	}
	return word[strings.LastIndexByte(word, '/')+1:]
}

// PathText writes a retaining path as Go would reach the thing. The holder of a
// step is named only where the step before does not imply it.
func PathText(edges []Edge) string {
	var b strings.Builder
	for i, e := range edges {
		switch implied := i > 0 && edges[i-1].Field != "" && IsType(e.Holder); {
		case i == 0:
			b.WriteString(ShortName(strings.TrimPrefix(e.Holder, "var "))) // a package variable: its name will do
		case !implied:
			b.WriteString(" -> " + ShortName(e.Holder))
		}
		switch {
		case e.Field == "" || e.Field[0] == '[' || e.Field[0] == '.':
			b.WriteString(e.Field)
		case strings.Contains(strings.TrimPrefix(e.Holder, "var "), " "): // "goroutine hub.(*session).run": no expression
			b.WriteString(": " + e.Field)
		case b.Len() > 0:
			b.WriteString("." + e.Field)
		default:
			b.WriteString(e.Field)
		}
	}
	return b.String()
}

// IsType reports whether a holder is nothing but a type: the step that led to it
// has named it already.
func IsType(holder string) bool {
	for _, p := range []string{"*", "[", "map[", "chan ", "struct"} {
		if strings.HasPrefix(holder, p) {
			return true
		}
	}
	return holder == ""
}

// relative cuts the checkout from a file name, also where the build did already
// (-trimpath leaves the module's path).
func (s Site) relative(root string) Site {
	s.File = strings.ReplaceAll(s.File, `\`, "/")
	for _, prefix := range []string{strings.ReplaceAll(root, `\`, "/"), "github.com/pigeonhub/pigeonhub"} {
		if prefix == "" {
			continue
		}
		if rest, ok := strings.CutPrefix(s.File, strings.TrimSuffix(prefix, "/")+"/"); ok {
			s.File = path.Clean(rest)
			break
		}
	}
	return s
}

// relativeTo returns the finding with the checkout cut from its file names.
func (f Finding) relativeTo(root string) Finding {
	f.Born, f.Stored, f.Caller = f.Born.relative(root), f.Stored.relative(root), f.Caller.relative(root)
	edges := make([]Edge, len(f.Path))
	for i, e := range f.Path {
		e.Site = e.Site.relative(root)
		edges[i] = e
	}
	f.Path = edges
	return f
}
