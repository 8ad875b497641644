package heap

import (
	"fmt"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// The target has objects of a line, too, as a hub has maps. The path to these is shorter, but what
// retains the others is a goroutine.
func TestPathOfWhatRootHoldsMost(t *testing.T) {
	atRest := Retainer{Path: []verdict.Edge{{Holder: "hub.Hub", Field: "peers"}}}
	list := []Retainer{{}, atRest}
	for i := range 15 {
		list = append(list, Retainer{Path: []verdict.Edge{
			{Kind: verdict.GoroutineHolder, Holder: fmt.Sprintf("goroutine %d hub.(*Hub).wait", i)},
			{Holder: "*hub.Hub", Field: []string{"peers", "sessions", "networks", "hubs", "parking.sessions"}[i%5]},
		}})
	}
	if got := verdict.PathText(mostFrequent(list).Path); got != verdict.PathText(list[5].Path) {
		t.Errorf("got %s", got)
	}
	for range 5 {
		list = append(list, atRest)
	}
	if got := verdict.PathText(mostFrequent(list).Path); got != verdict.PathText(atRest.Path) {
		t.Errorf("the target holds a third as many: got %s", got)
	}
}
