package loadgen

// What the tests of agents use. They are in an external package, because package agents
// imports this one.
const ChildEnv = childEnv

var (
	ChildProcesses = childProcesses
	WantSameTotals = wantSameTotals
	CheckForALeak  = checkForALeak
	RunOnHub       = runOnHub
	PlanWith       = planWith
	AtPeers        = atPeers
)
