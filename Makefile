# Type `make` to see what there is. Nothing but a Rust toolchain (rustup) has to be installed before.

SHELL := /bin/bash
.ONESHELL:
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory

DIR ?= examples/quickstart
FUZZ_SECONDS ?= 60
stage := scripts/stage

# One selection of packages and one profile for everything, so that nothing is compiled twice.
cargo := cargo
tests := $(cargo) test --quiet --workspace
# Test binaries of e2e that need real Hadoop or take long; a NAME runs as `make e2e-NAME`.
real := hadoop dfs side_protocols differential quota placement cli_local cli_external native_local native_external contract bad_input live_edit corruption membership zookeeper mixed_fleet admin jmx store_scale store_away failover jobs identity
# Those that compare latencies, and so have the processors to themselves.
timed := isolation
# Those in a cluster: make kube-up first.
kube := sidecar operator chart fleet

.PHONY: help deps deps-build build run test test-fast test-slow test-kube fmt fmt-check lint generated unit bench bench-build bench-check kill9 faults fuzz kube-up kube-down deny clean
.DEFAULT_GOAL := help

help: ## this list
	@echo "Anabranch: HDFS router-based federation. Targets:"
	sed -nE 's/^([a-z-]+):.*## (.*)/  \1\t\2/p' Makefile | expand -t 16
	echo "  e2e-NAME      one suite with real clients; NAME is one of: $(real);"
	echo "                after make kube-up also of: $(kube)"

deps: ## what tests and benchmarks need beside a Rust toolchain: libclang, a JDK, Maven, RocksDB
	@scripts/deps build java
	scripts/rocksdb

deps-build: ## what the build needs: libclang, RocksDB
	@scripts/deps build
	scripts/rocksdb

build: deps-build ## all programs, into target/debug
	@$(cargo) build --workspace --bins

run: deps-build ## build, then one router, two embedded subclusters: DIR=examples/quickstart
	@$(cargo) build --package anabranch-cli
	exec target/debug/anabranch local -f $(DIR)

test: ## everything, fast things first
	@rm -f target/stages
	trap '$(stage) --summary' EXIT
	$(MAKE) test-fast
	$(MAKE) test-slow

test-fast: deps ## formatting, lints, generated files, unit and process tests
	@$(stage) fmt $(MAKE) fmt-check
	$(stage) lint $(MAKE) lint
	$(stage) build $(cargo) build --workspace --all-targets
	$(stage) generated $(MAKE) generated
	$(stage) unit $(MAKE) unit

test-slow: deps ## real clients, the FileSystem contract, CPU per call, fuzzing, a real cluster
	@scripts/deps kube
	failed=0
	# Tests wait much of the time. What only computes has the processors meanwhile, in the order in which it is waited for.
	aside() {
		local failed=0
		$(stage) --aside kube-build e2e/kube/build || failed=1
		$(stage) --aside bench-build $(MAKE) bench-build || failed=1
		$(stage) --aside fuzz $(MAKE) fuzz || failed=1
		return $$failed
	}
	set -m # which gives it a process group of its own
	aside & aside=$$!
	set +m
	trap 'kill -- -$$aside 2>/dev/null || true' EXIT
	for suite in $(real); do $(stage) $$suite $(MAKE) e2e-$$suite || failed=1; done
	for other in kill9 faults bench-check; do $(stage) $$other $(MAKE) $$other || failed=1; done
	# What runs in a cluster is measured against the clock.
	wait $$aside || failed=1
	for suite in $(timed); do $(stage) $$suite $(MAKE) e2e-$$suite || failed=1; done
	$(MAKE) test-kube || failed=1
	exit $$failed

test-kube: ## the suites in a real cluster, which needs root
	@if [ "$$(id -u)" != 0 ] && [ -z "$${CI:-}" ]; then echo "left out, for they need root: $(kube)"; exit; fi
	failed=0
	trap e2e/kube/down EXIT
	$(stage) kube-up $(MAKE) kube-up
	for suite in $(kube); do $(stage) $$suite $(MAKE) e2e-$$suite || failed=1; done
	exit $$failed

unit:
	@$(tests) --exclude anabranch-e2e
	$(tests) --test arrows --test licences --test descriptors

# The suites start our programs, which cargo builds only when it is told to.
e2e-%:
	@$(cargo) build --quiet --workspace --all-targets
	$(tests) --test $*

fmt: ## format all code
	@$(cargo) fmt --all

fmt-check:
	@$(cargo) fmt --all --check

lint: ## clippy, warnings are errors
	@$(cargo) clippy --quiet --workspace --all-targets -- -D warnings

generated: ## fails when a generated file differs from what the code generates
	@$(cargo) build --quiet --workspace --all-targets
	for what in proto crds docs; do target/debug/xtask $$what --check; done

kill9: ## SIGKILL under load, hundreds of times: nothing acknowledged may be lost
	@KILLS=300 $(tests) --test kill9

faults: ## seeded faults at the state stores: nothing acknowledged may be lost, and no watcher may miss a change
	@SEEDS=300 $(tests) --lib seeds
	SEEDS=100 $(tests) --test store kill_9
	SEEDS=20 $(tests) --test store a_full_disk_loses
	SEEDS=100 $(tests) --test rocksdb
	SEEDS=100 $(tests) --test zookeeper nothing_acknowledged

fuzz: ## each parser for a minute (FUZZ_SECONDS)
	@scripts/fuzz $(FUZZ_SECONDS)

bench: deps bench-build ## a NameNode, the Java router and ours, side by side
	@target/release/anabranch-bench

bench-build:
	@$(cargo) build --release --quiet --bin anabranch-router --bin anabranch-bench

bench-check: bench-build ## one short round: at most a fifth of the Java router's CPU for a forwarded getFileInfo
	@target/release/anabranch-bench --check

deny: ## licences, bans and sources with cargo-deny, if it is installed (the tests check the essence without it)
	@command -v cargo-deny >/dev/null || { echo "cargo install cargo-deny --locked"; exit 1; }
	$(cargo) deny check

kube-up: ## a Kubernetes cluster for tests and for trying things; prints where its kubeconfig is
	@scripts/deps kube
	e2e/kube/build
	echo "export KUBECONFIG=$$(e2e/kube/up)"

kube-down: ## end the cluster
	@e2e/kube/down

clean: ## all that was built; the cache of downloads stays
	@[ ! -e target/kube ] || e2e/kube/down
	$(cargo) clean
