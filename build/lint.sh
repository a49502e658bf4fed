#!/usr/bin/env bash
# Formatting, go vet, the frontend's checks and its words. Import rules are a test: see app/arch_test.go.
set -euo pipefail
cd "$(dirname "$0")/.."
. build/env.sh
status=0
unformatted=$(git ls-files --cached --others --exclude-standard '*.go' | while read -r f; do if [ -f "$f" ]; then echo "$f"; fi; done | xargs gofmt -l)
if [ -n "$unformatted" ]; then
  printf 'not formatted (run make format):\n%s\n' "$unformatted"
  status=1
fi
go vet ./... || status=1
if [ "$(uname -s)" = Linux ]; then
  go vet -tags desktop,production,webkit2_41 . ./app/desktop || status=1
fi
(cd frontend && npm run --silent check && npm run --silent lint) || status=1
(cd frontend && npm run --silent i18n) || status=1
exit $status
