package detect

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/settle"
	"github.com/pigeonhub/pigeonhub/harness/stack"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

const goroutineText = "goroutine profile: total 4\n" +
	"3 @ 0x1 0x2 0x3\n" +
	"# labels: {\"peer\":\"a \\\"b\\\", c\", \"spec\":\"TestA\"}\n" +
	"#\t0x47b5f4\texample.com/a/b%2ev2.(*T).run+0x34\t\t/src/a b/x.go:12\n" +
	"#\t0x47b5f5\texample.com/a/b%2ev2.New.func1+0x4\t/src/a b/x.go:7\n" +
	"\n" +
	"1 @ 0x4\n" +
	"#\t0x4\n" +
	"\n"

func TestParseGoroutines(t *testing.T) {
	t.Parallel()
	groups, err := parseGoroutines(goroutineText)
	if err != nil || len(groups) != 2 {
		t.Fatal(groups, err)
	}
	g := groups[0]
	want := []verdict.Site{
		{Function: "example.com/a/b%2ev2.(*T).run", File: "/src/a b/x.go", Line: 12},
		{Function: "example.com/a/b%2ev2.New.func1", File: "/src/a b/x.go", Line: 7},
	}
	if g.count != 3 || !slices.Equal(g.frames, want) || stack.PackageOf(g.frames[0].Function) != "example.com/a/b.v2" {
		t.Errorf("got %+v", g)
	}
	if !g.has(map[string]string{"peer": `a "b", c`, "spec": "TestA"}) || g.has(map[string]string{"spec": "TestB"}) {
		t.Errorf("labels %v", g.labels)
	}
	if groups[1].frames[0].Function != "0x4" {
		t.Errorf("a frame without a name: %+v", groups[1].frames)
	}
}

// Text that does not parse is an error, never fewer goroutines.
func TestParseGoroutinesRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "nonsense", "goroutine profile: total x\n",
		strings.Replace(goroutineText, "total 4", "total 5", 1),
		"goroutine profile: total 1\none @ 0x1\n#\t0x1\n\n",
	} {
		if groups, err := parseGoroutines(text); err == nil {
			t.Errorf("%q gave %d groups", text, len(groups))
		}
	}
}

func TestParseStack(t *testing.T) {
	t.Parallel()
	frames, creator := stack.Parse("goroutine 18 [chan receive, 2 minutes]:\n" +
		"main.(*hub).run(0xc000012345, {0x1, 0x2})\n\t/src/hub.go:12 +0x1d\n" +
		"...additional frames elided...\n" +
		"main.f(...)\n\t/src/f.go:3\n" +
		"created by main.(*hub).start in goroutine 7\n\t/src/hub.go:88 +0x66\n")
	want := []verdict.Site{{Function: "main.(*hub).run", File: "/src/hub.go", Line: 12}, {Function: "main.f", File: "/src/f.go", Line: 3}}
	if !slices.Equal(frames, want) {
		t.Errorf("frames %+v", frames)
	}
	if creator != (verdict.Site{Function: "main.(*hub).start", File: "/src/hub.go", Line: 88}) {
		t.Errorf("creator %+v", creator)
	}
}

// A goroutine has the same key in the profile and in the text of stacks.
func TestLineKeysAgree(t *testing.T) {
	ch := make(chan struct{})
	defer close(ch)
	go func() { func() { <-ch }() }()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := settle.Until(ctx, func() error {
		groups, err := readGoroutines("goroutine")
		if err != nil {
			t.Fatal(err)
		}
		creators, err := readCreators()
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range groups {
			if len(g.frames) == 2 && strings.Contains(g.frames[1].Function, "TestLineKeysAgree.func") {
				if c := creators[stack.Key(g.frames)]; len(c) == 1 && strings.HasSuffix(c[0].born.Function, ".TestLineKeysAgree") {
					return nil
				}
				return errors.New("no go statement for " + stack.Key(g.frames))
			}
		}
		return errors.New("the goroutine is not in the profile")
	})
	if err != nil {
		t.Error(err)
	}
}
