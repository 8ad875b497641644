package codec

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// indexDigits is the number of hexadecimal digits of an id that make the index.
const indexDigits = 12

var placeholder = regexp.MustCompile(`\{[a-z]+\}`)

// CheckTemplate returns an error if a template has a placeholder that is not among the allowed ones.
func CheckTemplate(template string, allowed ...string) error {
	for _, p := range placeholder.FindAllString(template, -1) {
		if !slices.Contains(allowed, p) {
			return fmt.Errorf("no placeholder %s; there are %s", p, strings.Join(allowed, ", "))
		}
	}
	return nil
}

// Fill fills in {id}, {index} and {network} for one of the peers that are spread over a number of
// networks.
func Fill(template string, id wire.PeerID, networks int) string {
	return fill(template, id, networks, unescaped)
}

func fill(template string, id wire.PeerID, networks int, escape func(string) string) string {
	if !strings.Contains(template, "{") {
		return template
	}
	index, _ := strconv.ParseUint(string(id[:min(indexDigits, len(id))]), 16, 64) // ids of the load are hexadecimal
	network := "network-" + strconv.FormatUint(index%uint64(max(1, networks)), 10)
	return strings.NewReplacer(
		"{id}", escape(string(id)), "{index}", strconv.FormatUint(index, 10), "{network}", escape(network),
	).Replace(template)
}

// unescaped is the escape function of templates that need none.
func unescaped(s string) string { return s }
