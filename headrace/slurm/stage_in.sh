#!/bin/bash
# Run this once on the login node, from anywhere. It alone needs internet: it brings what the
# compute nodes will read, and checks every byte of it.
set -euo pipefail
cd "$(dirname "$0")"

die() {
  echo "headrace: $*" >&2
  exit 1
}

# The input. What wasn't copied along is fetched from the lake with your own AWS credentials.
while IFS=$'\t' read -r _ bytes file uri; do
  if [ ! -f "input/$file" ]; then
    echo "fetching $uri, $bytes bytes"
    mkdir -p "$(dirname "input/$file")"
    aws s3 cp --only-show-errors "$uri" "input/$file" </dev/null
  fi
done < <(tail -n +2 stage-in.tsv)
tail -n +2 stage-in.tsv | awk -F '\t' '{ print $1 "  input/" $3 }' |
  sha256sum --check --quiet --strict ||
  die "While checking the input, found files that are not those of stage-in.tsv. Delete them and copy them again."

# Python: the image has 3.12, and a library may give other last digits under another.
if [ -z "${PYTHON:-}" ]; then
  for PYTHON in python3.12 python3.13 python3.11 ""; do
    if command -v "$PYTHON" >/dev/null; then break; fi
  done
fi
[ -n "$PYTHON" ] ||
  die "While looking for Python, found no 3.11, 3.12 or 3.13 on PATH. Load its module, or set PYTHON=/path/to/it."

# The packages, by their hashes, for this machine's Python and system; the compute nodes' must be
# the same. Where the login node has no internet either, fill wheels/ on a machine that has.
if [ ! -d wheels ]; then
  rm -rf wheels.part
  "$PYTHON" -m pip download --quiet --disable-pip-version-check --require-hashes \
    --only-binary :all: --requirement requirements.txt --dest wheels.part
  mv wheels.part wheels
fi
rm -rf venv ready
"$PYTHON" -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check --no-index --find-links wheels \
  --require-hashes --requirement requirements.txt

mkdir -p log
sha256sum stage-in.tsv requirements.txt program.zip job.sbatch >ready
echo "ready: sbatch job.sbatch, from within $PWD"
