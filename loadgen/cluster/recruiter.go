package cluster

import (
	"context"
	"log/slog"
)

// Recruiter provides the workers of a run: Processes on this machine, or Agents on others.
type Recruiter interface {
	// Recruit returns links to n workers that wait for a job.
	Recruit(ctx context.Context, n int, log *slog.Logger) ([]Link, error)
	// Elsewhere reports whether workers are on machines of their own.
	Elsewhere() bool
}
