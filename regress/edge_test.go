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

// edgeSpecs is the text that TestGenerated selects the specs of edge cases by.
const edgeSpecs = "a hub under edge cases"

// Edge cases have a campaign of their own: beside the peers of the common scenarios theirs would
// be too few to be attributed a leak.
var _ = Describe(edgeSpecs, Serial, Label("wide"), func() {
	It("retains nothing of its peers", func(ctx SpecContext) {
		w := startWorld(edgeConfig(), hubtest.Start)
		w.lasting = ctx
		pages := startPages(w.target)
		DeferCleanup(pages.close)
		w.campaign.Name, w.campaign.Cycles = "regress, edge cases", 3
		w.campaign.Crowd.AtOnce, w.campaign.Crowd.LifeLimit = 8, time.Minute // many lives start and stop a hub
		w.campaign.Crowd.Scenarios = append(harness.Scenarios()[:1], w.edgeScenarios(patientConfig(), pages)...)
		w.campaign.Fill = filling
		for i := range w.campaign.Crowd.Scenarios {
			logErrors(&w.campaign.Crowd.Scenarios[i])
		}
		w.campaign.Peers = func(scenario string) int {
			switch scenario {
			case "memory", "slow-subscriber", "follow", "operator": // each takes long
				return 2
			case "malformed":
				return 12
			}
			return 5
		}
		Expect(w.judge(ctx)).To(LeakNothing())
	}, SpecTimeout(5*time.Minute))
})

// logErrors makes the scenario log the error of each life that fails.
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

// edgeConfig returns a configuration that limits the sessions of each address and prefix, and logs
// everything.
func edgeConfig() hub.Config {
	cfg := patientConfig()
	cfg.ExemptAddresses, cfg.AddressSessions = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/24")}, 1
	cfg.PrefixSessions, cfg.AddressRate, cfg.AddressBurst, cfg.AllowedOrigins = 2, 20, 5, []string{"*"}
	cfg.AnnounceRate = -1 // a peer of "malformed" announces often
	cfg.Logger = slog.New(slog.NewJSONHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return cfg
}
