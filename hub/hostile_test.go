package hub_test

import (
	"fmt"
	"slices"

	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/hub/wire/hostile"
)

// send sends each input in a session of its own. It asserts that the hub does what the
// input says, and that another member of the network hears only of comings and goings.
func (w *world) send(inputs []hostile.Input) {
	w.Helper()
	witness := w.join("witness", "rude")
	for _, in := range inputs {
		before := ended(in.Ends)(w.hub.Stats())
		p := w.join(in.Name, "rude")
		if in.Ends == wire.ReasonNone {
			if err := p.frames(in.Bytes()); err != nil {
				w.Errorf("%s: %v", in.Name, err)
			}
			if !in.Half {
				p.fence()
			}
			p.Close()
		} else {
			gone := p.swallow()
			_ = p.frames(in.Bytes()) // the hub may stop reading before the end of it
			<-gone
			w.wantCount(fmt.Sprintf("%s: %v", in.Name, in.Ends), ended(in.Ends), before+1)
		}
		for _, m := range witness.fence() {
			if !slices.Contains([]string{"peer-discovered", "peer-disconnected", "goodbye"}, m.Type) {
				w.Errorf("%s: another member got %+v", in.Name, m)
			}
		}
	}
	witness.Close()
}
