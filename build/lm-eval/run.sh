#!/usr/bin/env bash
# Compares the log-likelihoods that lm-evaluation-harness gets from
# `qwill serve` with mlx-lm's: run.sh [MODEL], the starter by default. The Python
# packages go into build/.deps/lm-eval, once.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
venv=${QWILL_LM_EVAL:-$root/build/.deps/lm-eval}
model=${1:-starter}
if [ ! -x "$venv/bin/lm_eval" ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --requirement "$root/build/lm-eval/requirements.txt"
fi
qwill=$root/build/bin/qwill
folder=$("$qwill" models list --json | "$venv/bin/python" -c '
import json, sys
print(next(m["path"] for m in json.load(sys.stdin) if m["name"] == sys.argv[1]))' "$model")
out=$(mktemp -d)
key=$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')
QWILL_API_KEY=$key "$qwill" serve --addr 127.0.0.1:0 --mode exact -m "$model" --json >"$out/url" &
server=$!
trap 'kill $server; wait $server || true; rm -rf "$out"' EXIT
until [ -s "$out/url" ]; do
  kill -0 $server
  sleep 0.2
done
url=$("$venv/bin/python" -c 'import json, sys; print(json.load(open(sys.argv[1]))["url"])' "$out/url")
HF_HUB_OFFLINE=1 HF_DATASETS_OFFLINE=1 "$venv/bin/python" "$root/build/lm-eval/check.py" "$folder" "$url" "$key" "$model"
