package regress_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/report"
)

// summary collects the results of the tests. TestMain writes it.
var summary = results{began: time.Now()}

type results struct {
	mu     sync.Mutex
	began  time.Time
	runs   []report.SuiteRun
	failed []report.TestFailure
	judged map[string]bool // specs with a verdict that is no pass; their failure is told by it
	beside int             // lives in specs without a verdict
	broken bool            // a spec has failed
}

// skipLarge skips a spec with very many peers if another spec has failed. What they leak would slow
// down every reading of the specs that follow, and tell nothing that is not known.
func (s *results) skipLarge() {
	s.mu.Lock()
	broken := s.broken
	s.mu.Unlock()
	if broken {
		Skip("a spec with fewer peers has failed: this one would only fill the process with what they leak")
	}
}

// reportDir is the folder of the reports, from the top of the repository. PIGEONHUB_REPORT
// names another one.
const reportDir = "regress-report"

func reports() string {
	dir := os.Getenv("PIGEONHUB_REPORT")
	if dir == "" {
		dir = filepath.Join("..", reportDir)
	}
	if abs, err := filepath.Abs(dir); err == nil {
		return abs
	}
	return dir
}

// runsDir is the folder within the reports that has a folder for each run.
const runsDir = "runs"

// clearReports removes the reports of an earlier run, and nothing else that is in their folder.
func clearReports() error {
	dir := reports()
	errs := []error{os.RemoveAll(filepath.Join(dir, runsDir))}
	for _, format := range report.SuiteFormats() {
		if err := os.Remove(filepath.Join(dir, format.File)); !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

var _ = ReportBeforeSuite(func(Report) {
	if err := clearReports(); err != nil {
		Fail(fmt.Sprintf("report: %v", err))
	}
})

// addLives counts lives in a spec that makes no verdict.
func (s *results) addLives(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.beside += n
}

// fail adds a test that failed without a verdict.
func (s *results) fail(f report.TestFailure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = append(s.failed, f)
}

var notInFileNames = regexp.MustCompile(`[^a-z0-9]+`)

// add judges a run, writes its report and returns the verdict.
func (s *results) add(run verdict.Run) verdict.Verdict {
	GinkgoHelper()
	s.mu.Lock()
	defer s.mu.Unlock()
	folder := filepath.Join(runsDir, fmt.Sprintf("%d-%s", len(s.runs)+1, strings.Trim(notInFileNames.ReplaceAllString(strings.ToLower(run.Name), "-"), "-")))
	dir := filepath.Join(reports(), folder)
	run.Commit, run.Report = commit(), filepath.Join(dir, "index.html")
	run.Known, run.Suite, run.Command = knownLeaks(), true, command()
	if root, err := filepath.Abs(".."); err == nil {
		run.Root = root
	}
	v := verdict.Judge(run)
	s.runs = append(s.runs, report.SuiteRun{Verdict: v, Page: filepath.ToSlash(filepath.Join(folder, "index.html"))})
	if v.Outcome != verdict.Pass {
		if s.judged == nil {
			s.judged = make(map[string]bool)
		}
		s.judged[CurrentSpecReport().FullText()] = true
	}
	if err := harness.WriteReport(dir, v); err != nil {
		Fail(fmt.Sprintf("report: %v", err))
	}
	return v
}

// command returns the command that repeats the suite.
func command() string { return fmt.Sprintf("go test ./regress -ginkgo.seed=%d", GinkgoRandomSeed()) }

// knownLeaks reads the rules for leaks that are accepted until a date.
func knownLeaks() []verdict.Rule {
	GinkgoHelper()
	b, err := os.ReadFile("../testdata/known-leaks.json")
	if err != nil {
		Fail(err.Error())
	}
	var rules []verdict.Rule
	if err := json.Unmarshal(b, &rules); err != nil {
		Fail("known-leaks.json: " + err.Error())
	}
	return rules
}

func commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return os.Getenv("GITHUB_SHA")
}

// verdicts returns the verdicts of all runs.
func (s *results) verdicts() []verdict.Verdict {
	list := make([]verdict.Verdict, len(s.runs))
	for i, r := range s.runs {
		list[i] = r.Verdict
	}
	return list
}

// A rule for a known leak that matches nothing would hide the next leak of its kind, so it fails
// the suite. Only a run of all specs shows that it matches nothing.
var _ = ReportAfterSuite("known leaks", func(r Report) {
	c := r.SuiteConfig
	if !r.SuiteSucceeded || remoteURL != "" || c.LabelFilter != remoteFilter(wholeSuite) || len(c.FocusStrings)+len(c.SkipStrings)+len(c.FocusFiles)+len(c.SkipFiles) > 0 {
		return
	}
	for _, stale := range verdict.Stale(knownLeaks(), summary.verdicts()) {
		Fail(fmt.Sprintf("%s: %s: %s", stale.About, stale.What, stale.Do))
	}
})

// Specs that have not run, because the time is up or the suite was interrupted, are a failure of
// the suite.
var _ = ReportAfterSuite("specs that have not run", func(r Report) {
	ran := 0
	for _, spec := range r.SpecReports {
		if spec.LeafNodeType.Is(types.NodeTypeIt) && !spec.StartTime.IsZero() && !spec.State.Is(types.SpecStateSkipped|types.SpecStatePending) {
			ran++
		}
	}
	if missing := r.PreRunStats.SpecsThatWillRun - ran; missing > 0 && len(r.SpecialSuiteFailureReasons) > 0 {
		summary.fail(report.TestFailure{Test: "regress", What: fmt.Sprintf("%s: %d of %d specs did not run; go test -timeout sets the time",
			strings.Join(r.SpecialSuiteFailureReasons, ", "), missing, r.PreRunStats.SpecsThatWillRun)})
	}
})

// What failed without a verdict is part of the summary, too.
var _ = ReportAfterEach(func(r SpecReport) {
	if r.Failed() {
		summary.mu.Lock()
		summary.broken = true
		summary.mu.Unlock()
	}
	if r.Failed() && !summary.judged[r.FullText()] {
		at := r.Failure.Location
		summary.fail(report.TestFailure{Test: r.FullText(), Place: fmt.Sprintf("regress/%s:%d", filepath.Base(at.FileName), at.LineNumber), What: r.Failure.Message})
	}
})

// write writes the report of the suite, prints it, and appends it to the summary of a GitHub
// Actions job, if there is one. It does nothing if no test had a result.
func (s *results) write(coverage *verdict.Coverage) error {
	if len(s.runs)+len(s.failed)+s.beside == 0 {
		return nil
	}
	dir := reports()
	suite := report.Suite{
		Name: "regress", Start: s.began, Seconds: time.Since(s.began).Seconds(), Command: command(), Report: filepath.Join(dir, "index.html"),
		Runs: s.runs, Failed: s.failed, Coverage: coverage, Beside: int64(s.beside),
	}
	errs := []error{harness.WriteSuite(dir, suite), report.SuiteText(os.Stdout, suite)}
	if path := os.Getenv("GITHUB_STEP_SUMMARY"); path != "" {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err == nil {
			err = errors.Join(report.SuiteMarkdown(f, suite), f.Close())
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// TestMain writes the summary after all tests, and first reads which code they ran, because a
// test binary writes its counters last.
func TestMain(m *testing.M) { os.Exit(runAll(m)) }
