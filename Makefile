# SPDX-License-Identifier: Apache-2.0
# Each target works alone on a fresh Debian 12: it installs the packages it needs (as root; else it
# says which are missing), then builds. The build itself is CMake; see CMakePresets.json.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash
MAKEFLAGS += --no-print-directory

JOBS ?= $(shell nproc)
PYTHON ?= python3
# Test programs run this long or fail; the slowest takes a few seconds.
TEST_TIMEOUT_S ?= 300
FUZZ_SECONDS ?= 60
SOAK_SECONDS ?= 3600

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1|/' | \
	  column -t -s '|'

.PHONY: deps
deps: ## install the Debian packages the build needs
	@tools/install_deps.sh build

.PHONY: build
build: deps ## programs in build/bin/
	cmake --preset release
	cmake --build build --parallel $(JOBS)

.PHONY: demo
demo: build ## convert the bundled example model and show what came out
	@tools/demo.sh build/demo

.PHONY: test
test: build ## build and run all default tests (no network once built)
	ctest --test-dir build --parallel $(JOBS) --timeout $(TEST_TIMEOUT_S) --label-exclude interop \
	  --output-on-failure

.PHONY: interop
interop: build ## install the light peers (npm, PyPI) and compare with them live
	@tools/install_deps.sh interop
	tests/interop/run.sh build

.PHONY: check
check: build ## structural checks: layers, sizes, text, formatting, no test left out
	@tools/install_deps.sh lint
	$(PYTHON) tests/tools/test_checks.py
	$(PYTHON) tools/check_layers.py
	$(PYTHON) tools/check_text.py
	$(PYTHON) tools/check_sizes.py
	$(PYTHON) tools/check_tests_built.py build
	$(PYTHON) tools/check_programs.py build
	tools/check_format.sh

.PHONY: format
format: ## rewrite all C++ sources in the house format
	@tools/install_deps.sh lint
	tools/check_format.sh --fix

# All files take some minutes, so .ci/run leaves this out; FILES='lib/base/file.cc' narrows it.
.PHONY: tidy
tidy: deps ## clang-tidy on all sources, or on FILES='...'
	@tools/install_deps.sh lint
	cmake --preset dev
	tools/run_tidy.sh build/presets/dev $(FILES)

.PHONY: asan
asan: deps ## all tests under AddressSanitizer and UndefinedBehaviorSanitizer, built by clang
	@tools/install_deps.sh fuzz
	cmake --preset asan
	cmake --build build/presets/asan --parallel $(JOBS)
	ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1 \
	  ctest --test-dir build/presets/asan --parallel $(JOBS) --timeout 900 \
	  --label-exclude 'interop|memory' --output-on-failure

.PHONY: tsan
tsan: deps ## all tests under ThreadSanitizer, built by clang
	@tools/install_deps.sh fuzz
	cmake --preset tsan
	cmake --build build/presets/tsan --parallel $(JOBS)
	TSAN_OPTIONS=halt_on_error=1 \
	  ctest --test-dir build/presets/tsan --parallel $(JOBS) --timeout 900 \
	  --label-exclude 'interop|memory' --output-on-failure

.PHONY: fuzz
fuzz: deps ## each fuzz target for FUZZ_SECONDS (default 60), from its corpus
	@tools/install_deps.sh fuzz
	cmake --preset fuzz
	cmake --build build/presets/fuzz --parallel $(JOBS) \
	  --target $(patsubst fuzz/%.cc,%,$(wildcard fuzz/*_fuzz.cc))
	tools/run_fuzz.sh build/presets/fuzz $(FUZZ_SECONDS)

MLX_DIR ?= $(firstword $(wildcard $(CURDIR)/build/interop/venv/lib/python3*/site-packages/mlx))
.PHONY: mlx-backend
mlx-backend: build ## the library of --backend mlx, against MLX in MLX_DIR (docs/backends.md)
ifeq ($(MLX_DIR),)
	@tools/install_deps.sh interop
	tests/interop/install_peers.sh build
	$(MAKE) mlx-backend
else
	cmake -B build -DPAJAMAS_MLX_DIR=$(MLX_DIR)
	cmake --build build --parallel $(JOBS) --target pajamas_mlx
endif

.PHONY: bench-quantize
bench-quantize: build ## speed and memory against llama.cpp on a 1B-shaped model (2.5 GB of disk)
	@tools/install_deps.sh interop
	tests/interop/install_peers.sh build
	cmake --build build --parallel $(JOBS) --target bench_programs
	build/interop/venv/bin/python bench/quantize.py --build build $(BENCH_ARGS)

.PHONY: bench-run
bench-run: build ## speed of the runtime against llama.cpp, 1B-shaped models (13 GB of disk)
	@tools/install_deps.sh interop
	tests/interop/install_peers.sh build
	cmake --build build --parallel $(JOBS) --target bench_programs
	build/interop/venv/bin/python bench/run.py --build build $(BENCH_ARGS)

.PHONY: bench-validate
bench-validate: build ## speed of perplexity over a text against llama.cpp, 1B-shaped (6 GB of disk)
	@tools/install_deps.sh interop
	tests/interop/install_peers.sh build
	cmake --build build --parallel $(JOBS) --target bench_programs
	build/interop/venv/bin/python bench/validate.py --build build $(BENCH_ARGS)

.PHONY: bench-mlx
bench-mlx: build ## speed of MLX folders against GGUF files of their size (15 GB of disk)
	cmake --build build --parallel $(JOBS) --target bench_programs
	$(PYTHON) bench/mlx.py --build build $(BENCH_ARGS)

.PHONY: bench-tokenize
bench-tokenize: build ## encoding speed against the tokenizers library, both on one thread
	@tools/install_deps.sh interop
	tests/interop/install_peers.sh build
	cmake --build build --parallel $(JOBS) --target tokenize_bench
	build/interop/venv/bin/python bench/tokenization.py --build build $(BENCH_ARGS)

.PHONY: bench-serve
bench-serve: build ## the server's speed with one client and with 16, against llama.cpp (4 GB of disk)
	@tools/install_deps.sh interop
	tests/interop/install_peers.sh build
	cmake --build build --parallel $(JOBS) --target bench_programs
	$(PYTHON) bench/serve.py --build build $(BENCH_ARGS)

.PHONY: soak
soak: build ## good, bad and broken clients at the server for SOAK_SECONDS (default an hour)
	$(PYTHON) tests/e2e/serve_soak.py build examples/tiny-storyteller --seconds $(SOAK_SECONDS)

.PHONY: clean
clean: ## remove build/
	rm -rf build
