package verdict

import "strings"

// repeatedLink marks a link of a chain in a retaining path, see package heap.
const repeatedLink = " (repeated)"

// sameChain reports whether o is held by the chain that the path of c leads through, such as a
// linked list: by a later link, or by the first one in the same field. The path to the first
// objects of a chain repeats no link, so it is another one.
func (c *candidate) sameChain(o *candidate) bool {
	links, rest, ok := strings.Cut(c.path, repeatedLink)
	if !ok {
		return false
	}
	if within(o.path, links) || within(o.field, links) {
		return true
	}
	first := links[:max(strings.LastIndexByte(links, '.'), 0)]
	return rest != "" && o.path == first+rest
}
