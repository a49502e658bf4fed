#!/usr/bin/env bash
# Installs the .deb that `make dist` wrote into a fresh Debian and uses it there:
# command line, starter, window, session bus. Needs root, debootstrap, Xvfb and
# a quarter of an hour for the downloads; `make prove-dist` runs it.
#
#   build/dist/prove.sh FILE.deb [FOLDER for the fresh Debian; kept]
set -euo pipefail
deb=$(realpath "$1")
root=${2:-$(mktemp -d)}
here=$(cd "$(dirname "$0")/../.." && pwd)
pids=()
finish() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  umount "$root/dev/shm" "$root/proc" 2>/dev/null || true
}
trap finish EXIT
say() { printf '\n== %s\n' "$*"; }
inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }

if [ ! -e "$root/etc/debian_version" ]; then
  say "a fresh Debian in $root"
  debootstrap --variant=minbase --include=ca-certificates "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$root" \
    "$(awk '/^URIs:/{print $2;exit}' /etc/apt/sources.list.d/debian.sources)" >/dev/null
  rm -f "$root/etc/apt/sources.list"
  cp -r /etc/apt/sources.list.d /etc/apt/apt.conf.d "$root/etc/apt/"
  for f in /etc/apt/auth.conf.d /usr/share/keyrings /etc/ssl/certs; do
    if [ -d "$f" ]; then mkdir -p "$root$f" && cp -rn "$f/." "$root$f/"; fi
  done
  cp /etc/resolv.conf /etc/hosts "$root/etc/" 2>/dev/null || true
fi
mountpoint -q "$root/proc" || mount -t proc proc "$root/proc" || say "without /proc"
mkdir -p "$root/dev/shm"
mountpoint -q "$root/dev/shm" || mount -t tmpfs tmpfs "$root/dev/shm" || say "without /dev/shm"

say "installing"
cp "$deb" "$root/tmp/qwill.deb"
inside apt-get -qq update
inside apt-get -qq -y -o Dpkg::Use-Pty=0 install --no-install-recommends /tmp/qwill.deb dbus libglib2.0-bin fonts-dejavu-core >/dev/null
inside dpkg -s qwill | grep -E '^(Status|Version):'

say "the command line"
inside qwill --version
inside qwill doctor
printf 'What is a quill?' | inside qwill chat --max-tokens 24 || inside qwill chat --max-tokens 24 "What is a quill?"

say "the window"
mkfifo "$root/tmp/display.$$"
Xvfb -displayfd 8 -screen 0 1280x900x24 -nolisten tcp -noreset 8>"$root/tmp/display.$$" 2>/dev/null & pids+=($!)
read -r display <"$root/tmp/display.$$"
rm "$root/tmp/display.$$"
export DISPLAY=:$display
openbox 2>/dev/null & pids+=($!)
# Started by the session bus of the fresh Debian, as a launcher does.
inside env DISPLAY="$DISPLAY" GDK_BACKEND=x11 dbus-run-session -- sh -c '
  dbus-update-activation-environment DISPLAY GDK_BACKEND
  ask() { gdbus call --session --dest org.qwill.Qwill --object-path /org/qwill/Qwill --method "org.freedesktop.Application.$@"; }
  ask Activate "{}" && sleep 25 && ask ActivateAction quit "[]" "{}"
  sleep 2' & session=$!
pids+=("$session")
for _ in $(seq 60); do
  window=$(xdotool search --onlyvisible --name '^Qwill$' 2>/dev/null | head -n 1) && [ -n "$window" ] && break
  sleep 0.5
done
[ -n "${window:-}" ] || { echo "no window came" >&2; exit 1; }
sleep 6
mkdir -p "$here/build/out"
import -display "$DISPLAY" -window root "$here/build/out/installed.png"
echo "the window came: build/out/installed.png"

say "removing"
wait "$session" || true
inside dpkg -r qwill >/dev/null
if find "$root/usr" -path '*qwill*' -not -path '*/man-db/*' | grep .; then
  echo "removing left these behind" >&2
  exit 1
fi
echo "nothing is left behind"
