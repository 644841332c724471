# `make demo`  every set-up step, then the main job end to end, then the app (Ctrl-C to stop)
# `make test`  every set-up step, then every check
# `make help`  the rest
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# One build serves demo and tests: the same folder, the same flags, always.
export CARGO_TARGET_DIR ?= $(HOME)/.cache/viralcast/target
BUILD := --locked --workspace --bins --tests
VIRALCAST := $(CARGO_TARGET_DIR)/debug/viralcast
RELEASE := $(CARGO_TARGET_DIR)/release/viralcast

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 18

.PHONY: setup
setup: ## what the machine must have: Rust, PostgreSQL's binaries, Redis for the tests
	@scripts/setup

.PHONY: build
build: setup ## the one build
	cargo build $(BUILD)

.PHONY: demo
demo: build ## the main job on the demo world and on a real restaurant, then the app until Ctrl-C
	$(VIRALCAST) demo

.PHONY: lint
lint: setup ## format and lints
	cargo fmt --all --check
	cargo clippy --quiet $(BUILD) -- --deny warnings

.PHONY: test
test: lint web build ## every check; ends with the test runner's summary
	@scripts/test $(BUILD)

.PHONY: web
web: ## the web's client of the API: as the document is now, typed, tested
	@scripts/test-web

.PHONY: release
release: setup ## the thin-LTO binary that speed targets refer to
	cargo build --locked --release --workspace --bins

.PHONY: bench
bench: release ## whole jobs with the release binary, criterion on the shared build; figures go to docs/benchmarks.md
	@scripts/bench $(RELEASE)
	cargo bench --locked --profile dev --workspace --bench features --bench panel -- --noplot

.PHONY: bench-accuracy
bench-accuracy: $(if $(VIRALCAST_PANELS),build) ## accuracy on real panels: VIRALCAST_PANELS=DIR
	@scripts/bench-accuracy $(VIRALCAST)

.PHONY: bench-queue
bench-queue: release ## the job queue beside its peers, on a private PostgreSQL; figures go to docs/benchmarks.md
	@scripts/bench-queue/run scripts/bench-queue/viralcast

.PHONY: bench-backfill
bench-backfill: build ## planning and looking at 1.1 million partitions; figures go to docs/benchmarks.md
	@scripts/bench-backfill $(VIRALCAST) $(BUILD)

.PHONY: bench-api
bench-api: setup ## the API beside bare axum and bare PostgreSQL, release binary; figures go to docs/benchmarks.md
	cargo build --locked --release --workspace --bins --examples
	@scripts/bench-api $(RELEASE) $(dir $(RELEASE))examples

.PHONY: chaos
chaos: build ## programs, connections, clocks and the database fail for ROUNDS rounds; a ledger watches
	CHAOS_ROUNDS=$${ROUNDS:-20} CHAOS_SEED=$${SEED:-$$RANDOM} cargo nextest run --no-capture $(BUILD) -E 'test(every_effect_once)'

.PHONY: storm
storm: build ## ten thousand payment webhooks (DELIVERIES), many times each and in no order; a ledger watches
	PAYMENT_STORM=$${DELIVERIES:-10000} cargo nextest run --no-capture $(BUILD) -E 'test(a_storm_of_webhooks)'

.PHONY: fuzz
fuzz: build ## a million broken documents for each parser (EXECUTIONS, SEED)
	FUZZ_EXECUTIONS=$${EXECUTIONS:-1000000} FUZZ_SEED=$${SEED:-$$RANDOM$$RANDOM} cargo nextest run --profile fuzz $(BUILD) -E 'test(fuzz::)'

.PHONY: fuzz-api
fuzz-api: build ## the API's document against the server, every check of schemathesis (EXAMPLES)
	@scripts/fuzz-api $(VIRALCAST)

.PHONY: bench-reparse
bench-reparse: build ## three years of five hundred regions parsed again by programs that die; figures go to docs/benchmarks.md
	LANDED_REGIONS=$${REGIONS:-500} LANDED_DAYS=$${DAYS:-1095} LANDED_LIFE=$${LIFE:-15000} LANDED_AT_ONCE=2 LANDED_SECONDS=7000 cargo nextest run --profile fuzz --no-capture $(BUILD) -E 'test(landed_records)'

.PHONY: bench-bulk
bench-bulk: setup ## ten million order lines beside a bare COPY (release profile); figures go to docs/benchmarks.md
	cargo bench --locked -p viralcast-ingest --bench bulk -- --rows $${ROWS:-10000000}

.PHONY: sql
sql: setup ## re-check every SQL statement against the migrations and rewrite .sqlx/
	@scripts/prepare-sql.sh

.PHONY: audit
audit: ## advisories, licenses and bills of materials (target/sbom) of all libraries; needs the internet
	@scripts/audit target/sbom

.PHONY: sizes
sizes: ## lines a file: median, 90th percentile, greatest
	@git ls-files '*.rs' '*.sql' | grep -v '/snapshots/' | xargs wc -l | awk '$$2 != "total" { print $$1 }' | sort -n \
	  | awk '{ n[NR] = $$1 } END { print "files", NR, " median", n[int((NR + 1) / 2)], " p90", n[int(NR * 0.9)], " max", n[NR] }'
