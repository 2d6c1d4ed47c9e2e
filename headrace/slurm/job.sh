
set -euo pipefail

die() {
  echo "headrace: $*" >&2
  exit 2
}

# Slurm runs a copy of this script, so it can't tell where it lies.
[ -f stage-in.tsv ] ||
  die "While starting, found no stage-in.tsv in $PWD. Submit the job from within its folder."
sha256sum --check --quiet --strict ready ||
  die "While starting, found the folder not ready, or changed since. Run ./stage_in.sh on the login node."

# Nothing of the account's own Python, and one place that all nodes see.
unset PYTHONPATH PYTHONHOME
export PYTHONNOUSERSITE=1 PYTHONPATH=$PWD PATH=$PWD/venv/bin:$PATH
export TMPDIR=$PWD/work NUMBA_CACHE_DIR=$PWD/work/numba
export HEADRACE_SEED=$seed HEADRACE_WORKERS=$workers
here=$(python -c 'import pathlib; print(pathlib.Path.cwd().as_uri())')
mkdir -p work

words=(--program "$here/program.zip" --main "$main" --timeout-s "$timeout_s")
words+=(--input "$here/input/" --output "$here/result/out/" --params "$params")
if [ -n "$ranks" ]; then
  # mpiexec finds the allocation by Slurm's own variables and starts a proxy on each node by srun.
  # Ranks end together, in MPI_Finalize. Where a node's are gone because one was killed, MPICH 5.0.2
  # at times leaves the other nodes' waiting: srun ends those after as many seconds.
  export SLURM_WAIT=30
  words+=(--ranks "$ranks")
  rm -rf result
else
  unset SLURM_PROCID # it is no rank
  if [ -n "${SLURM_ARRAY_TASK_ID:-}" ]; then
    export AWS_BATCH_JOB_ARRAY_INDEX=$SLURM_ARRAY_TASK_ID
    rm -f "result/out/_SUCCESS.$SLURM_ARRAY_TASK_ID"
  fi
fi

mkdir -p result
version=$(scontrol --version 2>/dev/null || echo "no Slurm, a shell")
printf '{"version": "%s", "job": "%s", "cluster": "%s", "nodes": "%s"}\n' "$version" \
  "${SLURM_JOB_ID:-}" "${SLURM_CLUSTER_NAME:-}" "${SLURM_JOB_NODELIST:-$HOSTNAME}" >result/slurm.json
exec python -m boot "${words[@]}"
