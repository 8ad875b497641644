package regress_test

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/pigeonhub/pigeonhub/harness/heap"
)

// The detectors count every object, from the first on.
func init() { heap.RecordAll() }

// wholeSuite is the filter for what everybody runs.
const wholeSuite = "!soak && !power"

func TestRegress(t *testing.T) {
	RegisterFailHandler(Fail)
	suite, reporter := GinkgoConfiguration()
	if suite.LabelFilter == "" {
		suite.LabelFilter = wholeSuite
	}
	suite.LabelFilter = remoteFilter(suite.LabelFilter)
	RunSpecs(t, "regress", suite, reporter)
}
