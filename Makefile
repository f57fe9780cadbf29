# The one entry to building, testing and installing carrier. `make help` lists what there is.

PREFIX ?= /usr/local
DESTDIR ?=
SWIFT ?= swift
# A binary that needs no Swift on the machine it runs on, and starts twice as fast.
RELEASE = -c release --static-swift-stdlib
BINARY = .build/release/carrier
SOURCES = Package.swift $(shell find Sources -name '*.swift' 2>/dev/null)
# Test targets with real sockets, processes and deadlines.
TIMED = ^Carrier(CLI|NAT|)Tests[.]
export SWIFT

all: release

.PHONY: all help demo test examples release install uninstall lint format bench simulate fuzz \
  sanitize man completions clean

help:
	@echo 'make demo         install what is missing, build, show two nodes at work'
	@echo 'make test         install what is missing, run the tests'
	@echo 'make examples     build and run the examples'
	@echo 'make release      build $(BINARY)'
	@echo 'make install      install to PREFIX ($(PREFIX)) under DESTDIR; make uninstall takes it away'
	@echo 'make lint         check format, man pages and completions'
	@echo 'make man completions   write the generated files again'
	@echo 'make bench        measure against other tools'
	@echo 'make fuzz         let libFuzzer try each target (SECONDS=60 TARGETS=…, see Fuzz/README.md)'
	@echo 'make sanitize     run the tests that watch no clock under the thread and the address sanitizer'
	@echo 'make simulate     run the overlay simulation'

demo:
	@Scripts/prerequisites build
	@Scripts/demo

test:
	@Scripts/prerequisites build test
	@echo 'carrier: building and running the tests'
	# Not plain "swift test" alone: that builds every product of every dependency, a compiler for Protocol Buffers in C++ among them.
	$(SWIFT) build --product carrier
	$(SWIFT) build --product carrierPackageTests
	$(SWIFT) test --skip-build --skip '$(TIMED)'
	# Tests that watch the clock run one by one, so that no other takes their processor.
	$(SWIFT) test --skip-build --no-parallel --filter '$(TIMED)'

examples:
	Scripts/examples

release: $(BINARY)

$(BINARY): $(SOURCES)
	$(SWIFT) build $(RELEASE) --product carrier
	@touch $@

install: $(BINARY)
	install -D -m 755 $(BINARY) '$(DESTDIR)$(PREFIX)/bin/carrier'
	for page in man/*.1; do install -D -m 644 "$$page" '$(DESTDIR)$(PREFIX)/share/man/man1/'"$${page##*/}" || exit; done
	install -D -m 644 man/carrier-wire.7 '$(DESTDIR)$(PREFIX)/share/man/man7/carrier-wire.7'
	install -D -m 644 share/carrier.lua '$(DESTDIR)$(PREFIX)/share/carrier/carrier.lua'
	install -D -m 644 completions/carrier.bash '$(DESTDIR)$(PREFIX)/share/bash-completion/completions/carrier'
	install -D -m 644 completions/_carrier '$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_carrier'
	install -D -m 644 completions/carrier.fish '$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/carrier.fish'

uninstall:
	rm -f '$(DESTDIR)$(PREFIX)/bin/carrier' \
	  '$(DESTDIR)$(PREFIX)'/share/man/man1/carrier.1 '$(DESTDIR)$(PREFIX)'/share/man/man1/carrier-*.1 \
	  '$(DESTDIR)$(PREFIX)/share/man/man7/carrier-wire.7' \
	  '$(DESTDIR)$(PREFIX)/share/carrier/carrier.lua' \
	  '$(DESTDIR)$(PREFIX)/share/bash-completion/completions/carrier' \
	  '$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_carrier' \
	  '$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/carrier.fish'

lint:
	$(SWIFT) format lint --strict --recursive Package.swift Sources Tests Fuzz
	mandoc -Tlint man/*
	for script in Scripts/* .ci/run; do bash -n "$$script" || exit; done
	Scripts/generated --check all

format:
	$(SWIFT) format --in-place --recursive Package.swift Sources Tests Fuzz

man completions:
	Scripts/generated $@

bench: $(BINARY)
	Benchmarks/bench.sh $(ARGS)

simulate:
	$(SWIFT) run -c release carrier-simulate $(ARGS)

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

clean:
	$(SWIFT) package clean
