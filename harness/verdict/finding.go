package verdict

import (
	"fmt"
	"strconv"
)

// Class is the kind of thing that leaks.
type Class string

// The classes.
const (
	Goroutine    Class = "goroutine"    // a goroutine that does not end
	Object       Class = "object"       // a heap object kept alive
	Collection   Class = "collection"   // a map, slice or channel that grows
	Memory       Class = "memory"       // an object that is replaced by larger ones, counted in bytes
	Mapping      Class = "mapping"      // memory outside of the Go heap that stays mapped, counted in pages
	Descriptor   Class = "descriptor"   // a file descriptor left open
	Unclosed     Class = "unclosed"     // collected, but never closed
	Timer        Class = "timer"        // a timer or context child that is still armed
	Subscription Class = "subscription" // a listener that was never removed
	Gauge        Class = "gauge"        // a count kept by the target that differs from what is there
	Invariant    Class = "invariant"    // the target's own consistency check fails
	CPU          Class = "cpu"          // work that goes on while no peer is connected
)

// Site is a place in code.
type Site struct {
	Function string `json:"function,omitempty"` // as runtime.Func names it
	File     string `json:"file,omitempty"`
	Line     int    `json:"line,omitempty"`
}

// String returns file:line and the function, as far as both are known.
func (s Site) String() string { return string(s.Append(nil)) }

// Append appends what String returns.
func (s Site) Append(b []byte) []byte {
	if s.File != "" {
		b = append(append(b, s.File...), ':')
		b = append(strconv.AppendInt(b, int64(s.Line), 10), ' ')
	}
	return append(b, s.Function...)
}

// Place returns file:line, or as much of it as is known.
func (s Site) Place() string {
	if s.File == "" || s.Line == 0 {
		return s.File
	}
	return fmt.Sprintf("%s:%d", s.File, s.Line)
}

// Edge is one step of a retaining path: a holder, and the part of it that points on.
type Edge struct {
	Kind   HolderKind `json:"kind,omitempty"`
	Holder string     `json:"holder"`          // the holder as text
	Field  string     `json:"field,omitempty"` // the field, element or captured variable that points on
	Site   Site       `json:"site,omitzero"`   // where the holder was allocated, if known; of a frame or function its line
}

// HolderKind is the kind of a holder in a retaining path.
type HolderKind string

// The kinds.
const (
	TypedHolder     HolderKind = ""          // an object, known by its type, or a root that the caller named
	UntypedHolder   HolderKind = "untyped"   // an object of unknown type, known by its size
	VariableHolder  HolderKind = "variable"  // a package variable
	FunctionHolder  HolderKind = "function"  // a closure; Site is its function
	GoroutineHolder HolderKind = "goroutine" // a stack frame; Site is its line
	FinalizerHolder HolderKind = "finalizer" // a finalizer, or the object that has it
	TimersHolder    HolderKind = "timers"    // the pending timers of the runtime
	RuntimeHolder   HolderKind = "runtime"   // another object of the runtime, or a cleanup
	ElidedHolder    HolderKind = "elided"    // edges that the path leaves out
	NoHolder        HolderKind = "none"      // no root leads to the object
)

// Finding is one kind of thing that, as one detector saw it, did not go back to its
// baseline. Judge joins findings about the same leak.
type Finding struct {
	Detector string `json:"detector"` // which detector: "goroutines", "watch", "sites", "census", ...
	Class    Class  `json:"class"`
	Type     string `json:"type,omitempty"`  // the Go type of what is retained, "*hub.session"
	Born     Site   `json:"born,omitzero"`   // where it was created: allocation, go statement, open
	Field    string `json:"field,omitempty"` // the collection it grows in: "hub.Hub.networks[*].members"
	Path     []Edge `json:"path,omitempty"`  // from a root to the thing, outermost first
	Stored   Site   `json:"stored,omitzero"` // where it was put into its holder
	Caller   Site   `json:"caller,omitzero"` // the nearest caller of Born in another package

	Count    int64   `json:"count"`              // retained: how many more than at the baseline
	Bytes    int64   `json:"bytes,omitempty"`    // bytes retained with them, if known
	PerCycle []int64 `json:"perCycle,omitempty"` // growth in each cycle, where the run had cycles
	Detail   string  `json:"detail,omitempty"`   // a stack or an error text: evidence for the reader

	// PerScenario is Count by scenario, if the detector knows the scenarios, for example
	// from labels. Without it Judge solves for them.
	PerScenario map[string]int64 `json:"perScenario,omitempty"`
}
