#!/usr/bin/env bash
# kept-resources.sh BASE HEAD: fails if a resource that is retained in the templates of the
# folder BASE is missing from those of HEAD, under its logical id and type. CloudFormation
# would leave the old bucket or table behind and make an empty one.
set -euo pipefail

retained() {
  for template in "$1"/*.template.json; do
    jq -r --arg stack "$(basename "$template" .template.json)" '
      .Resources | to_entries[]
      | select(.value.DeletionPolicy // "" | startswith("Retain"))
      | "\($stack) \(.key) \(.value.Type)"' "$template"
  done | sort
}

missing=$(comm -23 <(retained "$1") <(retained "$2"))
if [ -n "$missing" ]; then
  echo "These resources hold state and would be replaced or dropped:"
  echo "$missing"
  exit 1
fi
echo "All $(retained "$1" | wc -l) resources that hold state stay as they are."
