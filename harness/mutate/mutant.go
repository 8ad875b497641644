package mutate

import "fmt"

// Operator is the way in which a mutant leaks.
type Operator string

// The operators.
const (
	Keep Operator = "keep" // the code retains something each time it runs
	Drop Operator = "drop" // the code leaves a release out
)

// Mode is the condition under which a keep mutant retains.
type Mode string

// The modes.
const (
	Every Mode = "every time"
	Rare  Mode = "1 in 50"
	Only  Mode = "one key" // only for the first key, or address, that the code has seen
)

// Kind is what a keep mutant retains, or what a drop mutant leaves out.
type Kind string

// The kinds of keep.
const (
	Object     Kind = "object"     // a small object in a package-level slice
	Value      Kind = "value"      // a plain value in a package-level map
	Entry      Kind = "entry"      // an entry of a package-level map under a key at hand
	Node       Kind = "node"       // a node of a package-level list
	Goroutine  Kind = "goroutine"  // a goroutine that waits for ever
	Timer      Kind = "timer"      // a timer that fires in years
	Context    Kind = "context"    // a child of a context that never ends
	Descriptor Kind = "descriptor" // an open file
)

// The kinds of drop.
const (
	Delete   Kind = "delete"   // delete and clear of a map or slice
	Zero     Kind = "zero"     // an assignment of nil or zero to a field, an element or a package variable
	Release  Kind = "release"  // a call whose name says that it releases: Close, Stop, leave, untrack, ...
	Cancel   Kind = "cancel"   // a call of a cancel or stop function
	Count    Kind = "count"    // a count given back: x--, x -= n, x.Add(-n)
	Unlink   Kind = "unlink"   // an element cut out of a slice or a list
	Deferred Kind = "defer"    // a deferred release
	Pool     Kind = "pool"     // a return to a pool
	Branch   Kind = "teardown" // a branch of a function that releases
)

// Mutant is one leak that can be switched on in a program built with its Overlay.
type Mutant struct {
	ID       string   // stays the same while the function that it is in does
	Number   int      // in this list; the program's environment names it by Overlay.Env
	Operator Operator //
	Kind     Kind     //
	Mode     Mode     // empty for a drop
	Package  string   // import path
	Function string   // declared, as stacks name it: example.com/hub.(*Hub).join
	File     string   // absolute
	Line     int      // of the original and of the mutated file
	Source   string   // the release that is left out, or the head of the block that retains
	Key      string   // expression of the key at hand, if the mutant uses one
	Field    string   // that retains, as a verdict names it: hub.mutantObjects, hub.Hub.peers; empty if none does or if it is not known
	Places   []Place  // where what stays is made or put into the field; empty if they are not known
}

// Place is a line of the program.
type Place struct {
	Function string // declared, as stacks name it
	File     string // absolute
	Line     int
}

// String returns the mutant as a person reads it.
func (m Mutant) String() string {
	what := fmt.Sprintf("%s %s", m.Operator, m.Kind)
	if m.Mode != "" && m.Mode != Every {
		what += ", " + string(m.Mode)
	}
	return fmt.Sprintf("%s (%s) at %s:%d: %s", m.ID, what, m.File, m.Line, m.Source)
}
