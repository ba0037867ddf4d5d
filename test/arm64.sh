#!/usr/bin/env bash
# Runs the unit tests of pkg/ as programs for arm64, the processor of the deployed functions.
# Elsewhere qemu-aarch64 runs them: the one on the PATH, or else that of Debian's package
# qemu-user-static, which is unpacked into FOLDER and needs no root.
set -euo pipefail

folder=${1:?usage: test/arm64.sh FOLDER [PACKAGE...]}
shift
case $folder in /*) ;; *) folder=$PWD/$folder ;; esac # each test runs in the folder of its package
[ $# -gt 0 ] || set -- ./pkg/...

run=(go test -short -timeout 30m) # qemu is ten times slower
if [ "$(go env GOHOSTARCH)" != arm64 ]; then
  qemu=$(command -v qemu-aarch64-static || command -v qemu-aarch64 || true)
  if [ -z "$qemu" ]; then
    qemu="$folder/usr/bin/qemu-aarch64-static"
    if [ ! -x "$qemu" ]; then
      if ! command -v apt-get >/dev/null || ! command -v dpkg >/dev/null; then
        echo "skipped: no qemu-aarch64 on the PATH, and no apt-get to get it with"
        exit 0
      fi
      rm -rf "$folder"
      mkdir -p "$folder"
      if ! (cd "$folder" && apt-get download -qq qemu-user-static); then
        echo "skipped: no qemu-aarch64 on the PATH, and its package cannot be downloaded"
        exit 0
      fi
      dpkg -x "$folder"/qemu-user-static_*.deb "$folder"
      rm "$folder"/qemu-user-static_*.deb
    fi
  fi
  "$qemu" --version | head -1
  run+=(-exec "$qemu")
fi

GOARCH=arm64 CGO_ENABLED=0 "${run[@]}" "$@"
