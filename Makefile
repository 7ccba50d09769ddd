# `make demo` and `make test` need Go, git and make; what they need beyond that, dev/setup installs or names.
# The recipes are short on purpose: what is worth testing is written in Go.

SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Each step keeps all cores busy by itself.
.NOTPARALLEL:

# One set of flags everywhere, so that build, lint, demo and the nested modules compile what they share only once.
export CGO_ENABLED := 0
export GOFLAGS     := -trimpath -buildvcs=false

VERSION    := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
KUBERNETES := $(shell awk '$$1 == "k8s.io/kubernetes" { print $$2 }' dev/kubernetes/go.mod)
# Every package that tests against a real control plane starts one, of 700 MB; many cores must not mean as many of those.
PARALLEL   ?= $(shell n=$$(nproc); echo $$((n < 4 ? n : 4)))
PKGS       ?= ./...
TESTFLAGS  ?= -timeout=30m
FUZZTIME   ?= 10s
COUNTS     := .cache/tests

sources = $(shell find $(1) -name '*.go' -not -name '*_test.go' -not -path '*/testdata/*') $(wildcard $(1)/go.mod $(1)/go.sum)
modules = $(patsubst %/go.mod,%,$(shell find dev bench test -name go.mod -not -path '*/testdata/*' 2>/dev/null))

.PHONY: help
help: ## list what make can do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: demo
demo: bin/plumb-demo ## see Plumb at work on a real Kubernetes API; CHECK=1 walks through README.md by itself, PAGE=docs/day.md through a day
	@exec bin/plumb-demo $(if $(CHECK),--check) $(if $(PAGE),--page '$(PAGE)') --build "$(MAKE) --no-print-directory GOFLAGS='$(GOFLAGS) -v' build kubernetes"

.PHONY: test
test: build kubernetes bin/tally ## run every check there is
	@rm -rf $(COUNTS) && mkdir -p $(dir $(COUNTS)) && : >$(COUNTS)
	@failed=; for step in lint unit nested tour smoke; do \
	  $(MAKE) --no-print-directory $$step || failed+=" $$step"; \
	done; \
	if [[ $$failed ]]; then echo "failed:$$failed"; fi; \
	bin/tally -sum $(COUNTS); \
	[[ ! $$failed ]]

.PHONY: build
build: ## build bin/plumb
	go build -ldflags='-s -w -X main.version=$(VERSION)' -o bin/plumb ./cmd/plumb

.PHONY: kubernetes
kubernetes: bin/plumb-kubernetes ## build bin/plumb-kubernetes, the control plane for demo and tests (some minutes, once)

bin/plumb-kubernetes: $(call sources,dev/kubernetes)
	cd dev/kubernetes && go build -ldflags='-s -w -X k8s.io/component-base/version.gitVersion=$(KUBERNETES)' -o ../../$@ .

.PHONY: renderers
renderers: bin/helm bin/kustomize ## build bin/helm and bin/kustomize, the real ones, to compare with (some minutes, once)

bin/helm: $(call sources,dev/renderers)
	cd dev/renderers && go build -ldflags='-s -w' -o ../../$@ helm.sh/helm/v4/cmd/helm

bin/kustomize: $(call sources,dev/renderers)
	cd dev/renderers && go build -ldflags='-s -w' -o ../../$@ sigs.k8s.io/kustomize/kustomize/v5

bin/plumb-demo: FORCE
	go build -ldflags='-s -w' -o $@ ./test/demo

bin/tally: FORCE
	@go build -ldflags='-s -w' -o $@ ./dev/tally

bin/lint: $(call sources,dev/lint)
	cd dev/lint && go build -ldflags='-s -w' -o ../../$@ .

.PHONY: unit
unit: build kubernetes renderers bin/tally ## test the product's packages, with the race detector
	@dev/setup race ssh ps curl openssl
	@mkdir -p $(dir $(COUNTS))
	CGO_ENABLED=1 GOFLAGS=-buildvcs=false go test -race -vet=off -ldflags=-w -p=$(PARALLEL) $(TESTFLAGS) -json $(PKGS) | bin/tally $(COUNTS)

.PHONY: nested
nested: bin/tally ## test the modules below this one
	@mkdir -p $(dir $(COUNTS))
	@for module in $(modules); do \
	  echo "testing $$module"; \
	  (cd $$module && go test -vet=off -p=$(PARALLEL) $(TESTFLAGS) -json ./...) | bin/tally $(COUNTS); \
	done

# Programs that check themselves count as one test each.
counted = mkdir -p $(dir $(COUNTS)); outcome=Failed; trap 'echo "{\"$$outcome\":1}" >>$(COUNTS)' EXIT; $(1); outcome=Passed

.PHONY: tour
tour:
	@$(call counted,$(MAKE) --no-print-directory demo CHECK=1)
	@$(call counted,$(MAKE) --no-print-directory demo CHECK=1 PAGE=docs/day.md)

.PHONY: smoke
smoke:
	@$(call counted,$(MAKE) --no-print-directory bench-smoke)

# Of dev/kubernetes only what doesn't import all of Kubernetes, which takes longer to look at than to build.
.PHONY: lint
lint: bin/lint ## check format, go vet's and staticcheck's findings and the house's rules
	@failed=; \
	unformatted=$$(find . -name '*.go' -not -path '*/testdata/*' -not -path './.*' -exec gofmt -l {} +); \
	if [[ $$unformatted ]]; then echo "not formatted by gofmt:"; echo "$$unformatted"; failed=1; fi; \
	check() { echo "checking $$1 $$2"; (cd "$$1" && '$(CURDIR)/bin/lint' "$$2") || failed=1; }; \
	check . ./...; \
	check dev/lint ./...; \
	check dev/kubernetes ./lifeline; \
	check dev/prometheus ./...; \
	check dev/sops ./...; \
	[[ ! $$failed ]]

.PHONY: vuln
vuln: ## look for known faults in what Plumb is built from (asks vuln.go.dev)
	cd dev/lint && go build -o ../../bin/govulncheck golang.org/x/vuln/cmd/govulncheck
	bin/govulncheck ./...

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME (10s)
	@grep -rlE '^func Fuzz[A-Z]' --include='*_test.go' api cmd internal | while read -r file; do \
	  grep -oE '^func Fuzz\w+' "$$file" | while read -r _ target; do \
	    echo "$$target ($$(dirname "$$file"))"; \
	    go test -run='^$$' -fuzz="^$$target\$$" -fuzztime=$(FUZZTIME) "./$$(dirname "$$file")" </dev/null; \
	  done; \
	done

.PHONY: bench
bench: build kubernetes bin/plumb-bench ## measure against a real Kubernetes API; BENCH=S1,S2 APPS=500 chooses, docs/performance.md says what
	@bin/plumb-bench $(if $(BENCH),-only='$(BENCH)') $(if $(APPS),-apps=$(APPS)) $(if $(SIZES),-sizes='$(SIZES)') \
	  $(if $(IDLE),-idle=$(IDLE)) $(if $(OUT),-out='$(OUT)')

.PHONY: bench-smoke
bench-smoke: build kubernetes bin/plumb-bench ## count what 100 Apps cost in renders and requests, in a minute; times are not judged
	@bin/plumb-bench -smoke -out=.cache/bench-smoke.json

bin/plumb-bench: FORCE
	@go build -ldflags='-s -w' -o $@ ./bench

.PHONY: clean
clean: ## remove what was built, the tests' figures and the demo's folder; the Go caches stay
	rm -rf bin .cache .demo

.PHONY: FORCE
FORCE:
