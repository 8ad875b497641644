package regress_test

import (
	"fmt"
	"os"
	"runtime"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/detect"
)

// guardedSpec records the errors that harness.Guard reports, instead of failing the spec.
type guardedSpec struct {
	harness.TB
	order  []string // the blocks that have run
	errors []string
}

func (g *guardedSpec) Failed() bool { // the guard calls it before it checks
	g.order = append(g.order, "guard")
	return g.TB.Failed()
}

func (g *guardedSpec) Errorf(format string, args ...any) {
	g.errors = append(g.errors, fmt.Sprintf(format, args...))
}

// A guard that is called first in the outermost BeforeEach checks when every other block of the
// spec has ended.
var _ = Describe("a leak guard in Ginkgo", Serial, func() {
	var spec *guardedSpec
	var watch *detect.Watch
	var want func()
	BeforeEach(func() {
		spec = &guardedSpec{TB: GinkgoT()}
		DeferCleanup(func() { want() }) // registered before the guard, so it runs after it
		watch = harness.Guard(spec)
	})

	When("a spec cleans up", func() {
		var file *os.File
		BeforeEach(func() {
			var err error
			file, err = os.Open(os.DevNull)
			Expect(err).NotTo(HaveOccurred())
		})
		AfterEach(func() {
			spec.order = append(spec.order, "AfterEach")
			Expect(file.Close()).To(Succeed())
		})
		JustAfterEach(func() { spec.order = append(spec.order, "JustAfterEach") })

		It("checks after AfterEach and after every cleanup that was registered later", func() {
			want = func() {
				Expect(spec.order).To(Equal([]string{"JustAfterEach", "AfterEach", "DeferCleanup", "Cleanup", "guard"}))
				Expect(spec.errors).To(BeEmpty())
			}
			object, stop := &[4]*int{}, make(chan struct{})
			Expect(watch.Add(object, "of a goroutine that ends")).To(Succeed())
			go func() {
				<-stop
				runtime.KeepAlive(object)
			}()
			GinkgoT().Cleanup(func() { spec.order = append(spec.order, "Cleanup") })
			DeferCleanup(func() {
				spec.order = append(spec.order, "DeferCleanup")
				close(stop)
			})
		})
	})

	When("a spec leaves a goroutine and an object", func() {
		It("reports both", func() {
			object, stop := &[4]*int{}, make(chan struct{})
			Expect(watch.Add(object, "of a goroutine")).To(Succeed())
			go func() {
				<-stop
				runtime.KeepAlive(object)
			}()
			want = func() {
				close(stop)
				Expect(spec.errors).To(HaveLen(1))
				Expect(spec.errors[0]).To(SatisfyAll(ContainSubstring("does not end"), ContainSubstring("*[4]*int retained"), ContainSubstring("guard_test.go")))
			}
		})
	})
})
