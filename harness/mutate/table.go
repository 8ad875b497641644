package mutate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Table returns Markdown of results: a line for each package, operator and kind, then one
// for each mutant that was not caught and each about which something was wrong.
func Table(results []Result) string {
	var b strings.Builder
	b.WriteString("| mutants | generated | set aside | leak | caught | function | line | field | scenario |\n")
	b.WriteString("| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, name := range groups(results) {
		b.WriteString(name.row(results))
	}
	b.WriteString("\nSeen by: " + counted(results, func(r Result) []string { return r.Detectors }) + "\n")
	b.WriteString("\nSet aside: " + counted(results, func(r Result) []string { return []string{r.Aside} }) + "\n")
	b.WriteString("\n| not caught | kind | place | scenarios | why |\n| --- | --- | --- | --- | --- |\n")
	for _, r := range results {
		if r.Aside == "" && !r.Caught {
			b.WriteString(r.row(cmp.Or(r.Failed, r.Witness)))
		}
	}
	b.WriteString("\n| wrong | kind | place | scenarios | reported |\n| --- | --- | --- | --- | --- |\n")
	for _, r := range results {
		if wrong := r.wrong(); wrong != "" {
			b.WriteString(r.row(wrong + ": " + r.Leak))
		}
	}
	return b.String()
}

// group is a part of the results.
type group struct {
	name string
	has  func(Result) bool
}

// groups returns the groups of the table: all results, those of each operator, of each package
// with each operator, and of each kind.
func groups(results []Result) []group {
	list := []group{{"all", func(Result) bool { return true }}}
	names := map[string]func(Result) bool{}
	for _, r := range results {
		of := r.Mutant
		pkg, op, kind := of.Package, of.Operator, of.Kind
		names[fmt.Sprintf("1 %s", op)] = func(r Result) bool { return r.Operator == op }
		names[fmt.Sprintf("2 %s: %s", op, pkg)] = func(r Result) bool { return r.Operator == op && r.Package == pkg }
		names[fmt.Sprintf("3 %s: %s", op, kind)] = func(r Result) bool { return r.Operator == op && r.Kind == kind }
		if of.Mode != "" {
			names[fmt.Sprintf("4 %s: %s", op, of.Mode)] = func(r Result) bool { return r.Operator == op && r.Mode == of.Mode }
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		list = append(list, group{name[2:], names[name]})
	}
	return list
}

func (g group) row(results []Result) string {
	var all, leaks, caught int
	var answers [4][2]int // right, asked
	for _, r := range results {
		if !g.has(r) {
			continue
		}
		all++
		if r.Aside != "" {
			continue
		}
		leaks++
		if r.Caught {
			caught++
		}
		for i, a := range []Answer{r.RightFunction, r.RightLine, r.RightField, r.RightScenario} {
			if a != Moot {
				answers[i][1]++
			}
			if a == Right {
				answers[i][0]++
			}
		}
	}
	cells := []string{g.name, fmt.Sprint(all), fmt.Sprint(all - leaks), fmt.Sprint(leaks), fmt.Sprint(caught)}
	for _, a := range answers {
		cells = append(cells, fmt.Sprintf("%d of %d", a[0], a[1]))
	}
	return "| " + strings.Join(cells, " | ") + " |\n"
}

func (r Result) row(why string) string {
	kind := strings.TrimSuffix(fmt.Sprintf("%s %s, %s", r.Operator, r.Kind, r.Mode), ", ")
	place := fmt.Sprintf("%s:%d", r.File[strings.LastIndexByte(r.File, '/')+1:], r.Line)
	why = strings.ReplaceAll(strings.ReplaceAll(why, "|", "/"), "\n", " ")
	scenarios := strings.Join(r.Scenarios[:min(3, len(r.Scenarios))], ", ")
	if len(r.Scenarios) > 3 {
		scenarios = fmt.Sprintf("%d scenarios", len(r.Scenarios))
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %.300s |\n", r.ID, kind, place, scenarios, why)
}

func (r Result) wrong() string {
	var list []string
	for what, a := range map[string]Answer{"function": r.RightFunction, "line": r.RightLine, "field": r.RightField, "scenario": r.RightScenario} {
		if a == Wrong {
			list = append(list, what)
		}
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

// counted lists words with how many results have them, the most frequent first.
func counted(results []Result, words func(Result) []string) string {
	counts := map[string]int{}
	for _, r := range results {
		for _, w := range words(r) {
			if w != "" {
				counts[w]++
			}
		}
	}
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int { return cmp.Or(counts[b]-counts[a], cmp.Compare(a, b)) })
	for i, n := range names {
		names[i] = fmt.Sprintf("%s %d", n, counts[n])
	}
	return strings.Join(names, ", ")
}
