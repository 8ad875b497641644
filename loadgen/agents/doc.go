// Package agents recruits workers on other machines over NATS.
//
//	go agents.ServeAgent(ctx, agents.AgentConfig{NATS: agents.NATS{URL: url}}) // on each machine
//	cfg.Recruiter = agents.Agents{NATS: agents.NATS{URL: url}}                // in the coordinator
//	result, err := loadgen.Run(ctx, cfg)
//
// It is a package of its own so that importing loadgen does not link a NATS server.
//
//	agents.go   Agents, which finds agents and claims them for a run
//	agent.go    ServeAgent, which runs a share of one run at a time
//	link.go     the link between the two, over two NATS subjects
//	nats.go     the connection, and the server that the coordinator may embed
package agents
