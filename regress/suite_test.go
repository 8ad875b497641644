package regress_test

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/pigeonhub/pigeonhub/harness/heap"
)

// The detectors count every object, from the first on.
func init() { heap.RecordAll() }

// Filters: what everybody runs in about two minutes, and with it what else a hub goes
// through, which takes as long again.
const (
	usualSuite = wholeSuite + " && !wide"
	wholeSuite = "!soak && !power"
)

func TestRegress(t *testing.T) {
	RegisterFailHandler(Fail)
	suite, reporter := GinkgoConfiguration()
	if suite.LabelFilter == "" {
		suite.LabelFilter = usualSuite
		if testing.CoverMode() != "" { // what did not run is only known of all
			suite.LabelFilter = wholeSuite
		}
	}
	suite.LabelFilter = remoteFilter(suite.LabelFilter)
	RunSpecs(t, "regress", suite, reporter)
}
