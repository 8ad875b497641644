package regress_test

import (
	"context"
	"io"
	"log/slog"
	"net/netip"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
)

// What happens now and then has a campaign of its own: in that of the common lives its peers
// would be too few to name.
var _ = Describe("a hub to which odd things happen", Serial, Label("wide"), func() {
	It("holds nothing of them", func(ctx SpecContext) {
		w := startWorld(oddConfig(), hubtest.Start)
		pages, err := startPages(w.target)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(pages.close)
		w.campaign.Name, w.campaign.Cycles = "regress, odd", 3
		w.campaign.Crowd.AtOnce, w.campaign.Crowd.LifeLimit = 8, time.Minute // a life here is often that of a whole hub
		w.campaign.Crowd.Scenarios = w.oddScenarios(patientConfig(), pages)
		for i := range w.campaign.Crowd.Scenarios {
			logErrors(&w.campaign.Crowd.Scenarios[i])
		}
		w.campaign.Peers = func(scenario string) int {
			switch scenario {
			case "memory", "deaf", "plots", "operator": // each takes long
				return 2
			case "odd":
				return 12
			}
			return 5
		}
		Expect(w.judge(ctx)).To(LeakNothing())
	}, SpecTimeout(5*time.Minute))
})

// logErrors writes why a life did not go as it should.
func logErrors(s *harness.Scenario) {
	live := s.Live
	s.Live = func(ctx context.Context, v *harness.Visit) error {
		err := live(ctx, v)
		if err != nil {
			GinkgoWriter.Printf("%s: %v\n", v.Name, err)
		}
		return err
	}
}

// oddConfig is a hub that counts the sessions of each address and logs everything.
func oddConfig() hub.Config {
	cfg := patientConfig()
	cfg.ExemptAddresses, cfg.AddressSessions = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/24")}, 1
	cfg.AddressRate, cfg.AddressBurst, cfg.AllowedOrigins = 20, 5, []string{"*"}
	cfg.AnnounceRate = -1 // an odd peer announces much at once
	cfg.Logger = slog.New(slog.NewJSONHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return cfg
}
