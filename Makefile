# Qwill. Everything here does its own set-up; a second run repeats no work.
#
#   make run    set up what is missing, build, open the app
#   make test   set up what is missing, run all tests
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
E := . build/env.sh;
# The window needs these tags; webkit2_41 picks Debian's WebKitGTK 4.1.
TAGS := desktop,production,webkit2_41
FRONTEND := $(shell find frontend/src frontend/public frontend/index.html frontend/*.ts frontend/*.js frontend/package-lock.json -type f 2>/dev/null)

.PHONY: build run test soak bench dist prove-dist lint format setup setup-test frontend clean
build: setup frontend
	@$(E) go build -buildvcs=false -o build/bin/qwill-engine ./engine/cmd/qwill-engine
	@$(E) go build -buildvcs=false -tags $(TAGS) -o build/bin/qwill .

run: build
	@build/run.sh

test:
	@build/test.sh

soak: build
	@$(E) QWILL_SOAK=1 go test -count=1 -timeout 6h ./...

bench: build
	@$(E) build/bench/bench.sh

dist: setup frontend
	@$(E) go run ./build/dist

prove-dist: dist # in a fresh Debian; needs root and debootstrap
	@build/dist/prove.sh build/out/dist/qwill_*.deb

lint: setup frontend
	@$(E) build/lint.sh

format: setup frontend
	@$(E) gofmt -w $$(git ls-files '*.go')
	@$(E) cd frontend && npm run --silent format

setup:
	@build/setup.sh

setup-test:
	@build/setup.sh test

frontend: frontend/dist/index.html

frontend/dist/index.html: build/.stamps/npm $(FRONTEND)
	@echo "building the interface"
	@$(E) cd frontend && npm run --silent build >../build/.stamps/frontend.log 2>&1 || { cat ../build/.stamps/frontend.log; exit 1; }
	@touch $@

build/.stamps/npm: frontend/package.json frontend/package-lock.json | setup
	@echo "installing the interface's npm packages"
	@$(E) cd frontend && npm ci --no-audit --no-fund --loglevel=error
	@mkdir -p $(@D) && touch $@

clean: # build/.deps holds the downloads and stays; remove it to fetch them again
	rm -rf build/bin build/out build/.stamps/npm frontend/node_modules frontend/test-results frontend/playwright-report
	find frontend/dist -mindepth 1 ! -name .gitkeep -delete
