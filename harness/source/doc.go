// Package source finds, in the source of a running program, the statements that explain a
// finding when no allocation does.
//
//	counters := &source.Counters{Roots: map[string]any{"hub": hub}}
//	counters.Explain(&finding, false) // sets Born and adds to Detail
//	source.ExplainInserts(roots, findings)
//
// It finds the statements that change a counter, insert into a collection, or open a
// descriptor by a system call. It reads the files that the debug information of the program
// names. If they are missing, as beside a released binary, it adds nothing.
//
// # Files
//
//	counters.go  Counters; field.go: from the name of a gauge to a field
//	changes.go   statements that change a number field; places.go: their lines
//	keeper.go    counts that the methods of a small type keep; sums.go: sums of fields
//	inserts.go   statements that insert into a collection
//	opens.go     system calls that open a descriptor
//	literal.go   the first line of a function literal
//	packages.go  parses and type-checks the packages of the roots. methods.go finds their
//	             folders, overlay.go the files that GOFLAGS=-overlay replaces
package source
