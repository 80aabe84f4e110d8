# Everything here needs only Go, unless its line of help says otherwise. `make help` lists it.

# The folders that `run` and `test` compile. The CDK app in infra/ is not among them: it has targets of its own.
PACKAGES := ./events/... ./functions/... ./local/... ./runtime/...
INFRA    := $(if $(wildcard infra/*.go),./infra/...)

# One binary per connector direction: functions/file/source becomes file-source.
MAINS     := $(wildcard functions/*/source/main.go functions/*/sink/main.go functions/control/main.go)
FUNCTIONS := $(subst /,-,$(patsubst functions/%/main.go,%,$(MAINS)))

# Converters with a schema registry are in a second build of every connector, file-source-registry, so that only those pay
# for them whose configuration names one.
REGISTRY := $(addsuffix -registry,$(filter-out control,$(FUNCTIONS)))

BUILD = CGO_ENABLED=0 go build -buildvcs=false -trimpath -tags lambda.norpc$(TAGS) -ldflags "-s -w"
TOOLS := $(CURDIR)/.build/tools
LINT  := $(TOOLS)/golangci-lint-v2.15.0
VULN  := $(TOOLS)/govulncheck-v1.9.0

# The CDK's command line, pinned: later major versions do not read what the library writes.
CDK := $(TOOLS)/aws-cdk-2.1148.1/node_modules/.bin/cdk

# What functions are built for: arm64, which is cheaper, but to synthesise for SAM, which runs them on this machine.
ARCH   ?= arm64
GOARCHES = $(if $(filter x86_64,$(ARCH)),amd64,$(ARCH))
HOST   := $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,x86_64)

# Settings: make run ARGS="--no-demo", make fuzz FUZZTIME=1m, make soak ROUNDS=50 SEED=7, make bench BENCH=Scan
ARGS     ?=
FUZZTIME ?= 10s
BENCH    ?= .
ROUNDS   ?= 1000
DATABASES := mysql,mariadb,postgres
SERVERS  ?= mysql,mariadb,postgres,hdfs,hdfs-kerberos,s3,registry,moto
SEED     := $(or $(SEED),$(shell date +%s))

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this help
	@echo "Sluice: Kafka Connect without the cluster. Targets:"
	@sed -n 's/^\([a-z/%-]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-20s %s\n", $$1, $$2 }'

# The demo needs few of the functions, and the others take a while to compile for the first time.
.PHONY: run
run: $(if $(strip $(ARGS)),build,sluice build-file-source build-file-sink build-datagen-source) ## Run the demo on this machine; ARGS="connector.json ..." builds every function and runs yours
	.build/sluice up $(ARGS)

.PHONY: build sluice
build: sluice $(addprefix build-,$(FUNCTIONS) $(REGISTRY)) ## Build the desk and every function into .build/
sluice $(addprefix build-,$(REGISTRY)): TAGS := ,registry
sluice:
	$(if $(wildcard local/main.go),$(BUILD) -o .build/sluice ./local)

build-%-registry:
	$(BUILD) -o .build/functions/$*-registry/bootstrap ./functions/$(subst -,/,$*)

build-%: ## Build one function, for example build-file-source; GOARCH=arm64 for Lambda
	$(BUILD) -o .build/functions/$*/bootstrap ./functions/$(subst -,/,$*)

.PHONY: build/lambda build/infra
build/lambda: $(addprefix .build/lambda/$(ARCH)/,$(FUNCTIONS) $(REGISTRY)) ## Build every function for Lambda, ARCH=arm64 or x86_64
$(addprefix .build/lambda/$(ARCH)/,$(REGISTRY)): TAGS := ,registry
.build/lambda/$(ARCH)/%-registry: .FORCE
	GOOS=linux GOARCH=$(GOARCHES) $(BUILD) -o $@/bootstrap ./functions/$(subst -,/,$*)
.build/lambda/$(ARCH)/%: .FORCE
	GOOS=linux GOARCH=$(GOARCHES) $(BUILD) -o $@/bootstrap ./functions/$(subst -,/,$*)

build/infra: build/lambda ## Build the CDK app and the functions it deploys; cdk.json calls it
	go build -trimpath -o .build/sluice-infra ./infra/app

.PHONY: .FORCE
.FORCE:

.PHONY: synth
synth: $(CDK) sam-env ## Make the CloudFormation template in .build/cdk.out, for this machine's architecture, so that SAM can invoke it
	cd infra && ARCH=$(HOST) $(CDK) synth --quiet $(ARGS)

.PHONY: bootstrap
bootstrap: $(CDK) ## Prepare an AWS account and region for the CDK, once
	cd infra && ARCH=$(ARCH) $(CDK) bootstrap $(ARGS)

# Where containers reach this machine: Docker's bridge, if there is one.
DESK := $(or $(shell ip -4 -o addr show docker0 2>/dev/null | sed -n 's/.* inet \([0-9.]*\).*/\1/p'),127.0.0.1)

.PHONY: local sam-env
local: sluice build-datagen-source build-file-sink sam-env ## Run the shipped connectors beside a broker and a table that SAM's containers reach
	@echo "broker $(DESK):9092, table http://$(DESK):8000, as .build/sam-env.json tells SAM"
	.build/sluice up --kafka $(DESK):9092 --table $(DESK):8000 $(ARGS) infra/connectors/demo-*.json
sam-env:
	@mkdir -p .build
	@printf '{"Parameters": {"SLUICE_TABLE": "sluice", "SLUICE_CLIENT": "{\\"bootstrap.servers\\": \\"%s:9092\\"}", "SLUICE_WORKER": "{}", "AWS_ENDPOINT_URL_DYNAMODB": "http://%s:8000", "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}}\n' $(DESK) $(DESK) > .build/sam-env.json

.PHONY: event
event: ## Make an event of a Kafka trigger: ARGS="--topic demo" or ARGS="--lines FILE"
	@$(MAKE) --silent sluice >&2
	@.build/sluice event --brokers $(DESK):9092 $(ARGS)

.PHONY: deploy
deploy: $(CDK) ## Deploy to AWS: make deploy ARGS="--parameters KafkaBrokers=broker:9092"
	cd infra && ARCH=$(ARCH) $(CDK) deploy $(ARGS)

.PHONY: destroy
destroy: $(CDK) ## Remove the stack from AWS; its table stays, unless it was deployed with ARGS="-c retain=false"
	cd infra && ARCH=$(ARCH) $(CDK) destroy $(ARGS)

.PHONY: test
test: ## Run the tests
	go test $(PACKAGES)

.PHONY: test/race
test/race: ## Run the tests with the race detector; needs a C compiler
	CGO_ENABLED=1 go test -race -timeout 30m $(PACKAGES)

.PHONY: test/integration
test/integration: ## Run the tests with real servers beside them; needs Java 21, Maven and, for what is missing, apt-get
	local/reference/servers run --connect --with $(SERVERS) -- go test -count=1 -timeout 30m $(PACKAGES)

.PHONY: test/infra
test/infra: ## Run the tests of the CDK app; needs Node
	CDK_VALIDATION=false go test -timeout 20m $(INFRA)

.PHONY: test/aws
test/aws: $(CDK) ## Deploy to an emulator of AWS, use what was deployed, and destroy it; needs Node and Python 3
	$(MAKE) build/infra ARCH=$(HOST)
	SLUICE_TEST_AWS=1 SLUICE_TEST_CDK=$(CDK) go test -count=1 -timeout 40m -v ./local/aws

.PHONY: measure
measure: ## Measure functions under the share of a processor that their memory buys, as root, and reckon infra/COST.md from it
	$(MAKE) .build/lambda/$(HOST)/file-source .build/lambda/$(HOST)/file-sink ARCH=$(HOST)
	SLUICE_MEASURE=1 go test -count=1 -v -run UnderQuota ./local/aws -update
	go test -count=1 -run TestCost ./local/aws -update

.PHONY: soak
soak: ## Run the fault tests, TestFaults..., for ROUNDS rounds from SEED
	@echo "SEED=$(SEED)"
	SLUICE_ROUNDS=$(ROUNDS) SLUICE_SEED=$(SEED) go test -count=1 -timeout 0 -run ^TestFaults $(PACKAGES)

.PHONY: bench
bench: ## Run the benchmarks that match BENCH; with Java 17 and Maven beside Kafka, Kafka Connect and databases
	$(if $(and $(shell command -v java),$(shell command -v mvn)),SLUICE_REFERENCE_JVM=-XX:+UseG1GC SLUICE_REFERENCE_HEAP=1g local/reference/servers run --connect --with $(DATABASES),s3 --) \
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

$(CDK):
	npm install --silent --no-audit --no-fund --prefix $(TOOLS)/aws-cdk-2.1148.1 aws-cdk@2.1148.1

# The tools, built from source once. Their version is in their name, so that a newer one is not mistaken for an older.
$(LINT):
	GOBIN=$(TOOLS) GOFLAGS= go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
	mv $(TOOLS)/golangci-lint $@

$(VULN):
	GOBIN=$(TOOLS) GOFLAGS= go install golang.org/x/vuln/cmd/govulncheck@v1.9.0
	mv $(TOOLS)/govulncheck $@
