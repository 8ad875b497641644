# `make` lists the targets. The linters are pinned in .lint.mod.
GO        ?= go
FUZZTIME  ?= 500000x
BENCHTIME ?= 1x
POWER     ?= all
GENERATED ?= all
FOR       ?=
CALIBRATE ?= all
ALARMS    ?= 300
ROUNDS    ?= 1
PLATFORMS ?= linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64
LINT       = $(GO) tool -modfile=.lint.mod

.PHONY: help run build release test race regress mutants power generated alarms calibrate fuzz bench interop jshub lint fmt tidy ci

help: ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## run the hub on port 3000
	$(GO) run ./cmd/pigeonhub

build: ## build the hub and the load generator into bin/
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/ ./cmd/pigeonhub ./cmd/loadgen

# The version comes from the tag of the commit, else from its date and hash.
SBOM = $(GO) run github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0
release: ## build static binaries for PLATFORMS into bin/release, with bills of materials and checksums
	rm -rf bin/release
	mkdir -p bin/release
	set -e; for platform in $(PLATFORMS); do for name in pigeonhub loadgen; do \
		os=$${platform%/*}; file=bin/release/$$name-$$os-$${platform#*/}; \
		if [ $$os = windows ]; then file=$$file.exe; fi; \
		CGO_ENABLED=0 GOOS=$$os GOARCH=$${platform#*/} $(GO) build -buildvcs=true -trimpath -ldflags='-s -w' -o $$file ./cmd/$$name; \
		$(SBOM) bin -json -output $$file.cdx.json $$file; \
	done; done
	cd bin/release && sha256sum * > SHA256SUMS

test: ## run the tests
	$(GO) test -shuffle=on ./...

race: ## run the tests under the race detector
	$(GO) test -race -shuffle=on ./...

# The suite finds no leak in code that did not run, so it counts what runs. Counters add no
# measurable time. -w=0 keeps the names of package variables, which go test leaves out, for the report.
COVER = -coverpkg=./hub/... -covermode=atomic
regress: ## run the leak suite with the wide specs; prints the summary and the code that did not run; the report is in regress-report
	$(GO) test -count=1 -v -ldflags=-w=0 $(COVER) ./regress -run 'TestRegress|TestThirtyDays'

power: ## measure which leaks the suite catches: every planted one, then generated ones, for hours (POWER=samples: some of the planted; sample: a third of these, by the date)
	rm -rf regress-report/power
	PIGEONHUB_POWER=$(POWER) $(GO) test -count=1 -v -timeout 3h ./regress -run TestPower
	@cat regress-report/power.md
	$(if $(filter all,$(POWER)),$(MAKE) generated)

mutants: ## check that each planted leak still fits the hub; shows the edits that do not beside the code of today
	PIGEONHUB_MUTANTS=1 $(GO) test -count=1 ./regress -run TestMutantsApply

# After FOR no further mutant is begun. RESUME=1 continues the last run.
generated: ## the same with generated leaks alone (GENERATED: a number, all, or names; SEED: of the draw, by default the date)
	$(if $(RESUME),,rm -rf regress-report/generated)
	PIGEONHUB_GENERATED='$(GENERATED)' PIGEONHUB_GENERATED_SEED=$(SEED) PIGEONHUB_GENERATED_FOR=$(FOR) \
		$(GO) test -count=1 -v -timeout 24h ./regress -run 'TestGenerated$$'

alarms: ## measure false alarms: ALARMS runs of the leak suite on a hub without leaks, under all conditions, two hours
	rm -rf regress-report/alarms
	PIGEONHUB_ALARMS=$(ALARMS) $(GO) test -count=1 -v -timeout 6h ./regress -run TestAlarms

calibrate: ## compare the verdict of loadgen with small hubs that leak or not (CALIBRATE=sample: some; ROUNDS: of each healthy one)
	@mkdir -p loadgen-report
	PIGEONHUB_CALIBRATE=$(CALIBRATE) PIGEONHUB_CALIBRATE_ROUNDS=$(ROUNDS) PIGEONHUB_CALIBRATE_TABLE=$(CURDIR)/loadgen-report/calibration.md \
		$(GO) test -count=1 -v -parallel 6 -timeout 3h ./loadgen -run 'TestCalibrate$$'

# FUZZTIME is a count, because go test may fail with "context deadline exceeded" at the end of
# a duration although the fuzzer found nothing (golang/go#75804, fixed in Go 1.27).
FUZZ = $(GO) test -run '^$$' -fuzzminimizetime 5s -fuzztime $(FUZZTIME)
# An execution of FuzzParking is the life of a hub, so there are fewer.
FEWER = $(if $(filter %x,$(FUZZTIME)),$(shell expr $(FUZZTIME:x=) / 100)x,$(FUZZTIME))
fuzz: ## fuzz all parsers of untrusted bytes, FUZZTIME executions each (default 500000x), and parking, a hundredth of it
	$(FUZZ) -fuzz '^FuzzParse$$' ./hub/wire
	$(FUZZ) -fuzz '^FuzzAnnouncement$$' ./hub/wire
	$(FUZZ) -fuzz '^FuzzAppendString$$' ./hub/wire
	$(FUZZ) -fuzz '^FuzzSession$$' ./hub
	$(FUZZ:$(FUZZTIME)=$(FEWER)) -fuzz '^FuzzParking$$' ./hub
	$(FUZZ) -fuzz '^FuzzClientAddress$$' ./hub
	$(FUZZ) -fuzz '^FuzzHeapDump$$' ./harness/heap
	$(FUZZ) -fuzz '^FuzzHealth$$' ./harness/probe
	$(FUZZ) -fuzz '^FuzzMetrics$$' ./harness/probe
	$(FUZZ) -fuzz '^FuzzText$$' ./loadgen/codec
	$(FUZZ) -fuzz '^FuzzForeignText$$' ./hub/admin
	$(FUZZ) -fuzz '^FuzzParseThreshold$$' ./loadgen/plan
	$(FUZZ) -fuzz '^FuzzJudgeThreshold$$' ./loadgen/report
	$(FUZZ) -fuzz '^FuzzLedger$$' ./loadgen/delivery

bench: ## compare the hub with a naive one
	$(GO) test ./hub/wire -run '^$$' -bench . -benchmem
	$(GO) test ./hub -run '^$$' -bench . -benchtime $(BENCHTIME) -timeout 30m

interop: ## test real PeerPigeon clients in Chromium and Node (installs them by npm), proxies and Prometheus if installed
	$(GO) test -tags interop -count=1 -timeout 10m -v -run Interop ./cmd/pigeonhub

jshub: ## check the published JavaScript hub (installed by npm) and this one by loadgen, from /health alone; the reports are in loadgen-report
	testdata/jshub/check.sh $(JSHUB)

# The linters run one by one, because golangci-lint links a hundred more and takes three minutes
# to build on a new machine. Tests check which package may import which (deps_test.go).
lint: ## run vet, staticcheck, errorlint, ineffassign, forbidigo, misspell
	$(GO) vet ./...
	$(LINT) staticcheck -checks 'all,-ST1000,-QF1008' ./...
	$(LINT) go-errorlint -errorf -comparison=false -asserts=false ./...
	$(LINT) ineffassign ./...
	$(LINT) forbidigo -set_exit_status -tests=false -analyze_types '^fmt\.Print.*$$' '^log\..*$$' -- ./...
	git ls-files '*.go' '*.md' | xargs $(LINT) misspell -error

fmt: ## format the sources
	gofmt -w .

tidy: ## tidy go.mod
	$(GO) mod tidy

ci: ## run what CI runs
	.ci/run
