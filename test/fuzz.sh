#!/usr/bin/env bash
# Runs each fuzz target for the given time: test/fuzz.sh 30s [go test flags].
#
# The Go fuzzer sometimes ends a clean run with a bare "context deadline exceeded", when its
# time is up in the middle of an input. A real finding always names the file with its input,
# so this message without a file is not a failure.
set -euo pipefail
cd "$(dirname "$0")/.."
time=$1
shift

log=$(mktemp)
trap 'rm -f "$log"' EXIT
# The target of infra/resolverwatch is left out: each of the fuzzer's workers would start a
# process of the CDK. `make test` runs its seeds.
packages=$(git grep -l '^func Fuzz' -- '*_test.go' ':!infra/resolverwatch' | xargs -n 1 dirname | sort -u)

for package in $packages; do
  module=$package
  until [ -f "$module/go.mod" ]; do module=$(dirname "$module"); done
  path=./${package#"$module/"}
  for target in $(go test -C "$module" -list '^Fuzz' "$path" | grep '^Fuzz' || true); do
    echo "== $package $target"
    if go test -C "$module" -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 20x "$@" "$path" >"$log" 2>&1; then
      grep '^fuzz: elapsed' "$log" | tail -n 1
    elif grep -q '^ *context deadline exceeded$' "$log" && ! grep -q 'Failing input written' "$log"; then
      echo "time was up in the middle of an input; nothing found"
    else
      cat "$log"
      exit 1
    fi
  done
done
