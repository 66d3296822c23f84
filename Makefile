# Everything a person types. `make` alone lists it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

export PATH := $(or $(CARGO_HOME),$(HOME)/.cargo)/bin:$(PATH)
export SPYHOP_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/spyhop
# Trunk fetches nothing: .ci/tools has put on PATH what it calls.
export TRUNK_OFFLINE := true

DEMO ?= $(or $(XDG_DATA_HOME),$(HOME)/.local/share)/spyhop/demo
LISTEN ?= 127.0.0.1:8080
TARGET := $(or $(CARGO_TARGET_DIR),target)
SPYHOP := $(TARGET)/debug/spyhop
PYTHON := $(SPYHOP_CACHE)/venv/bin/python
# The crates that build without a browser.
NATIVE := -p spyhop-api -p spyhop-signal -p spyhop-paint -p spyhop-gpu -p spyhop-model -p spyhop-config -p spyhop-train -p spyhop-words -p spyhop-split -p spyhop
PHASE := .ci/phase

# `dist/` is made before the program that carries it.
.NOTPARALLEL:
.PHONY: help serve demo app server test test-native test-program test-web test-python test-peers bench bench-stft bench-model bench-training bench-detect bench-tab bench-pyramid bench-hosting bench-previews bench-class train-upcall-small pictures check fmt

help: ## list what can be typed
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

serve: app server demo ## build everything and open the demo at http://127.0.0.1:8080/
	@$(SPYHOP) serve --data "$(DEMO)" --listen $(LISTEN)

app: ## build the web page into dist/
	@$(PHASE) tools .ci/tools rust wasm
	@$(PHASE) app .ci/build-app

server: ## build the spyhop program (with the page in it, where that is built)
	@.ci/tools rust
	@$(PHASE) server cargo build -p spyhop --bin spyhop

demo: server ## synthesise the demo recordings (once; what is there is kept)
	@$(PHASE) demo $(SPYHOP) demo "$(DEMO)"

check: ## formatting and lints
	@.ci/tools rust wasm
	@$(PHASE) fmt cargo fmt --all --check
	@$(PHASE) clippy cargo clippy $(NATIVE) -p spyhop-tests --all-targets -- -D warnings
	@$(PHASE) clippy-app .ci/wasm cargo clippy --profile web -p spyhop-app -p spyhop-listener -p spyhop-guide -p spyhop-workers --target wasm32-unknown-unknown -- -D warnings

fmt: ## format the code
	@cargo fmt --all

test: ## everything: lints, numbers, the program, Python's libraries, Chromium and Firefox
	@$(MAKE) check
	@$(MAKE) app
	@$(MAKE) test-native
	@$(MAKE) test-program
	@$(MAKE) test-python
	@$(MAKE) test-web

test-native: ## tests that need no browser
	@.ci/tools rust vulkan
	@$(PHASE) native-tests .ci/cargo-test $(NATIVE) -p spyhop-app -p spyhop-guide

test-program: ## the built program: its commands and what it serves
	@$(PHASE) server cargo build -p spyhop --bin spyhop
	@$(PHASE) program-tests .ci/cargo-test -p spyhop-tests --test cli --test api

test-python: ## the same numbers as libsndfile and scipy
	@.ci/tools rust cxx python
	@$(PHASE) server cargo build -p spyhop --bin spyhop
	@SPYHOP="$(SPYHOP)" $(PHASE) python-tests $(PYTHON) -m pytest -q -p no:cacheprovider tests/python

test-web: app ## the page in Chromium and Firefox
	@.ci/tools browser axe
	@$(PHASE) server cargo build -p spyhop --bin spyhop
	@$(PHASE) browser-tests .ci/cargo-test -p spyhop-tests --test browser --test firefox

test-peers: ## numbers of large outside packages (PyTorch, MLflow), compared with ours
	@.ci/tools rust peers
	@$(PHASE) server cargo build -p spyhop --bin spyhop
	@SPYHOP="$(SPYHOP)" $(SPYHOP_CACHE)/peers-venv/bin/python -m pytest -q -p no:cacheprovider tests/peers

bench: app bench-stft bench-model bench-training bench-detect bench-tab bench-pyramid bench-hosting bench-previews bench-class ## every figure of the README, side by side (some 40 minutes)
	@.ci/tools browser wavesurfer
	@$(PHASE) server cargo build -p spyhop --bin spyhop
	@$(PHASE) bench-page cargo run -q -p spyhop-tests --bin page-bench

bench-stft: ## the transform's speed beside scipy and PyTorch
	@.ci/tools rust wasm peers
	@$(PHASE) bench-stft .ci/bench-stft

bench-model: ## the network's speed beside PyTorch + transformers
	@.ci/tools rust peers
	@$(PHASE) server cargo build -p spyhop --bin spyhop
	@$(PHASE) bench-model cargo build -q -p spyhop-model --example ast_speed
	@$(PHASE) bench-model $(SPYHOP_CACHE)/peers-venv/bin/python tests/peers/bench_model.py $(TARGET)/debug/examples/ast_speed $(SPYHOP)

bench-detect: demo ## audio-hours an hour of the detectors over the demo
	@.ci/tools python
	@SPYHOP="$(SPYHOP)" $(PHASE) bench-detect $(PYTHON) tests/python/bench_detect.py "$(DEMO)"

bench-tab: app server ## a small network in a tab beside one thread of this machine
	@.ci/tools browser
	@$(PHASE) bench-tab cargo build -q -p spyhop-model --example ast_speed
	@$(PHASE) bench-tab cargo run -q -p spyhop-tests --bin tab-bench -- $(TARGET)/debug/examples/ast_speed

bench-training: server ## training's speed beside PyTorch + PEFT on the same cores
	@.ci/tools peers
	@SPYHOP="$(SPYHOP)" $(PHASE) bench-training $(SPYHOP_CACHE)/peers-venv/bin/python tests/peers/bench_training.py

# Seas that no demo shows: the detector that comes with Spyhop is trained on them, and on nothing else.
SEAS := 101 102 103 104 105 106 107 108 109 110 111 112 113 114 115 116
TRAINING := $(SPYHOP_CACHE)/upcall-small
train-upcall-small: server ## train the detector that comes with Spyhop (within an hour on two cores)
	@for seed in $(SEAS); do \
	    $(SPYHOP) demo "$(TRAINING)/seas/$$seed" --seed $$seed --only bank-in-march; done
	@$(SPYHOP) dataset tables "$(TRAINING)/seas" --config server/models/upcall-small.yaml --out "$(TRAINING)/windows.parquet"
	@$(PHASE) train-upcall-small $(SPYHOP) train --config server/models/upcall-small.yaml \
	    --set "preprocess.windows_path=$(TRAINING)/windows.parquet" --set "general.output_dir=$(TRAINING)/runs"

bench-pyramid: server ## the pyramid's speed beside scipy + numpy + zarr on two processes
	@.ci/tools python
	@SPYHOP="$(SPYHOP)" $(PHASE) bench-pyramid $(PYTHON) tests/python/bench_pyramid.py

bench-hosting: app server ## indexing, building, tiles and the page over thirty days
	@.ci/tools browser wrk
	@$(PHASE) bench-hosting cargo run -q -p spyhop-tests --bin hosting-bench

bench-previews: demo ## how long a chat waits for the picture of a link
	@.ci/tools python
	@SPYHOP="$(SPYHOP)" $(PHASE) bench-previews $(PYTHON) tests/python/bench_previews.py "$(DEMO)"

bench-class: server ## how fast 200 followers of a class are told, and what it costs
	@$(PHASE) bench-class cargo build -q -p spyhop-tests --bin class-bench
	@$(PHASE) bench-class $(TARGET)/debug/class-bench

pictures: app demo ## the README's pictures of the demo
	@.ci/tools browser
	@$(PHASE) pictures cargo run -q -p spyhop-tests --bin pictures -- "$(DEMO)" tests/pictures
