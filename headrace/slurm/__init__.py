"""The same stage on a research cluster: a folder to be copied there, and what comes back of it.

::

    headrace slurm STUDY STAGE --out FOLDER      the house prepares a try, its input is fetched
    FOLDER ── scp ──▶ login node ── sbatch ──▶ compute nodes ── scp ──▶ FOLDER/result
    headrace slurm STUDY STAGE --back FOLDER     the house registers the try: the stage's table

Compute nodes need no internet, and the cluster needs nothing of AWS.
"""
