// Package delivery accounts for every message that one peer sends to another.
//
//	l := delivery.NewLedger()
//	flow, sequence := l.Send(from, to, network) // goes into the message
//	...
//	ok := l.Deliver(flow, sequence, from, to, network)
//	l.Settle()
//	lost := l.Totals().Lost
//
//	ledger.go   Ledger, the open flows
//	flow.go     one flow: the messages of a sender to a receiver
//	departed.go the peers that left last
//	closed.go   the flows that were closed last
//	counts.go   Counts, what became of the messages, and what of that is wrong
package delivery
