# Nereid's commands. `make` alone lists them; CONTRIBUTING.md says when to use which.
#
# Fetched files live in a cache outside git: $NEREID_CACHE, else $XDG_CACHE_HOME/nereid, else ~/.cache/nereid.
# CARGO_TARGET_DIR is honoured.

PYTHON ?= python3
CARGO ?= cargo
BUILT := $(or $(CARGO_TARGET_DIR),target)
# Flags for the server of `make serve`, as in: make serve ARGS="--http-port 9000 --log-verbose 1"
ARGS ?=
# Flags for pytest, as in: make test-python PYTEST_ARGS="-k truncated -x"
PYTEST_ARGS ?=
# For `make fuzz`: seconds for each target, one of them instead of all, and a file that it is to run once.
TIME ?= 600
TARGET ?=
INPUT ?=
# For `make test-docker`: debug takes the binary that other tests have built; how large an image is with it means nothing.
PROFILE ?= release
# For `make image`: cpu or cuda.
KIND ?= cpu
# For `make bench-count`: why the counts are recorded; or the protocol that is looked at: http-json, http-binary, grpc.
WHY ?=
PROTOCOL ?=
# What `make bench` measures, one after the other.
PARTS ?= small footprint big compute batching

DENY_VERSION := 0.20.2
DENY = $(CACHE)/cargo-deny-$(DENY_VERSION)/bin/cargo-deny
TEST_BINARY = $(abspath $(BUILT))/debug/nereid
CACHE = $(shell $(PYTHON) tools/cache.py)
CUDA_REPORT = $(abspath $(BUILT))/cuda-tests.tsv

# ONNX Runtime 1.28.0 has no telemetry; a library that a user brings may.
export ORT_DISABLE_TELEMETRY := 1

.PHONY: help serve build fetch test test-rust test-python test-binary test-gpu test-deploy test-docker image pictures soak check deny ptx ptx-check bench bench-count bench-micro bench-pipeline fuzz mutants clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

serve: build ## build, then serve examples/models on ports 8000 (HTTP), 8001 (gRPC), 8002 (metrics)
	"$(BUILT)/release/nereid" --model-repository examples/models $(ARGS)

build: fetch ## build the server with optimisation: target/release/nereid
	$(CARGO) build --release --locked --package nereid
	@$(PYTHON) tools/fetch.py --library-beside "$(BUILT)/release"

fetch: ## fetch ONNX Runtime and the example models (once, 50 MB)
	@$(PYTHON) tools/fetch.py

test: test-rust test-python ## run every test

# What ran on the software CUDA device is told at the end, whether or not all went well.
test-rust: test-binary ## run the tests in Rust, those on the software CUDA device among them
	@$(PYTHON) tools/nvjpeg.py || echo "The tests against NVIDIA's own nvJPEG are skipped."
	@$(PYTHON) tools/tensorrt.py headers >/dev/null || echo "The comparison with TensorRT's headers is skipped."
	@rm -f "$(CUDA_REPORT)"
	export NEREID_ONNXRUNTIME_LIBRARY="$(abspath $(BUILT))/debug/libonnxruntime.so.1.28.0" && \
	  env $$($(PYTHON) tools/tensorrt.py cached) $$($(PYTHON) tools/onnxruntime_gpu.py cached) \
	  NEREID_CUDA_REPORT="$(CUDA_REPORT)" $(CARGO) test --locked --workspace; \
	  code=$$?; $(PYTHON) tools/cuda_report.py "$(CUDA_REPORT)"; exit $$code

test-python: test-binary ## run the tests that talk to the server as clients do, with stock ones
	@$(PYTHON) tools/font.py
	@$(PYTHON) tools/nvjpeg.py || echo "The tests against NVIDIA's own nvJPEG are skipped."
	@$(PYTHON) tools/jpeg_corpus.py || echo "The tests of the JPEG corpus are skipped."
	@$(PYTHON) tools/python_env.py tests/python/kserve_clients >/dev/null
	python="$$($(PYTHON) tools/python_env.py)" && env $$($(PYTHON) tools/onnxruntime_gpu.py cached) \
	  NEREID_BIN="$(TEST_BINARY)" "$$python" -m pytest tests/python $(PYTEST_ARGS)

# Exits with 77 where there is no GPU. Without cargo, what `python3 tools/gpu_tests.py --build` left is run.
test-gpu: ## run on this machine's GPU what a GPU is to pass, and write a report; ARGS=--software tries that without one
	@! command -v $(CARGO) >/dev/null || $(PYTHON) tools/gpu_tests.py --build
	@$(PYTHON) tools/gpu_tests.py $(ARGS)

test-deploy: test-binary ## run what deploy/ has: a real Envoy and Prometheus before servers, charts by helm, KServe's contract
	python="$$($(PYTHON) tools/python_env.py tests/deploy)" && \
	  NEREID_BIN="$(TEST_BINARY)" "$$python" -m pytest tests/deploy $(PYTEST_ARGS)

test-docker: $(if $(filter debug,$(PROFILE)),test-binary,build) ## build the container image for the CPU and run it, by Docker and by chroot; says what it cannot run
	python="$$($(PYTHON) tools/python_env.py tests/deploy)" && \
	  NEREID_BIN="$(abspath $(BUILT))/$(PROFILE)/nereid" "$$python" -m pytest tests/docker $(PYTEST_ARGS)

image: build ## build the container image nereid:latest; KIND=cuda for the one with CUDA (fetches 1.2 GB)
	$(PYTHON) tools/image.py $(KIND) "$(BUILT)/release/nereid" "$(BUILT)/image/$(KIND)"
	docker build --tag nereid$(if $(filter cuda,$(KIND)),:cuda) --file deploy/docker/$(KIND).Dockerfile "$(BUILT)/image/$(KIND)"

pictures: build ## draw the README's pictures anew: a real Prometheus scrapes a server that is asked for a minute
	python="$$($(PYTHON) tools/python_env.py tests/deploy)" && \
	  NEREID_BIN="$(abspath $(BUILT))/release/nereid" PYTHONPATH=tests/python:tools "$$python" tests/deploy/pictures.py

soak: test-binary ## let everything happen at once for a minute; SEED=... repeats what callers ask
	SOAK_SECONDS=60 $(CARGO) test --locked --package nereid --test soak -- --nocapture
	python="$$($(PYTHON) tools/python_env.py)" && \
	  SOAK_SECONDS=60 NEREID_BIN="$(TEST_BINARY)" "$$python" -m pytest tests/python/soak -s $(PYTEST_ARGS)

# The tests start the binary of the dev profile: its dependencies are those that `cargo test` builds anyway.
test-binary: fetch
	$(CARGO) build --locked --package nereid --package nereid-softcuda --package nereid-softnvinfer \
	  --package nereid-softnvjpeg --package nereid-softprovider --package nereid-softcudart
	@$(PYTHON) tools/fetch.py --library-beside "$(BUILT)/debug"

check: deny ptx-check ## run what CI checks beside the tests: format, lints, documentation, dependencies, PTX
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps

deny: ## check licences, sources and bans of the dependencies (the first time builds cargo-deny: 1 minute)
	@test -x "$(DENY)" || env -u CARGO_TARGET_DIR \
	  $(CARGO) install --locked --debug --version $(DENY_VERSION) --root "$(CACHE)/cargo-deny-$(DENY_VERSION)" cargo-deny
	"$(DENY)" --workspace --locked check bans licenses sources

ptx: ## compile the CUDA kernels to the PTX that is committed, and say what each needs (the first time 65 MB to fetch)
	@$(PYTHON) tools/ptx.py

ptx-check: ## check that the committed PTX is what its sources give, and that NVIDIA's assembler takes it for every GPU
	@$(PYTHON) tools/ptx.py --check

bench: build ## requests to the server, beside the real Triton (first: 130 MB to fetch); PARTS="small footprint big compute batching"
	$(CARGO) build --release --locked --package nereid-benches --bin echo
	python="$$($(PYTHON) tools/python_env.py benches/pipeline)" && for part in $(PARTS); do \
	  NEREID_BIN="$(abspath $(BUILT))/release/nereid" PYTHONPATH=benches:tools \
	  "$$python" benches/serving/$$part.py --logs "$(BUILT)/bench" $(ARGS) || exit; done

bench-micro: ## measure the pieces that every request passes through (optimised; compare runs on one quiet machine)
	$(CARGO) bench --locked --package nereid-benches $(ARGS)

bench-count: ## count instructions of a small request (valgrind); WHY="..." records them, PROTOCOL=grpc keeps a profile
	@$(PYTHON) tools/count.py $(if $(WHY),--record "$(WHY)") $(if $(PROTOCOL),--profile "$(PROTOCOL)")

bench-pipeline: build ## pictures prepared by clients and in the server, beside the real Triton (first: 130 MB to fetch)
	python="$$($(PYTHON) tools/python_env.py benches/pipeline)" && \
	  NEREID_BIN="$(abspath $(BUILT))/release/nereid" PYTHONPATH=benches "$$python" benches/pipeline/compare.py $(ARGS)

fuzz: ## look for inputs that break a decoder: TIME=600 (each), TARGET=name, INPUT=file to run one again
	@$(PYTHON) tools/fuzz.py --time "$(TIME)" $(TARGET) $(if $(INPUT),--input "$(INPUT)")

mutants: ## break the code on purpose, change by change, and see that a test fails; ARGS="word ..." takes some (first: a build)
	@$(PYTHON) tools/mutants.py $(ARGS)

clean: ## remove what was built; the cache of fetched files stays
	$(CARGO) clean
