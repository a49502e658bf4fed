#!/usr/bin/env bash
# Measures the window's start and idling (docs/bench/window.md), then qwill (fast
# and exact), mlx-lm and llama.cpp in one alternating run on a model of Qwen3-0.6B's
# shape and writes docs/bench/<machine>.md and .json.
# The packages come from PyPI into virtual environments of their own; QWILL_BENCH_MLX
# and QWILL_BENCH_LLAMA name Python interpreters that have them already.
# Before that the time from a key to a suggestion (docs/bench/suggest.md).
# QWILL_BENCH_BATCH=1 measures only eight requests one after the other and at once,
# QWILL_BENCH_FORMS=1 only answers that have a form (QWILL_BENCH_MODEL: on
# another model folder than the starter).
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
# What the form of an answer costs: µs a mask on Qwen3's vocabulary, and decoding
# with and without a form in turns.
if [ -n "${QWILL_BENCH_BATCH:-}" ]; then
  exec go test ./engine -run '^$' -bench Together -benchtime 5x
fi
if [ -n "${QWILL_BENCH_FORMS:-}" ]; then
  go test ./engine/schema -run '^$' -bench Mask -benchtime 20x
  exec go test ./engine -run '^$' -bench Form -benchtime 5x
fi

echo "measuring start and idling" >&2
QWILL_WINDOW=1 QWILL_BENCH=1 go test -count=1 -timeout 15m ./app/desktop/windowtest -run '^TestWindow$/^(chat|costs)$' >&2

echo "measuring suggestions" >&2
QWILL_BENCH=1 go test -count=1 -timeout 15m ./app/suggest/live -run '^TestLatency$' >&2

cache=${QWILL_BENCH_CACHE:-build/.deps/bench}
mkdir -p "$cache"

environment() { # name, pip arguments
  local name=$1
  shift
  local venv=$cache/$name list=build/bench/requirements-$name.txt
  if ! cmp -s "$list" "$venv/installed.txt"; then
    echo "installing $(head -1 "$list") and what it needs" >&2
    python3 -m venv --clear "$venv"
    "$venv/bin/pip" install --quiet "$@" -r "$list" >&2
    cp "$list" "$venv/installed.txt"
  fi
  echo "$venv/bin/python"
}

mlx=${QWILL_BENCH_MLX:-$(environment mlx)}
# From source, so that it uses all this processor has, as qwill's kernels do.
llama=${QWILL_BENCH_LLAMA:-$(CMAKE_ARGS=-DGGML_NATIVE=ON environment llama --no-binary llama-cpp-python)}
"$mlx" build/bench/make_model.py "$cache" build/.deps/tokenizer
exec python3 build/bench/run.py --cache "$cache" --mlx "$mlx" --llama "$llama" "$@"
