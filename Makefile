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

.PHONY: build build-light demo demo-light run test test-light test-all fuzz soak lint check bench bench-peers install \
  install-light uninstall dist deb deb-torch wheel arm64 try-arm64 clean help packages

build: packages ## build the program, training included (release; fetches libtorch)
	$(with_libtorch) $(CARGO) build --release && echo "$$LIBTORCH" >$(PROGRAM).libtorch

build-light: packages ## build the program without training: nothing to fetch but crates
	$(CARGO) build --release --no-default-features && rm -f $(PROGRAM).libtorch

demo: build ## run on the built-in demo at real-time pace; Ctrl-C ends it
	$(PROGRAM) run --source demo --model $(MODEL) $(ARGS)

demo-light: build-light ## the same with the light build
	$(PROGRAM) run --source demo --model $(MODEL) $(ARGS)

run: build ## capture the microphone, as CONFIG (config.toml) says
	$(PROGRAM) run --config $(CONFIG) $(ARGS)

bench: build ## measure latency by stage, and throughput
	$(PROGRAM) bench --model $(MODEL) $(ARGS)

bench-peers: packages ## compare with other runtimes (installs 7 GB, once); ARGS=--write writes docs/PERFORMANCE.md
	scripts/system-packages.sh peers
	benches/peers/run.sh $(ARGS)

test: ## run the tests, but for those that take minutes; ARGS='name' chooses some
	scripts/system-packages.sh build test
	$(with_libtorch) $(CARGO) test --no-fail-fast $(ARGS)

test-light: ## the same for the build without libtorch
	scripts/system-packages.sh build test
	$(CARGO) test --no-fail-fast --no-default-features $(ARGS)

test-all: ## all tests: also the soak, power cuts, killed training runs, a real sound server and the flood
	$(MAKE) test ARGS='$(ARGS) -- --include-ignored'

soak: ## a day of audio, many times faster than life, with faults at random; SPEED=48 SEED=1
	scripts/system-packages.sh build test
	$(with_libtorch) TYMPAN_SOAK_HOURS=24 TYMPAN_SOAK_SPEED=$(or $(SPEED),48) TYMPAN_SOAK_SEED=$(or $(SEED),1) \
	  $(CARGO) test --release --test soak -- --nocapture

fuzz: ## look for inputs that break it; ARGS='SECONDS_EACH TARGET…' (60 s, all)
	scripts/system-packages.sh build
	scripts/fuzz.sh $(ARGS)

lint: ## format, clippy with and without torch, documentation, unit: no warning allowed
	scripts/system-packages.sh build lint
	$(with_libtorch) scripts/lint.sh

check: lint test-light test-all ## everything that has to pass before a commit

install: ## copy program, libraries, bundle, configuration and units below PREFIX (/usr/local)
	scripts/install.sh install "$(PREFIX)" "$(DESTDIR)" "$(PROGRAM)"

install-light: ## the same with the light build, which has no libraries
	scripts/install.sh install-light "$(PREFIX)" "$(DESTDIR)" "$(PROGRAM)"

uninstall: ## remove what install put there; a configuration that was edited stays
	scripts/install.sh uninstall "$(PREFIX)" "$(DESTDIR)"

dist: build-light ## pack the light build to unpack and run anywhere, as TARGET/packages/tympan-VERSION-…tar.gz
	scripts/system-packages.sh package
	packaging/archive.sh $(PROGRAM)

deb: build-light ## a Debian package of the light build, tympan, in TARGET/packages
	scripts/system-packages.sh package
	packaging/deb.sh light $(PROGRAM)

deb-torch: build ## a Debian package of the full build, tympan-torch, with libtorch in it
	scripts/system-packages.sh package install
	packaging/deb.sh torch $(PROGRAM)

wheel: packages ## a Python wheel of the light build's program with its model, in TARGET/packages
	scripts/system-packages.sh package
	packaging/wheel.sh

arm64: ## the light build for 64-bit ARM, built on this machine: archive and Debian package (root; debootstrap, qemu-user-static)
	packaging/cross-arm64.sh packages

try-arm64: ## run the light build's tests for 64-bit ARM under qemu; ARGS chooses some
	packaging/cross-arm64.sh test $(ARGS)

clean: ## remove what was built; libtorch stays in the cache folder
	$(CARGO) clean

help: ## this list
	@sed -nE 's/^([a-z0-9-]+):[^#]*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

packages:
	@scripts/system-packages.sh build
