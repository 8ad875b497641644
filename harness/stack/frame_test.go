package stack_test

import (
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/stack"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

func TestProjectFrame(t *testing.T) {
	t.Parallel()
	std := verdict.Site{Function: "net/http.(*Server).Serve", File: stack.StandardRoot + "net/http/server.go", Line: 1}
	dependency := verdict.Site{Function: "github.com/gorilla/websocket.newConn", File: "/root/go/pkg/mod/github.com/gorilla/websocket@v1.5.3/conn.go", Line: 2}
	own := verdict.Site{Function: "example.com/hub.accept", File: "/src/hub/hub.go", Line: 3}
	for _, c := range []struct {
		stack []verdict.Site
		want  int
	}{
		{[]verdict.Site{std, dependency, own, std}, 2},
		{[]verdict.Site{std, dependency, std}, 1},
		{[]verdict.Site{std, std}, 0},
		{[]verdict.Site{own, dependency}, 0},
	} {
		if got := stack.ProjectFrame(c.stack); got != c.want {
			t.Errorf("%v: frame %d, want %d", c.stack, got, c.want)
		}
	}
}
