package regress_test

import (
	"errors"
	"os"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/term"

	"github.com/pigeonhub/pigeonhub/harness/heap"
	"github.com/pigeonhub/pigeonhub/harness/verdict/report"
)

// The heap profile must record every object from the first one on.
func init() { heap.RecordAll() }

// The label filters of a run: usualSuite takes about two minutes, wholeSuite six.
const (
	usualSuite = wholeSuite + " && !wide"
	wholeSuite = "!soak && !power"
)

// timeToReport is how long before go test ends the program at its -timeout the suite ends by
// itself, because a hub with a large leak is slow to test and its report must not be lost. A spec
// may take 30 seconds to end.
const timeToReport = time.Minute

func TestRegress(t *testing.T) {
	if remoteURL != "" {
		if err := reachRemote(t.Context()); err != nil { // else each spec would say so
			summary.fail(report.TestFailure{Test: t.Name(), What: err.Error()})
			t.Fatal(errors.Join(err, clearReports()))
		}
	}
	RegisterFailHandler(Fail)
	suite, reporter := GinkgoConfiguration()
	if suite.LabelFilter == "" {
		suite.LabelFilter = usualSuite
		if testing.CoverMode() != "" { // code that did not run is reported, so all specs must run
			suite.LabelFilter = wholeSuite
		}
	}
	suite.LabelFilter = remoteFilter(suite.LabelFilter)
	if deadline, ok := t.Deadline(); ok {
		left := time.Until(deadline)
		suite.Timeout = min(suite.Timeout, left-min(timeToReport, left/4))
	}
	reporter.NoColor = reporter.NoColor || !term.IsTerminal(int(os.Stdout.Fd()))
	RunSpecs(t, "regress", suite, reporter)
}
