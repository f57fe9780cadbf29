# The one entry to building, testing and installing carrier. `make help` lists what there is.

PREFIX ?= /usr/local
DESTDIR ?=
SWIFT ?= swift
# STATIC=1 makes a binary that needs no Swift on the machine it runs on, and starts twice as fast; STATIC=0 one that shares
# the toolchain's libraries and links quicker.
STATIC ?= 1
RELEASE = -c release $(if $(filter 1,$(STATIC)),--static-swift-stdlib)
BINARY = .build/release/carrier
# Where things lie under PREFIX.
MAN = $(PREFIX)/share/man
DOC = $(PREFIX)/share/doc/carrier
BASH_COMPLETIONS = $(PREFIX)/share/bash-completion/completions
ZSH_COMPLETIONS = $(PREFIX)/share/zsh/site-functions
FISH_COMPLETIONS = $(PREFIX)/share/fish/vendor_completions.d
UNITS = $(PREFIX)/lib/systemd/system
SOURCES = Package.swift $(shell find Sources -name '*.swift' 2>/dev/null)
# Test targets with real sockets, processes and deadlines.
TIMED = ^Carrier(CLI|NAT|)Tests[.]
export SWIFT

all: release

.PHONY: all help demo test examples release install uninstall deb lint docs format bench bench-boringssl \
  instructions simulate soak fuzz sanitize man completions clean

help:
	@echo 'make demo         install what is missing, build, show two nodes at work'
	@echo 'make test         install what is missing, run the tests'
	@echo 'make examples     build and run the examples, and every command that README and man pages show'
	@echo 'make release      build $(BINARY); STATIC=0 shares the Swift libraries'
	@echo 'make install      install to PREFIX ($(PREFIX)) under DESTDIR; make uninstall takes it away'
	@echo 'make deb          make a Debian package in .build'
	@echo 'make docs         make the documentation of the library in .build/docs'
	@echo 'make lint         check format, man pages and completions'
	@echo 'make man completions   write the generated files again'
	@echo 'make bench        measure against other tools (ARGS="--quick", --help)'
	@echo 'make bench-boringssl   build what measures records sealed by BoringSSL, for make bench'
	@echo 'make instructions count the instructions of the hot paths with valgrind'
	@echo 'make fuzz         let libFuzzer try each target (SECONDS=60 TARGETS=…, see Fuzz/README.md)'
	@echo 'make sanitize     run the tests that watch no clock under the thread and the address sanitizer, and those of byte streams'
	@echo 'make simulate     run the overlay simulation'
	@echo 'make soak         run 200 nodes for half an hour, with churn, loss and attacks (MINUTES=30 NODES=200 OUTPUT=.)'

demo:
	@Scripts/prerequisites build
	@Scripts/demo

test:
	@Scripts/prerequisites build test
	@echo 'carrier: building and running the tests'
	# Not plain "swift test" alone: that builds every product of every dependency, a compiler for Protocol Buffers in C++ among them.
	$(SWIFT) build --product carrier
	$(SWIFT) build --product carrierPackageTests
	AGAIN= Scripts/tests --skip '$(TIMED)'
	# Tests that watch the clock run one by one, so that no other takes their processor.
	Scripts/tests --no-parallel --filter '$(TIMED)'

examples:
	@Scripts/prerequisites build test
	Scripts/examples
	$(SWIFT) build --quiet --product carrier
	CARRIER=.build/debug/carrier Scripts/transcripts
	CARRIER=.build/debug/carrier Scripts/documented

release: $(BINARY)

$(BINARY): $(SOURCES)
	@Scripts/prerequisites --check build
	$(SWIFT) build $(RELEASE) --product carrier
	@touch $@

install: $(BINARY)
	install -D -m 755 $(BINARY) '$(DESTDIR)$(PREFIX)/bin/carrier'
	for page in man/*.[17]; do \
	  install -D -m 644 "$$page" '$(DESTDIR)$(MAN)/'"man$${page##*.}/$${page##*/}" || exit; done
	install -D -m 644 completions/carrier.bash '$(DESTDIR)$(BASH_COMPLETIONS)/carrier'
	install -D -m 644 completions/_carrier '$(DESTDIR)$(ZSH_COMPLETIONS)/_carrier'
	install -D -m 644 completions/carrier.fish '$(DESTDIR)$(FISH_COMPLETIONS)/carrier.fish'
	install -D -m 644 share/carrier.lua '$(DESTDIR)$(PREFIX)/share/carrier/carrier.lua'
	install -d '$(DESTDIR)$(DOC)' '$(DESTDIR)$(UNITS)'
	install -m 644 LICENSE README.md CHANGELOG.md SECURITY.md '$(DESTDIR)$(DOC)/'
	sed 's|@BINDIR@|$(PREFIX)/bin|' share/systemd/carrier.service >'$(DESTDIR)$(UNITS)/carrier.service'
	chmod 644 '$(DESTDIR)$(UNITS)/carrier.service'

uninstall:
	rm -f '$(DESTDIR)$(PREFIX)/bin/carrier' \
	  '$(DESTDIR)$(MAN)'/man1/carrier.1 '$(DESTDIR)$(MAN)'/man1/carrier-*.1 \
	  '$(DESTDIR)$(MAN)'/man7/carrier-json.7 '$(DESTDIR)$(MAN)'/man7/carrier-wire.7 \
	  '$(DESTDIR)$(BASH_COMPLETIONS)/carrier' '$(DESTDIR)$(ZSH_COMPLETIONS)/_carrier' \
	  '$(DESTDIR)$(FISH_COMPLETIONS)/carrier.fish' '$(DESTDIR)$(UNITS)/carrier.service'
	rm -rf '$(DESTDIR)$(PREFIX)/share/carrier' '$(DESTDIR)$(DOC)'

# A Debian package in .build; whoever makes it for others says who they are: DEBFULLNAME, DEBEMAIL.
deb: $(BINARY)
	@Scripts/prerequisites deb
	Scripts/deb $(BINARY)

lint:
	@Scripts/prerequisites build lint
	$(SWIFT) format lint --strict --recursive Package.swift Sources Tests Fuzz Benchmarks
	mandoc -Tlint man/*
	for script in Scripts/* Benchmarks/*.sh .ci/run; do bash -n "$$script" || exit; done
	# Marks that a merge has left in a text.
	! grep -rnE '^(<<<<<<<|>>>>>>>) ' --exclude-dir='.[!.]*' .
	Scripts/generated --check all

docs:
	@Scripts/prerequisites build docs
	$(SWIFT) build --product carrier
	Scripts/docs

format:
	$(SWIFT) format --in-place --recursive Package.swift Sources Tests Fuzz Benchmarks

man completions:
	Scripts/generated $@

bench: $(BINARY)
	@Scripts/prerequisites bench || true
	$(SWIFT) build $(RELEASE) --product carrier-bench
	$(SWIFT) build $(RELEASE) --product carrier-simulate
	Benchmarks/bench.py $(ARGS)

# A folder of its own, because little of an ordinary build can be used.
bench-boringssl:
	$(SWIFT) build $(RELEASE) --scratch-path .build-boringssl --traits QUIC,BoringSSL --product carrier-bench

instructions:
	@Scripts/prerequisites count || true
	Benchmarks/instructions.sh $(ARGS)

simulate:
	$(SWIFT) run -c release carrier-simulate $(ARGS)

soak: MINUTES ?= 30
soak: NODES ?= 200
soak: OUTPUT ?= .
soak:
	$(SWIFT) build -c release --product carrier-soak
	.build/release/carrier-soak --minutes $(MINUTES) --nodes $(NODES) --output '$(OUTPUT)' $(ARGS)

fuzz: SECONDS ?= 60
fuzz:
	Scripts/fuzz $(SECONDS) $(TARGETS)

# A folder each, because nothing of an ordinary build can be used. Leaks are Foundation's and XCTest's, so not looked for.
sanitize: export ASAN_OPTIONS = detect_leaks=0
sanitize:
	for kind in thread address; do \
	  options="--sanitize=$$kind --scratch-path .build-$$kind"; \
	  $(SWIFT) build $$options --product carrierPackageTests && \
	  $(SWIFT) test $$options --skip-build --skip '$(TIMED)' || exit; \
	done
	# Byte streams have threads of their own: their tests watch the clock, and have the time for the thread sanitizer too.
	$(SWIFT) test --sanitize=thread --scratch-path .build-thread --skip-build --no-parallel \
	  --filter 'CarrierTests[.](EachTransport|StreamInput|StreamOutput)Tests'

clean:
	$(SWIFT) package clean
