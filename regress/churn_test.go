package regress_test

import (
	"os"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
)

var _ = Describe("a hub whose peers come and go", Label("quick"), Serial, func() {
	It("holds nothing of them", func(ctx SpecContext) {
		w := startWorld(quickConfig(), hubtest.Start)
		run, err := w.campaign.Run(ctx)
		Expect(err).NotTo(HaveOccurred())
		v := verdict.Judge(run)
		verdict.Text(os.Stdout, v)
		Expect(v.Outcome).To(Equal(verdict.Pass))
	}, SpecTimeout(2*time.Minute))
})
