# tympan. `make help` lists what there is. Each target does all it needs on a machine with git, make and Rust.

CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)
PROGRAM := $(TARGET)/release/tympan
MODEL ?= models/esc50
CONFIG ?= config.toml
PREFIX ?= /usr/local
DESTDIR ?=
ARGS ?=

# Every cargo call that builds the torch feature goes through this: the same libtorch, so nothing is built twice.
with_libtorch = LIBTORCH=$$(scripts/libtorch.sh) && export LIBTORCH &&
unexport LIBTORCH_USE_PYTORCH

.PHONY: build demo run test test-core fuzz soak lint check bench bench-peers install uninstall clean help packages

build: packages ## build the program (release)
	$(with_libtorch) $(CARGO) build --release && echo "$$LIBTORCH" >$(PROGRAM).libtorch

demo: build ## hear the built-in soundscape at real-time pace; Ctrl-C ends it
	$(PROGRAM) run --source demo --model $(MODEL) $(ARGS)

run: build ## listen to the microphone, as CONFIG (config.toml) says
	$(PROGRAM) run --config $(CONFIG) $(ARGS)

bench: build ## measure latency by stage, and throughput
	$(PROGRAM) bench --model $(MODEL) $(ARGS)

bench-peers: packages ## compare with other runtimes (installs 7 GB, once); ARGS=--write writes docs/PERFORMANCE.md
	scripts/system-packages.sh peers
	benches/peers/run.sh --model $(MODEL) $(ARGS)

test: ## run all tests; ARGS='name' chooses some
	scripts/system-packages.sh build test
	$(with_libtorch) $(CARGO) test --no-fail-fast $(ARGS)

soak: ## a day of audio, many times faster than life, with faults at random; SPEED=150 SEED=1
	scripts/system-packages.sh build test
	$(with_libtorch) TYMPAN_SOAK_HOURS=24 TYMPAN_SOAK_SPEED=$(or $(SPEED),150) TYMPAN_SOAK_SEED=$(or $(SEED),1) \
	  $(CARGO) test --release --test soak -- --nocapture

test-core: ## run the tests that need no libtorch
	scripts/system-packages.sh build test
	$(CARGO) test --no-fail-fast --no-default-features $(ARGS)

fuzz: ## look for inputs that break it; ARGS='SECONDS_EACH TARGET…' (60 s, all)
	scripts/system-packages.sh build
	scripts/fuzz.sh $(ARGS)

lint: ## format, clippy with and without torch, documentation, unit: no warning allowed
	scripts/system-packages.sh build lint
	$(with_libtorch) scripts/lint.sh

check: lint test ## what to run before a commit

install: ## copy program, libraries, bundle, configuration and unit below PREFIX (/usr/local)
	scripts/install.sh install "$(PREFIX)" "$(DESTDIR)" "$(PROGRAM)"

uninstall: ## remove what install put there; a configuration that was edited stays
	scripts/install.sh uninstall "$(PREFIX)" "$(DESTDIR)"

clean: ## remove what was built; libtorch stays in the cache folder
	$(CARGO) clean

help: ## this list
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

packages:
	@scripts/system-packages.sh build
