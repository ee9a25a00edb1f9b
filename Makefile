# "make help" lists the targets. Go is all that make run needs; make test fetches the rest by itself: see .ci/tools.

# Neither the Runtime API nor the SDK needs HTTP/2, which would add 0.4 MB to each function.
# The commit goes in by COMMIT alone, so that the same source gives the same bytes with and without a .git: make reproducible.
BUILD = go build -tags lambda.norpc,nethttpomithttp2 -trimpath -buildvcs=false -ldflags="-s -w -X deltag/internal/config.Build=$(COMMIT)"
COMMIT = $(or $(shell git describe --always --abbrev=12 --exclude='*' --dirty=+ 2>/dev/null),unknown)
LAMBDA = CGO_ENABLED=0 GOOS=linux GOARCH=arm64
VENV = .cache/venv/bin
RACE = $(if $(filter 1,$(shell go env CGO_ENABLED)),-race)

# How tests find what .ci/tools has fetched; empty where that is missing.
export DELTAG_DYNAMODB_LOCAL = $(if $(shell cat .cache/dynamodb-local/ready 2>/dev/null),$(CURDIR)/.cache/dynamodb-local)
export DELTAG_AXE = $(if $(shell cat .cache/axe/ready 2>/dev/null),$(CURDIR)/.cache/axe/axe.min.js)
export DELTAG_HTML_CHECKER = $(if $(shell cat .cache/html-checker/ready 2>/dev/null),$(CURDIR)/.cache/html-checker)
export DELTAG_CHROMIUM = $(shell cat .cache/chromium 2>/dev/null)
export DELTAG_EVENT_RULER = $(if $(shell cat .cache/event-ruler/ready 2>/dev/null),$(CURDIR)/.cache/event-ruler)
export DELTAG_CHECKOV = $(if $(shell cat .cache/checkov/ready 2>/dev/null),$(CURDIR)/.cache/checkov/bin/checkov)
export DELTAG_PYTHON = $(and $(wildcard .cache/venv/ready),$(wildcard $(CURDIR)/$(VENV)/python))
export DELTAG_SCHEMATHESIS = $(and $(wildcard .cache/venv/ready),$(wildcard $(CURDIR)/$(VENV)/schemathesis))
export DELTAG_MOTO = $(and $(wildcard .cache/venv/ready),$(wildcard $(CURDIR)/$(VENV)/moto_server))
export SAM_CLI_TELEMETRY = 0

.PHONY: help run test check lint unit template bench rush benchmarks contract schemathesis fuzz soak mutants vuln build \
	reproducible sbom invoke update deploy doctor stage clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 14

run: ## the whole system on this machine: http://127.0.0.1:8080
	go run ./cmd/local

test: ## everything; fetches what it needs, and names what it could not run
	@.ci/tools
	@$(MAKE) --no-print-directory check; result=$$?; .ci/tools left && exit $$result

check: lint unit template ## the same with what is there

lint:
	@test -z "$$(gofmt -l $$(go list -f '{{.Dir}}' ./...) | tee /dev/stderr)"
	go vet ./...
	go tool staticcheck ./...
	go run github.com/rhysd/actionlint/cmd/actionlint@v1.7.12 .github/workflows/*.yml
	go mod tidy -diff
	@sources() { find . -name '*.go' -not -path './.*' -exec cat {} + | cksum; }; before=$$(sources); \
		go generate ./... && test "$$before" = "$$(sources)" || { echo "generated code was out of date; look at it and commit it"; exit 1; }

# Everything, and then what runs in one process once more with the race detector, which makes it three to ten times slower:
# on the embedded engine alone, without browsers, and with fewer cases of what is repeated.
unit:
	go test -shuffle=on -timeout 30m ./...
	$(if $(RACE),$(foreach tool,$(filter DELTAG_%,$(.VARIABLES)),$(tool)=) CI= go test $(RACE) -short -shuffle=on -timeout 30m ./internal/...)

template:
	@if [ ! -e .cache/venv/ready ]; then echo "not run: template checks (make test sets them up)"; exit; fi; \
		echo "cfn-lint, sam validate, sam build"; $(VENV)/cfn-lint template.yaml && \
		AWS_DEFAULT_REGION=eu-north-1 $(VENV)/sam validate --lint >/dev/null && \
		{ $(SAM_BUILD) >.cache/sam-build.log 2>&1 || { cat .cache/sam-build.log; exit 1; }; }

# In the source folder, as sam would otherwise copy it, .cache and all, once for each function.
SAM_BUILD = $(VENV)/sam build --build-in-source

bench: build ## the benchmarks; fetches DynamoDB Local, or says that it is missing
	@.ci/tools dynamodb-local; .ci/tools left
	@$(MAKE) --no-print-directory benchmarks

rush: ## 2,000 sign-ups at once and within 10 s, in virtual time: the figures of docs/scaling.md
	DELTAG_TEST_RUSH=yes go test -count 1 -run '^TestRush$$' -v ./internal/dynamo

benchmarks: # in a make of its own, which sees what was just fetched
	go test -run '^$$' -bench . -benchmem -timeout 60m ./...

contract: ## openapi.yaml against a running server, EXAMPLES=1000 for each operation
	@.ci/tools venv; .ci/tools left
	@DELTAG_EXAMPLES=$(or $(EXAMPLES),1000) $(MAKE) --no-print-directory schemathesis

schemathesis: # in a make of its own, which sees what was just fetched
	go test -run '^TestContract$$' -count 1 -v -timeout 3h ./cmd/local

fuzz: ## each fuzz test for 20 seconds
	@go test -list '^Fuzz' ./... | awk '/^Fuzz/ {names[n++] = $$1} /^ok/ {while (n) print $$2, names[--n]}' | \
		while read -r package name; do go test -run '^$$' -fuzz "^$$name$$" -fuzztime 20s -fuzzminimizetime 100x "$$package" || exit; done

soak: ## the property tests, CHECKS=10000 histories each
	go test -timeout 6h $$(go list -f '{{range .TestImports}}{{if eq . "pgregory.net/rapid"}}{{$$.ImportPath}}{{end}}{{end}} \
		{{range .XTestImports}}{{if eq . "pgregory.net/rapid"}}{{$$.ImportPath}}{{end}}{{end}}' ./...) -rapid.checks=$(or $(CHECKS),10000)

mutants: ## changes the rules one by one, and shows what no test notices: make mutants PACKAGES=internal/mailer
	@.ci/mutants $(or $(PACKAGES),internal/deltag)

vuln: ## known vulnerabilities, from Go's database on the internet
	@go tool govulncheck ./... || { result=$$?; [ $$result = 3 ] || \
		echo "nothing was checked: govulncheck needs https://vuln.go.dev, or a copy of it: go tool govulncheck -db file:///…" >&2; exit $$result; }

build: ## the functions as AWS runs them, into .build/
	$(LAMBDA) $(BUILD) -o .build/ ./functions/...
	@ls -l .build

# Called by sam build. A version of a function keeps the parameters that it was published with, and one is published only if
# this folder has changed: so it has a sum of the template and the parameters.
PARAMETERS ?= samconfig.toml
build-%Function:
	$(LAMBDA) $(BUILD) -o $(ARTIFACTS_DIR)/bootstrap ./functions/$(shell echo $* | tr A-Z a-z)
	cat template.yaml $(wildcard $(PARAMETERS)) | cksum >$(ARTIFACTS_DIR)/configuration

invoke: ## hand a function an event: make invoke FUNCTION=site EVENT=events/....json
	@go run ./cmd/invoke $(FUNCTION) $(EVENT)

update: ## write the golden files anew
	go test $$(grep -rlE --include='*_test.go' 'flag.Bool\("update"|internal/testing/golden' cmd functions internal | xargs -n1 dirname | sort -u | sed 's,^,./,') -update

# Variables given to make, but for STAGE: parameters of template.yaml. Their values are in the environment.
GIVEN = $(filter-out STAGE,$(foreach name,$(.VARIABLES),$(if $(filter command,$(origin $(name))),$(name))))

deploy: stage ## build and deploy: make deploy STAGE=prod MailFrom=deltag@example.dk Organisers=anna@example.dk (the first time)
	@.ci/tools venv; .ci/tools left; [ -x $(VENV)/sam ]
	go run ./cmd/doctor -stage $(STAGE) -before-deploy .build/parameters.yaml $(GIVEN)
	PARAMETERS=.build/parameters.yaml $(SAM_BUILD)
	$(VENV)/sam deploy --config-env $(STAGE) --parameter-overrides file://.build/parameters.yaml

doctor: stage ## what a deployment lacks, and what to do: make doctor STAGE=prod (TEST_MAIL=yes sends three test mails, too)
	@go run ./cmd/doctor -stage $(STAGE) $(if $(TEST_MAIL),-test-mail)

stage:
	@case "$(STAGE)" in dev|prod) ;; *) echo "STAGE is missing: STAGE=prod, or STAGE=dev for a try (no alarms)" >&2; exit 2;; esac

reproducible: ## build twice, elsewhere and without the build cache: the same bytes? FUNCTIONS="site" for some
	@.ci/reproducible $(or $(FUNCTIONS),$(notdir $(wildcard functions/*)))

sbom: build ## what is linked into each function, with licences (CycloneDX), into .build/
	@for name in $(notdir $(wildcard functions/*)); do \
		go run github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0 bin -json -licenses -std -version $(COMMIT) \
			-output .build/$$name.cdx.json .build/$$name 2>.build/sbom.log || { cat .build/sbom.log; exit 1; }; done
	@ls .build/*.cdx.json

clean: ## remove what was built, not what was fetched or what make run keeps
	rm -rf .build .aws-sam
