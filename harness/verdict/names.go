package verdict

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"regexp"
	"strings"
)

// fingerprintDigits is how many digits reports show, and how many a rule must give at least.
const fingerprintDigits = 6

// Parts of names that change from run to run, or with an edit elsewhere in the function.
var (
	quoted    = regexp.MustCompile(`\["(?:[^"\\]|\\.)*"\]`) // replaced first: a key chosen by a peer may contain brackets
	brackets  = regexp.MustCompile(`\[[^\[\]]*\]`)
	addresses = regexp.MustCompile(`0x[0-9a-fA-F]+`)
	literals  = regexp.MustCompile(`\.(func|gowrap)\d+(\.\d+)*`)
	identity  = regexp.MustCompile(`goroutine \d+`)
	numbers   = regexp.MustCompile(`\d+`)
)

// fingerprint returns a hash that is the same in every run, and after edits that do not touch
// the leak: it contains no line, count, key, address or seed.
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

// Short returns the digits of a fingerprint that reports show.
func Short(fingerprint string) string {
	return fingerprint[:min(len(fingerprint), fingerprintDigits)]
}

// starred replaces every key and index of a path by a star.
func starred(s string) string {
	s = quoted.ReplaceAllString(s, "[*]")
	s = identity.ReplaceAllString(s, "goroutine *")
	// From the inside out: a key may itself be indexed, and a type may contain brackets.
	for range 4 {
		s = brackets.ReplaceAllString(s, "\x00")
	}
	s = strings.ReplaceAll(s, "\x00", "[*]")
	s = literals.ReplaceAllString(addresses.ReplaceAllString(s, "*"), ".$1*")
	return strings.TrimSuffix(s, "[*]")
}

// starredName is starred for a type or function. It cuts the import path, which only some
// detectors know.
func starredName(s string) string { return starred(ShortName(s)) }

func starredPath(edges []Edge) string { return starred(PathText(edges)) }

// ShortName cuts import paths to package names, except in quotes:
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

// PathText returns a retaining path as a Go expression, as far as there is one. It names the
// holder of a step only if the step before does not imply it.
func PathText(edges []Edge) string {
	var b strings.Builder
	for i, e := range edges {
		switch implied := i > 0 && edges[i-1].Field != "" && IsType(e.Holder); {
		case i == 0:
			b.WriteString(ShortName(strings.TrimPrefix(e.Holder, "var "))) // a package variable is named without the word var
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

// IsType reports whether a holder is just a type. The step before it on a path has named
// such a holder already.
func IsType(holder string) bool {
	for _, p := range []string{"*", "[", "map[", "chan ", "struct"} {
		if strings.HasPrefix(holder, p) {
			return true
		}
	}
	return holder == ""
}

// relative cuts the checkout from a file name. A build with -trimpath has put the module's
// path in its place, which is cut, too.
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
