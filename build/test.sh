#!/usr/bin/env bash
# Runs every test runner, goes on after a failure, and ends with the counts of
# each and their sum. Fails when anything failed or a runner ran nothing.
set -uo pipefail
cd "$(dirname "$0")/.."
start=$SECONDS
build/setup.sh test || exit 1
. build/env.sh
out=build/out/test
rm -rf "$out" && mkdir -p "$out"
counts=$out/counts
status=0
step() { printf '\n== %s (%d s)\n' "$1" $((SECONDS - start)); }
count() { "$out/testcount" -counts "$counts" "$@" || status=1; }

step "building"
make --no-print-directory build || exit 1
go build -buildvcs=false -o "$out/testcount" ./build/testcount || exit 1

step "formatting, vet, types"
build/lint.sh || status=1

step "Go tests"
# What runs side by side runs under the race detector.
race=$(go list ./app/chat ./app/events ./app/serve ./engine/host ./engine/prefix 2>/dev/null)
rest=$(go list ./... | grep -vxF "$race")
go test -json -p 2 $rest 2>&1 | count -runner go
step "Go tests under the race detector"
go test -json -race -p 2 $race 2>&1 | count -runner go-race

step "interface, unit tests"
(cd frontend && npx vitest run --reporter=default --reporter=json --outputFile.json="../$out/vitest.json") || status=1
count -runner vitest -vitest "$out/vitest.json"

step "interface, in Chromium"
(cd frontend && PLAYWRIGHT_JSON_OUTPUT_NAME="../$out/playwright.json" npx playwright test --reporter=list,json) || status=1
count -runner playwright -playwright "$out/playwright.json"

if [ "$(uname -s)" = Linux ]; then
  step "the real window"
  QWILL_WINDOW=1 go test -json -count=1 -timeout 10m ./app/desktop/windowtest 2>&1 | count -runner window
fi

step "counts"
"$out/testcount" -sum "$counts" || status=1
if [ "$status" != 0 ]; then echo "make test: FAILED, see above"; fi
exit $status
