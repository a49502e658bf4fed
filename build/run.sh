#!/usr/bin/env bash
# Opens Qwill's window, or serves the same interface on 127.0.0.1 where there
# is no display.
set -euo pipefail
cd "$(dirname "$0")/.."
. build/env.sh
if [ "$(uname -s)" = Darwin ] || [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
  exec build/bin/qwill "$@"
fi
exec build/bin/qwill ui "$@"
