"""Run as ``python -I -S FOLDER guard|task …``: isolated, so that it sees nothing of the host."""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[3])

from localcloud.engines.emr_node import guard, task  # noqa: E402

if sys.argv[1] == "guard":
    guard.main(sys.argv[2:])
else:
    task.main(sys.argv[2:])
