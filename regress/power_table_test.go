package regress_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// powerResult is the part of a row that is stored as a file. So a run of a few mutants renews
// their rows and leaves the others in the table.
type powerResult struct {
	Name, Family string
	Rate         float64
	Benign       bool

	Caught, Function, Line, Field, Scenario bool
	HasField                                bool     // a field of the hub retains the leak
	HasScenario                             bool     // the leak was seen in a run of several scenarios
	Detectors                               []string // detectors that saw it
	Seconds                                 float64
	Witnessed                               *bool `json:",omitempty"` // nil if the witness did not run
	Baselines                               map[string]bool
	Failed                                  string   `json:",omitempty"` // output of specs that failed without a leak
	Errors                                  []string `json:",omitempty"` // measurements that failed
	Leak                                    string   `json:",omitempty"` // the leak as reported
}

// result returns the stored part of the row.
func (r *powerRow) result() powerResult {
	k := powerResult{
		Name: r.m.name, Family: r.m.family, Rate: r.m.rate, Benign: r.m.benign, Caught: r.caught(), HasField: r.m.hasField(),
		Seconds: r.took.Seconds(), Witnessed: r.witnessed, Baselines: r.baselines, Failed: r.failed, Errors: r.errs,
	}
	if k.Caught {
		k.Function, k.Line, k.Field, k.Scenario = r.rightFunction(), r.rightLine(), r.rightField(), r.rightScenario()
		k.HasScenario = r.seenAmongScenarios()
		k.Detectors, k.Leak = r.detectors(), r.headline()
	}
	return k
}

// powerDir returns the folder of the results.
func powerDir() string { return filepath.Join("..", reportDir, "power") }

// keepPower stores a result and writes the table of all stored ones as Markdown, which make power
// prints.
func keepPower(k powerResult) error {
	if err := os.MkdirAll(powerDir(), 0o755); err != nil {
		return err
	}
	b, err := json.MarshalIndent(k, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(powerDir(), k.Name+".json"), b, 0o644); err != nil {
		return err
	}
	all, err := readPower()
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join("..", reportDir, "power.md"), []byte(powerTable(all)), 0o644)
}

// readPower returns all stored results, the benign controls last.
func readPower() ([]powerResult, error) {
	paths, err := filepath.Glob(filepath.Join(powerDir(), "*.json"))
	if err != nil {
		return nil, err
	}
	var all []powerResult
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			return nil, err
		}
		var k powerResult
		if err := json.Unmarshal(b, &k); err != nil {
			return nil, fmt.Errorf("%s: %w", p, err)
		}
		all = append(all, k)
	}
	slices.SortStableFunc(all, func(a, b powerResult) int { return order(a) - order(b) })
	return all, nil
}

func order(k powerResult) int {
	if k.Benign {
		return 1
	}
	return 0
}

func powerTable(all []powerResult) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", score(all))
	b.WriteString("| mutant | class | per life | suite | function | line | field | scenario | seen by | time | witness | goleak | gleak | goroutineleak |\n")
	b.WriteString("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, k := range all {
		b.WriteString(k.markdown())
	}
	return b.String()
}

func mark(right bool) string {
	if right {
		return "yes"
	}
	return "no"
}

func (k powerResult) markdown() string {
	cells := []string{k.Name, k.Family, fmt.Sprint(k.Rate)}
	switch {
	case k.Benign:
		word := "not reported"
		if k.Caught {
			word = "REPORTED"
		}
		cells = []string{k.Name, "benign", "", word, "", "", "", ""}
	case !k.Caught:
		cells = append(cells, "MISSED", "", "", "", "")
	default:
		field, scenario := "-", "-"
		if k.HasField {
			field = mark(k.Field)
		}
		if k.HasScenario {
			scenario = mark(k.Scenario)
		}
		cells = append(cells, "caught", mark(k.Function), mark(k.Line), field, scenario)
	}
	took := time.Duration(k.Seconds * float64(time.Second)).Round(100 * time.Millisecond).String()
	witness := "-"
	if k.Witnessed != nil {
		witness = mark(*k.Witnessed)
	}
	cells = append(cells, strings.Join(k.Detectors, ", "), took, witness)
	for _, other := range baselineNames {
		word := "-"
		if caught, asked := k.Baselines[other]; asked {
			word = mark(caught)
		}
		cells = append(cells, word)
	}
	return "| " + strings.Join(cells, " | ") + " |\n"
}

// powerScore counts mutants by what the suite got right of them.
type powerScore struct {
	leaks, caught, function, line, fields, field, scenarios, scenario int
	witnessed, asked                                                  int
	families                                                          map[string]bool
	benign, reported                                                  int
	others                                                            map[string]int
}

func score(all []powerResult) powerScore {
	s := powerScore{families: map[string]bool{}, others: map[string]int{}}
	count := func(n *int, right bool) {
		if right {
			*n++
		}
	}
	for _, k := range all {
		if k.Benign {
			s.benign++
			count(&s.reported, k.Caught)
			continue
		}
		s.leaks++
		s.families[k.Family] = true
		if k.Witnessed != nil {
			s.asked++
			count(&s.witnessed, *k.Witnessed)
		}
		for name, caught := range k.Baselines {
			if caught {
				s.others[name]++
			}
		}
		if !k.Caught {
			continue
		}
		s.caught++
		count(&s.function, k.Function)
		count(&s.line, k.Line)
		if k.HasScenario {
			s.scenarios++
			count(&s.scenario, k.Scenario)
		}
		if k.HasField {
			s.fields++
			count(&s.field, k.Field)
		}
	}
	return s
}

func (s powerScore) String() string {
	return fmt.Sprintf("%d of %d mutants of %d classes caught (the witness confirmed %d of %d); right of those caught: function %d, line %d, scenario %d of %d, retaining field %d of %d; %d of %d benign controls reported; caught by goleak %d, gleak %d, goroutineleak %d",
		s.caught, s.leaks, len(s.families), s.witnessed, s.asked, s.function, s.line, s.scenario, s.scenarios, s.field, s.fields, s.reported, s.benign,
		s.others["goleak"], s.others["gleak"], s.others["goroutineleak"])
}
