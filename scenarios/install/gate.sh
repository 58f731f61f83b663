#!/usr/bin/env bash
# The step of action.yml that judges: the policy of this checkout against that of the commit $BASE.
set -euo pipefail
place="$RUNNER_TEMP/hindsight"
rm -rf "$place"
mkdir -p "$place/baseline"

hindsight() { node "$GITHUB_ACTION_PATH/lab/cli/hindsight.js" "$@"; }

# All of that commit, so that a policy finds there what it extends.
git archive "$BASE" | tar -x -C "$place/baseline"
if [ ! -e "$place/baseline/$POLICY" ]; then
  echo "::error file=$POLICY::There is no $POLICY at $BASE, so nothing to compare with." >&2
  exit 2
fi

if [ -e "$HISTORY/manifest.json" ]; then
  history="$HISTORY"
else
  history="$place/history"
  hindsight import csv "$HISTORY" --out "$history" --timestamp "$TIMESTAMP"
fi

# The flags are words of a command line.
read -r -a flags <<<"$FLAGS"
code=0
hindsight gate --history "$history" --baseline "$place/baseline/$POLICY" --candidate "$POLICY" \
  --junit "$place/gate.xml" --markdown "$place/gate.md" ${flags[@]+"${flags[@]}"} |
  tee "$place/gate.txt" || code=$?

[ ! -e "$place/gate.md" ] || cat "$place/gate.md" >>"${GITHUB_STEP_SUMMARY:-/dev/null}"
# The verdict stands at the first line of the policy that was changed.
line="$(git diff --unified=0 "$BASE" -- "$POLICY" | sed -n 's/^@@ [^+]*+\([0-9]*\).*/\1/p' | head -n 1)"
kind=error
[ "$code" -ne 0 ] || kind=notice
echo "::$kind file=$POLICY,line=${line:-1},title=Policy gate::$(head -n 1 "$place/gate.txt")"
exit "$code"
