#!/bin/sh
# Looks for known vulnerabilities in what the code of each given module calls.
#
# The database is probed first, because govulncheck has no time limit of its own. If it cannot be
# reached, it is built from its source, the module golang.org/x/vulndb, which the Go proxy has. If
# there is no proxy either, the check is skipped, with a message.
#
# Usage: test/vuln.sh TARGET MODULE..., where TARGET is the target of the Makefile that installs
# govulncheck, and its file
set -eu

tool=$1
shift
db=${GOVULNDB:-https://vuln.go.dev}

if ! curl -fsS --connect-timeout 5 --max-time 10 -o /dev/null "$db/index/db.json" 2>/dev/null; then
	source=golang.org/x/vulndb
	if ! downloaded=$(go mod download -json "$source@latest" 2>/dev/null); then
		echo "skipped: cannot reach the database of vulnerabilities, $db, nor the module $source"
		exit 0
	fi
	version=$(printf '%s\n' "$downloaded" | sed -n 's/.*"Version": "\(.*\)",.*/\1/p')
	folder=$(printf '%s\n' "$downloaded" | sed -n 's/.*"Dir": "\(.*\)",.*/\1/p')
	echo "cannot reach $db: using $source $version"
	built=$PWD/.bin/vulndb-$version
	if [ ! -d "$built" ]; then
		rm -rf "$built.new"
		go run "$source/cmd/indexdb@$version" -vulns "$folder/data/osv" -out "$built.new"
		mv "$built.new" "$built"
	fi
	db=file://$built
fi

# What is deployed is built with the toolchain of go.mod, whichever one is installed here.
GOTOOLCHAIN=$(sed -n 's/^toolchain //p' go.mod)
export GOTOOLCHAIN
if ! go version >/dev/null 2>&1; then
	echo "skipped: cannot download the toolchain $GOTOOLCHAIN"
	exit 0
fi

make --no-print-directory "$tool"
govulncheck=$PWD/$tool
for module in "$@"; do
	echo "checking $module"
	(cd "$module" && timeout 600 "$govulncheck" -db "$db" ./...)
done
