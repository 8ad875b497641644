//go:build unix

package regress_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Package main cannot be imported, so its own test makes the run, in a process of its own.
var _ = Describe("the program cmd/pigeonhub, many times in one process", Serial, Label("wide"), func() {
	It("retains nothing of its peers, of its HTTP clients and of its starts", func(ctx SpecContext) {
		runs, err := runInside(ctx, GinkgoT().TempDir())
		var verdicts []verdict.Verdict
		for _, run := range runs {
			verdicts = append(verdicts, summary.add(run))
		}
		for _, v := range verdicts { // they say more than the error, if the process failed because of a leak
			Expect(v).To(LeakNothing())
		}
		Expect(err).NotTo(HaveOccurred())
	}, SpecTimeout(8*time.Minute))
})

// runInside builds the tests of cmd/pigeonhub in dir, runs its TestLeaks and returns the runs. There may
// be runs beside an error: goroutines that are left fail the process after its tests.
func runInside(ctx context.Context, dir string) (runs []verdict.Run, err error) {
	binary, file := filepath.Join(dir, "pigeonhub.test"), filepath.Join(dir, "runs.json")
	build := exec.CommandContext(ctx, "go", append(append([]string{"test", "-c", "-o", binary}, childCoverFlags()...), "./cmd/pigeonhub")...)
	build.Dir = moduleRoot
	test := exec.CommandContext(ctx, binary, "-test.run", "^TestLeaks$", "-test.v")
	test.Dir = filepath.Join(moduleRoot, "cmd", "pigeonhub")
	test.Env = append(os.Environ(), "PIGEONHUB_LEAKS="+file, fmt.Sprint("PIGEONHUB_LEAKS_SEED=", GinkgoRandomSeed()))
	if childCounters != "" {
		test.Args = append(test.Args, "-test.gocoverdir="+childCounters)
	}
	var failed error
	for _, cmd := range []*exec.Cmd{build, test} {
		out, err := cmd.CombinedOutput()
		GinkgoWriter.Printf("%s", out)
		if err != nil {
			failed = fmt.Errorf("%s: %w\n%s", cmd, err, out)
			break
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, cmp.Or(failed, err)
	}
	err = json.Unmarshal(bytes.ReplaceAll(text, []byte(programPackage), []byte("main.")), &runs)
	return runs, cmp.Or(err, failed)
}

// programPackage begins the names of the functions of cmd/pigeonhub in its test binary. In the program
// itself they begin with main.
const programPackage = "github.com/pigeonhub/pigeonhub/cmd/pigeonhub."
