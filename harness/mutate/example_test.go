package mutate_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/pigeonhub/pigeonhub/harness/mutate"
)

// A leak test is measured against the drops of one function: which of them does it notice?
func ExampleProgram_Mutants() {
	p, err := mutate.Load(".", "./testdata/room")
	if err != nil {
		fmt.Println(err)
		return
	}
	mutants, overlay := p.Mutants()
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	file, err := overlay.Write(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	binary := filepath.Join(dir, "room.test")
	if out, err := exec.Command("go", "test", "-c", "-overlay", file, "-o", binary, "./testdata/room").CombinedOutput(); err != nil {
		fmt.Printf("%v\n%s", err, out)
		return
	}
	for _, m := range mutants {
		if m.Operator != mutate.Drop || m.Line < 70 || m.Line > 71 {
			continue
		}
		cmd := exec.Command(binary, "-test.run", "TestLeavesNothing")
		cmd.Env = append(os.Environ(), overlay.Env(m))
		word := "missed"
		if cmd.Run() != nil {
			word = "caught"
		}
		fmt.Printf("%s without %s: %s\n", filepath.Base(m.File), m.Source, word)
	}
	// Output:
	// room.go without delete(r.guests, id): caught
	// room.go without r.removeLocked(g): caught
}
