# Everything here needs only Go, unless its line of help says otherwise. `make help` lists it.

# The folders that `run` and `test` compile. The CDK app in infra/ is not among them: it has targets of its own.
PACKAGES := ./events/... ./functions/... ./local/... ./runtime/...
INFRA    := $(if $(wildcard infra/*.go),./infra/...)

# One binary per connector direction: functions/file/source becomes file-source.
MAINS     := $(wildcard functions/*/source/main.go functions/*/sink/main.go functions/control/main.go)
FUNCTIONS := $(subst /,-,$(patsubst functions/%/main.go,%,$(MAINS)))

BUILD := CGO_ENABLED=0 go build -buildvcs=false -trimpath -tags lambda.norpc -ldflags "-s -w"
TOOLS := $(CURDIR)/.build/tools
LINT  := $(TOOLS)/golangci-lint-v2.15.0
VULN  := $(TOOLS)/govulncheck-v1.9.0

# Settings: make run ARGS="--no-demo", make fuzz FUZZTIME=1m, make soak ROUNDS=50 SEED=7, make bench BENCH=Scan
ARGS     ?=
FUZZTIME ?= 10s
BENCH    ?= .
ROUNDS   ?= 1000
SERVERS  ?= mysql,mariadb,postgres,hdfs,s3,registry
SEED     := $(or $(SEED),$(shell date +%s))

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this help
	@echo "Sluice: Kafka Connect without the cluster. Targets:"
	@sed -n 's/^\([a-z/%-]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-20s %s\n", $$1, $$2 }'

.PHONY: run
run: build ## Build all, then run the demo on this machine; ARGS="connector.json ..." runs yours
	.build/sluice up $(ARGS)

.PHONY: build sluice
build: sluice $(addprefix build-,$(FUNCTIONS)) ## Build the desk and every function into .build/
sluice:
	$(if $(wildcard local/main.go),$(BUILD) -o .build/sluice ./local)

build-%: ## Build one function, for example build-file-source; GOARCH=arm64 for Lambda
	$(BUILD) -o .build/functions/$*/bootstrap ./functions/$(subst -,/,$*)

.PHONY: test
test: ## Run the tests
	go test $(PACKAGES)

.PHONY: test/race
test/race: ## Run the tests with the race detector; needs a C compiler
	CGO_ENABLED=1 go test -race $(PACKAGES)

.PHONY: test/integration
test/integration: ## Run the tests with real servers beside them; needs Java 21, Maven and, for what is missing, apt-get
	local/reference/servers run --connect --with $(SERVERS) -- go test -count=1 -timeout 15m $(PACKAGES)

.PHONY: test/infra
test/infra: ## Run the tests of the CDK app; needs Node
	$(if $(INFRA),go test $(INFRA),@echo "there is no CDK app")

.PHONY: soak
soak: ## Run the fault tests, TestFaults..., for ROUNDS rounds from SEED
	@echo "SEED=$(SEED)"
	SLUICE_ROUNDS=$(ROUNDS) SLUICE_SEED=$(SEED) go test -count=1 -timeout 0 -run ^TestFaults $(PACKAGES)

.PHONY: bench
bench: ## Run the benchmarks that match BENCH; with Java 17 and Maven beside Kafka and Kafka Connect
	$(if $(and $(shell command -v java),$(shell command -v mvn)),SLUICE_REFERENCE_JVM=-XX:+UseG1GC SLUICE_REFERENCE_HEAP=1g local/reference/servers run --connect --) \
		go test -run '^$$' -bench '$(BENCH)' -benchmem $(PACKAGES)

.PHONY: fuzz
fuzz: ## Run every fuzz test for FUZZTIME
	.ci/fuzz $(FUZZTIME) $(PACKAGES)

.PHONY: lint
lint: $(LINT) ## Run the linters
	$(LINT) run $(PACKAGES) $(INFRA)

.PHONY: vuln
vuln: $(VULN) ## Look for known vulnerabilities in what is linked; needs the network
	$(VULN) $(PACKAGES)

.PHONY: fmt
fmt: $(LINT) ## Format the code
	$(LINT) fmt

.PHONY: generate
generate: ## Write what is generated
	go generate $(PACKAGES)

.PHONY: verify
verify: generate ## Check that what is generated is up to date
	go mod tidy -diff
	git diff --exit-code

.PHONY: clean
clean: ## Remove what was built; .sluice, the data of the desk, stays
	rm -rf .build

# The tools, built from source once. Their version is in their name, so that a newer one is not mistaken for an older.
$(LINT):
	GOBIN=$(TOOLS) GOFLAGS= go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
	mv $(TOOLS)/golangci-lint $@

$(VULN):
	GOBIN=$(TOOLS) GOFLAGS= go install golang.org/x/vuln/cmd/govulncheck@v1.9.0
	mv $(TOOLS)/govulncheck $@
