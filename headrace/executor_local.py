"""lithops' localhost backend whose workers end with the notebook.

Of its two versions the first is the base: one process a worker instead of one a call. Nothing
of lithops is copied to a temporary folder, since the workers run in the notebook's environment.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from lithops.localhost.v1.localhost import DefaultEnvironment, LocalhostHandlerV1
from lithops.worker.utils import get_runtime_metadata


class Environment(DefaultEnvironment):  # type: ignore[misc]
    """Starts a job's process.

    Parameters
    ----------
    config : dict
        lithops' section `localhost`, with `home`, `environment` and `path` beside lithops' own
        words.
    """

    def setup(self) -> None:
        """Copy nothing: lithops is where the notebook's is."""

    def _ensure_runner(self) -> None:
        pass

    def get_metadata(self) -> Any:
        """What the runtime holds: it is this process's."""
        return get_runtime_metadata()

    def run_job(self, job_key: str, job_filename: str) -> Any:
        """Start the process that runs a job.

        Returns
        -------
        Popen or None
            None where the job was stopped before.
        """
        words = ["-m", "headrace.executor_worker", str(os.getpid()), self.config["home"]]
        command = [self.runtime_name, *words, "run_job", job_filename]
        with self.jobs_lock:  # a stop() comes before, and nothing starts, or after, and kills it
            if job_key in self.stopped_jobs:
                return None
            process = subprocess.Popen(
                command,
                env=os.environ | self.config["environment"] | {"PYTHONPATH": _path()},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
            self.jobs[job_key] = process
            return process


class Handler(LocalhostHandlerV1):  # type: ignore[misc]
    """Starts jobs one after another, each with all workers."""

    def init(self) -> None:
        """Make the environment."""
        self.env = Environment(self.config)
        self.env.setup()


def _path() -> str:
    """Where the notebook finds its modules; the workers find the same."""
    return os.pathsep.join(dict.fromkeys(place or os.getcwd() for place in sys.path))
