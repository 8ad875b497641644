package harness_test

import "github.com/pigeonhub/pigeonhub/harness/heap"

func init() { heap.RecordAll() }
