package regress_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/report"
)

// reportDir is the folder of the reports, from the top of the repository. PIGEONHUB_REPORT
// names another one.
const reportDir = "regress-report"

// summary collects the verdicts of the suite.
var summary verdicts

type verdicts struct {
	mu     sync.Mutex
	list   []verdict.Verdict
	beside int // lives in specs without a verdict
}

// addLives counts lives in a spec that makes no verdict.
func (s *verdicts) addLives(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.beside += n
}

// add judges a run, writes its report and returns the verdict.
func (s *verdicts) add(run verdict.Run) verdict.Verdict {
	GinkgoHelper()
	dir := os.Getenv("PIGEONHUB_REPORT")
	if dir == "" {
		dir = filepath.Join("..", reportDir)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.list) > 0 {
		dir = filepath.Join(dir, fmt.Sprint(len(s.list)+1))
	}
	run.Commit, run.Report = commit(), filepath.Join(dir, "index.html")
	run.Known, run.Suite = knownLeaks(), true
	if testing.CoverMode() == "" {
		run.Coverage = unmeasured()
	}
	run.Command = fmt.Sprintf("go test ./regress -ginkgo.seed=%d", GinkgoRandomSeed())
	if root, err := filepath.Abs(".."); err == nil {
		run.Root = root
	}
	v := verdict.Judge(run)
	s.list = append(s.list, v)
	if err := harness.WriteReport(dir, v); err != nil {
		Fail(fmt.Sprintf("report: %v", err))
	}
	return v
}

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

// toJobSummary appends the verdicts to the summary of a GitHub Actions job, if there is one.
func (s *verdicts) toJobSummary() (err error) {
	path := os.Getenv("GITHUB_STEP_SUMMARY")
	if path == "" {
		return nil
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	for _, v := range s.list {
		if err := report.Markdown(f, v); err != nil {
			return err
		}
	}
	return nil
}

// A rule for a known leak that matches nothing would hide the next leak of its kind, so it fails
// the suite. Only a run of all specs shows that it matches nothing.
var _ = ReportAfterSuite("known leaks", func(r Report) {
	c := r.SuiteConfig
	if !r.SuiteSucceeded || remoteURL != "" || c.LabelFilter != remoteFilter(wholeSuite) || len(c.FocusStrings)+len(c.SkipStrings)+len(c.FocusFiles)+len(c.SkipFiles) > 0 {
		return
	}
	for _, stale := range verdict.Stale(knownLeaks(), summary.list) {
		Fail(fmt.Sprintf("%s: %s: %s", stale.About, stale.What, stale.Do))
	}
})

// The summary prints the verdicts one after the other, and the number of lives.
var _ = ReportAfterSuite("summary", func(r Report) {
	total := int64(summary.beside)
	for _, v := range summary.list {
		fmt.Printf("\n%s\n", v.Run.Name)
		v.Coverage = nil // the coverage of all specs is printed last
		if err := report.Text(os.Stdout, v); err != nil {
			fmt.Println(err)
		}
		total += v.Run.Lives
	}
	fmt.Printf("\n%d peer lives in %s\n", total, r.RunTime.Round(time.Second))
	if testing.CoverMode() == "" && len(summary.list) > 0 {
		if err := report.Coverage(os.Stdout, *unmeasured()); err != nil {
			fmt.Println(err)
		}
	}
	if err := summary.toJobSummary(); err != nil {
		fmt.Println(err)
	}
})
