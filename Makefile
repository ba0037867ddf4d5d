# Every target installs what it needs. `make demo` runs on a fresh machine with Go,
# `make test` on one with Go and Node.

# TOOLS is a relative path because make splits an absolute one at a space.
GOLANGCI_VERSION := v2.15.0
GOVULNCHECK_VERSION := v1.9.0
CYCLONEDX_VERSION := v1.10.0
GREMLINS_VERSION := v0.6.0
MAVEN_DEPENDENCY := 3.8.1
TOOLS            := .bin
MODULES          := . test/machine test/peers test/system
LAMBDAS          := $(notdir $(wildcard lambdas/*))
FUZZTIME         ?= 30s
RACETIME         ?= 10m
ROUNDS           ?= 10
COUNT            ?= 10000000
RECORDS          ?= 200000
RUNS             ?= 9
LAMBDA_FLAGS     := -trimpath -buildvcs=false -mod=readonly -tags=lambda.norpc -ldflags="-s -w -buildid="

.DEFAULT_GOAL := help
.PHONY: help demo test athena e2e conformance proof corpus lint lint-templates fuzz bench bench-compare exports detections build lambdas node synth consumer cold-kernels race records faults hostile prove testlist clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: build ## run the whole pipeline on this machine, without an AWS account
	./bin/resolverwatch demo

test: node ## run the tests of all modules
	@for module in $(MODULES); do \
		echo "testing $$module"; \
		(cd $$module && go vet -tags e2e ./... && go test ./...) || exit 1; \
	done

athena: ## run the named queries on a real Trino, the engine of Athena (skipped without Java 17 and Maven)
	@if java --version >/dev/null 2>&1 && mvn --version >/dev/null 2>&1; then \
		infra/node.sh && \
		$(MAKE) --no-print-directory $(TOOLS)/trino.classpath && \
		RESOLVERWATCH_TRINO="$(CURDIR)/$(TOOLS)/trino.classpath" go test -C test/system ./athena -count=1 -v -timeout 15m; \
	else echo "skipped: no java and mvn on the PATH"; fi

.PHONY: duckdb

duckdb: ## run the queries of docs/duckdb.md in DuckDB (skipped without Python)
	@if python3 -c 'import venv, ensurepip' 2>/dev/null; then \
		$(MAKE) --no-print-directory $(TOOLS)/duckdb/installed && \
		RESOLVERWATCH_DUCKDB="$(CURDIR)/$(TOOLS)/duckdb/bin/python" go test -C test/system ./athena -run DuckDB -count=1 -v; \
	else echo "skipped: no python3 on the PATH, or it cannot make virtual environments"; fi

$(TOOLS)/duckdb/installed: test/system/athena/requirements.txt
	python3 -m venv --clear $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

detections: ## measure the detections of behaviour on made logs, SEED (1), and compare scan with the SQL (that needs Java 17 and Maven)
	go run ./test/detections $(if $(SEED),-seed $(SEED))
	@if java --version >/dev/null 2>&1 && mvn --version >/dev/null 2>&1; then \
		infra/node.sh && \
		$(MAKE) --no-print-directory $(TOOLS)/trino.classpath && \
		RESOLVERWATCH_TRINO="$(CURDIR)/$(TOOLS)/trino.classpath" go test -C test/system ./athena -run 'TestDetections|TestQueries_registrableDomain' -count=1 -v -timeout 15m; \
	else echo "the SQL was not compared: no java and mvn on the PATH"; fi

# Downloads 390 MB on a fresh machine, into Maven's own repository.
$(TOOLS)/trino.classpath: test/system/athena/trino/pom.xml
	mkdir -p $(TOOLS)
	mvn -B -q -ntp -f $< org.apache.maven.plugins:maven-dependency-plugin:$(MAVEN_DEPENDENCY):build-classpath -Dmdep.outputFile="$(CURDIR)/$@.new"
	mv $@.new $@

e2e: node $(TOOLS)/moto/installed $(TOOLS)/cdk/installed ## deploy to an AWS emulator and drive what is deployed (needs Node and Python)
	rm -rf bin/e2e
	E2E_PYTHON="$(CURDIR)/$(TOOLS)/moto/bin/python" E2E_CDK="$(CURDIR)/$(TOOLS)/cdk/node_modules/.bin/cdk" E2E_OUT="$(CURDIR)/bin/e2e" \
		go test -C test/system -tags e2e ./e2e -count=1 -timeout 15m || { cat bin/e2e/report*.txt; exit 1; }
	@cat bin/e2e/report*.txt

# A tool is complete when its file `installed` is there. Its folder alone may be what an
# interrupted installation left.
$(TOOLS)/moto/installed: test/system/e2e/requirements.txt
	python3 -m venv --clear $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

# It is installed outside of test/system because it contains Go files, which ./... would match.
$(TOOLS)/cdk/installed: test/system/e2e/package-lock.json
	rm -rf $(@D)
	mkdir -p $(@D)
	cp test/system/e2e/package.json $< $(@D)
	npm ci --prefix $(@D) --no-audit --no-fund
	touch $@

.PHONY: machine

machine: ## run the state machine of backfills on an emulator that runs Distributed Map (needs port 4566)
	go test -C test/machine -tags e2e ./... -count=1 -v -timeout 20m

consumer: node ## build an app in another module: from a module cache, vendored, and with each awscdk
	go run ./test/consumer

cold-kernels: node ## start six CDK apps at once on an empty jsii cache, in ROUNDS rounds (10); none may die
	go run ./test/kernels -rounds $(ROUNDS)

race: ## run the tests of pkg under the race detector (needs a C compiler)
	go test -race -short ./pkg/...

conformance: ## check the decision on every broken list, and every name in RESOLVERWATCH_CORPUS against the index
	go test ./test/conformance -count=1 -v -timeout 5m

proof: ## kill an import, a notifier and a hunt at every call, try every order of events, race readers against publishers for RACETIME (10m)
	RESOLVERWATCH_PROOF=1 go test ./pkg/importer ./pkg/notifier ./pkg/hunter -run Enumeration -count=1 -v -timeout 60m
	RESOLVERWATCH_RACE=$(RACETIME) go test ./test/proof -count=1 -v -timeout 60m

records: ## stream COUNT (10000000) generated records through the transformer, with faults and without, and check every answer
	go run ./test/records -count $(COUNT) $(if $(SEED),-seed $(SEED)) $(if $(FROM),-from $(FROM))

faults: ## run the tests of the fault matrix, and print each fault with what is required and what came out
	go run ./test/prove -tables faults

hostile: ## the same for hostile names, records, lists, pointers and permissions
	go run ./test/prove -tables hostile

prove: ## run both, stream RECORDS (200000) records, and write build/prove.html and build/prove.json
	go run ./test/prove -records $(RECORDS) -out build

.PHONY: mutants

mutants: $(TOOLS)/gremlins-$(GREMLINS_VERSION) ## change operators of marker, matcher, guards and publishing, and see whether tests notice; ONLY=PARTS, AGAIN=1 for what survived
	go run ./test/mutants -gremlins $(TOOLS)/gremlins-$(GREMLINS_VERSION) -only "$(ONLY)" $(if $(AGAIN),-survivors)

$(TOOLS)/gremlins-$(GREMLINS_VERSION):
	GOBIN="$(CURDIR)/$(TOOLS)" go install github.com/go-gremlins/gremlins/cmd/gremlins@$(GREMLINS_VERSION)
	mv $(TOOLS)/gremlins $@

corpus: ## print how every list in RESOLVERWATCH_CORPUS would be imported
	go run ./test/corpus

lint: node $(TOOLS)/golangci-lint-$(GOLANGCI_VERSION) lint-templates ## run the linters
	@test -z "$$(gofmt -l cmd examples infra internal lambdas pkg test)" || { echo "not formatted:"; gofmt -l cmd examples infra internal lambdas pkg test; exit 1; }
	@for module in $(MODULES); do \
		echo "linting $$module"; \
		(cd $$module && "$(CURDIR)/$(TOOLS)/golangci-lint-$(GOLANGCI_VERSION)" run --config "$(CURDIR)/.golangci.yml" ./...) || exit 1; \
	done

lint-templates: node $(TOOLS)/cfn-lint/installed ## run cfn-lint on the templates of all variants of settings (needs Python)
	rm -rf bin/variants
	go run ./test/synth -out bin/variants
	$(TOOLS)/cfn-lint/bin/cfn-lint --config-file test/synth/cfnlintrc.yaml --template bin/variants/*/*.template.json examples/*/*.template.json

$(TOOLS)/cfn-lint/installed: test/synth/requirements.txt
	python3 -m venv --clear $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

$(TOOLS)/golangci-lint-$(GOLANGCI_VERSION):
	GOBIN="$(CURDIR)/$(TOOLS)" go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	mv $(TOOLS)/golangci-lint $@

.PHONY: arm64

arm64: ## run the unit tests of pkg/ for the processor of the functions, with qemu if this is another (skipped if there is none)
	@test/arm64.sh $(TOOLS)/qemu $(ONLY)

testlist: ## add new tests to test/testdata/tests.txt, and fail if a listed test does not exist
	go run ./test/testlist -add

fuzz: ## run every fuzz target for FUZZTIME (30s)
	test/fuzz.sh $(FUZZTIME)

bench: ## measure speed and size against floors and peers; ONLY=SUITES takes some, BENCH_JSON=FILE also writes the figures
	@if ! python3 -c 'import venv, ensurepip' 2>/dev/null; then \
		echo "DuckDB and chDB are skipped: no python3 on the PATH, or it cannot make virtual environments"; \
	elif ! $(MAKE) --no-print-directory $(TOOLS)/peers/installed; then \
		echo "DuckDB and chDB are skipped: they could not be installed; the lines above say why"; \
	fi
	@peers="$(CURDIR)/$(TOOLS)/peers"; if [ -f "$$peers/installed" ]; then export BENCH_PYTHON="$$peers/bin/python"; fi; \
		go run ./test/bench $(if $(ONLY),-only "$(ONLY)")

# Two databases in a process, which take 1 GB.
$(TOOLS)/peers/installed: test/peers/requirements.txt
	python3 -m venv --clear $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

.PHONY: growth profile

profile: ## write profiles of scans, the transformer and the importer into build/profile, and print what leads them
	go run ./test/bench -profile build/profile

growth: ## measure how times and sizes grow with names, records and lists, and write docs/pictures/growth.svg and growth.json
	go run ./test/bench -growth docs/pictures

bench-compare: ## compare the bench of HEAD with that of BASE=COMMIT, RUNS times each (9); ONLY=SUITES takes some
	go run ./test/bench/compare -base "$(BASE)" -runs $(RUNS) -only "$(ONLY)"

exports: ## count the exported names that no other production package uses, and those listed with a reason
	@go test -C test/system ./exports -run 'ExportedNames$$' -count=1 -v

build: ## build the command and the Lambdas that the demo runs, for this machine
	go build -trimpath -o bin/resolverwatch ./cmd/resolverwatch
	CGO_ENABLED=0 go build $(LAMBDA_FLAGS) -o bin/importer/bootstrap ./lambdas/importer
	CGO_ENABLED=0 go build $(LAMBDA_FLAGS) -o bin/transformer/bootstrap ./lambdas/transformer

lambdas: ## build the Lambdas as they are deployed: linux/arm64, without cgo
	@for name in $(LAMBDAS); do \
		CGO_ENABLED=0 GOOS=linux GOARCH=arm64 go build $(LAMBDA_FLAGS) -o bin/arm64/$$name/bootstrap ./lambdas/$$name || exit 1; \
	done

node: ## check that there is a Node that can run the CDK
	@infra/node.sh

synth: node ## synthesize the deployed template into cdk.out, without AWS or Docker
	@bash -c 'TIMEFORMAT="synthesized in %1R s"; time infra/synth.sh'

.PHONY: vuln sbom

vuln: ## look for known vulnerabilities in what the code calls (skipped if neither their database nor its source can be reached)
	@test/vuln.sh $(TOOLS)/govulncheck-$(GOVULNCHECK_VERSION) $(MODULES)

$(TOOLS)/govulncheck-$(GOVULNCHECK_VERSION):
	GOBIN="$(CURDIR)/$(TOOLS)" go install golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION)
	mv $(TOOLS)/govulncheck $@

# It reads the modules out of the binaries, so it lists what runs and not what go.mod permits.
sbom: build lambdas $(TOOLS)/cyclonedx-gomod-$(CYCLONEDX_VERSION) ## write the bills of materials of the functions and the command into build/sbom
	mkdir -p build/sbom
	@version="$$(git describe --always --dirty 2>/dev/null || echo unknown)"; \
	for binary in $(LAMBDAS:%=arm64/%/bootstrap) resolverwatch; do \
		name="$${binary%/bootstrap}"; \
		case $$binary in arm64/*) platform="GOOS=linux GOARCH=arm64";; *) platform=;; esac; \
		env $$platform $(TOOLS)/cyclonedx-gomod-$(CYCLONEDX_VERSION) bin -json -noserial -notimestamp -version "$$version" \
			-output "build/sbom/$${name##*/}.cdx.json" "bin/$$binary" || exit 1; \
	done
	@grep -c '"type": "library"' build/sbom/*.cdx.json | sed 's/:/: modules /'

$(TOOLS)/cyclonedx-gomod-$(CYCLONEDX_VERSION):
	GOBIN="$(CURDIR)/$(TOOLS)" go install github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@$(CYCLONEDX_VERSION)
	mv $(TOOLS)/cyclonedx-gomod $@

.PHONY: release

release: $(TOOLS)/cyclonedx-gomod-$(CYCLONEDX_VERSION) ## build the archives of the command for Linux, macOS and Windows from COMMIT (HEAD) into build/release; VERSION names the release
	rm -rf build/release
	go run ./internal/release -out build/release -commit "$(or $(COMMIT),HEAD)" -version "$(VERSION)" -sbom $<

# The published template. Node 20 still synthesizes, so its banner of eleven lines is left out.
.PHONY: template template-python

template: node ## write the published template and the zip files of the functions into dist/
	rm -rf dist
	@JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20 go run ./infra/template/publish -out dist

template-python: template ## load the published template with the Python CDK (skipped without Python)
	@if python3 -c 'import venv, ensurepip' 2>/dev/null; then \
		$(MAKE) --no-print-directory $(TOOLS)/template/installed && \
		JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20 $(TOOLS)/template/bin/python test/template/test_include.py dist; \
	else echo "skipped: no python3 on the PATH, or it cannot make virtual environments"; fi

$(TOOLS)/template/installed: test/template/requirements.txt
	python3 -m venv --clear $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

clean: ## remove everything that was built
	rm -rf bin build cdk.out dist $(TOOLS)
