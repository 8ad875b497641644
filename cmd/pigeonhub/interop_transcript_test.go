//go:build interop

package main_test

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A transcript is what every actor heard in every scene of a conversation.
type transcript struct {
	entries []entry
	// The published server notifies every socket of every network of each peer that leaves
	// (W41), at a time that no script can predict. These messages are counted, but have no
	// place in the entries.
	everywhere int
}

// An entry is what one actor heard in one scene.
type entry struct {
	scene, actor string
	lines        []string
}

// everywhereForm is the peer-disconnected that has a reason and no network.
var everywhereForm = regexp.MustCompile(`^\{"type":"peer-disconnected","data":\{"peerId":"[^"]*","isHub":(true|false),"reason":"[^"]*","timestamp":T\},"fromPeerId":"system","timestamp":T,"targetPeerId":"[^"]*"\}$`)

func (t *transcript) add(scene, actor string, lines []string) {
	placed := slices.DeleteFunc(slices.Clone(lines), everywhereForm.MatchString)
	t.everywhere += len(lines) - len(placed)
	t.entries = append(t.entries, entry{scene, actor, placed})
}

func (t transcript) String() string {
	var b strings.Builder
	scene := ""
	for _, e := range t.entries {
		if e.scene != scene {
			scene = e.scene
			fmt.Fprintf(&b, "  %s\n", scene)
		}
		for _, line := range e.lines {
			fmt.Fprintf(&b, "    %-7s <- %s\n", e.actor, line)
		}
	}
	fmt.Fprintf(&b, "  sent to all peers of all networks: %d\n", t.everywhere)
	return b.String()
}

// compare returns what is wrong with got, given what the published server said
// and the differences that are meant.
func compare(conversation string, want, got transcript, differences []difference) []string {
	if len(want.entries) != len(got.entries) {
		return []string{fmt.Sprintf("%d entries, want %d: the script did not take the same way", len(got.entries), len(want.entries))}
	}
	var problems []string
	used := 0
	for i, w := range want.entries {
		lines := w.lines
		if d := find(differences, conversation, w); d != nil {
			used++
			if slices.Equal(lines, d.want) {
				problems = append(problems, fmt.Sprintf("%s: the difference listed for %s is none (%s)", w.scene, w.actor, d.why))
			}
			lines = d.want
		}
		if g := got.entries[i]; g.scene != w.scene || g.actor != w.actor || !slices.Equal(g.lines, lines) {
			problems = append(problems, fmt.Sprintf("%s: %s heard\n%s\nwant\n%s",
				w.scene, w.actor, indent(strings.Join(g.lines, "\n")), indent(strings.Join(lines, "\n"))))
		}
	}
	for _, d := range differences {
		if d.conversation == conversation {
			used--
		}
	}
	if used != 0 {
		problems = append(problems, fmt.Sprintf("%d listed differences fit no entry of this conversation", -used))
	}
	if tells := got.everywhere > 0; tells != (want.everywhere > 0 && differences == nil) {
		problems = append(problems, fmt.Sprintf("%d peer-disconnected to all peers of all networks, published server %d (W41)",
			got.everywhere, want.everywhere))
	}
	return problems
}

func find(differences []difference, conversation string, e entry) *difference {
	for i, d := range differences {
		if d.conversation == conversation && d.scene == e.scene && d.actor == e.actor {
			return &differences[i]
		}
	}
	return nil
}

// tamper returns copies of a transcript, each with one thing changed.
func tamper(t transcript) map[string]transcript {
	changes := map[string]func(lines []string) []string{
		"a message missing":   func(l []string) []string { return l[1:] },
		"a message twice":     func(l []string) []string { return append(slices.Clone(l), l[0]) },
		"a byte changed":      func(l []string) []string { return append([]string{l[0] + " "}, l[1:]...) },
		"two fields swapped":  func(l []string) []string { return append([]string{swapFields(l[0])}, l[1:]...) },
		"two messages traded": func(l []string) []string { return append(slices.Clone(l[1:]), l[0]) },
	}
	tampered := make(map[string]transcript)
	for what, change := range changes {
		for i, e := range t.entries {
			if len(e.lines) == 0 {
				continue
			}
			lines := change(e.lines)
			if slices.Equal(lines, e.lines) {
				continue // nothing here that this change could change
			}
			copied := transcript{entries: slices.Clone(t.entries), everywhere: t.everywhere}
			copied.entries[i].lines = lines
			tampered[fmt.Sprintf("%s in %q for %s", what, e.scene, e.actor)] = copied
		}
	}
	return tampered
}

// fieldPair is two fields with plain text values side by side.
var fieldPair = regexp.MustCompile(`("\w+":"\w+"),("\w+":"\w+")`)

func swapFields(line string) string { return fieldPair.ReplaceAllString(line, "$2,$1") }

// hubTime is a member of a message that holds the hub's clock. A payload's own
// timestamps in the scripts are small numbers.
var hubTime = regexp.MustCompile(`"(timestamp|registeredAt|lastActivity|connectedAt)":\d{13}\b`)

// withoutTimes replaces the times that are now by T and leaves wrong ones.
func withoutTimes(line string) string {
	return hubTime.ReplaceAllStringFunc(line, func(member string) string {
		name, digits, _ := strings.Cut(member, ":")
		ms, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || time.Since(time.UnixMilli(ms)).Abs() > time.Minute {
			return member
		}
		return name + ":T"
	})
}
