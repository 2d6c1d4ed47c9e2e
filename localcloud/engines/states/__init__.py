"""Step Functions: moto's interpreter of the states language, made true.

- `definition`, `fields`, `integrations` refuse by name what a machine can't do here
- `program` parses once, and reads paths; `flow` runs states, `stopping` ends them
- `errors` retries and matches, `choices` compares, `branches` run side by side
- `tasks` calls services through `clients`: `lambdas`, and `jobs` for what takes its time
- `maps` runs a distributed Map's `children`, `map_runs` counts them, `map_files` has the files
- `machines` and `executions` are what the API is about; `answers` and `history` tell of them
"""

from __future__ import annotations

import logging

from localcloud.cloud import Cloud


def install(cloud: Cloud) -> None:
    """Run state machines, until the cloud stops."""
    # moto is imported where it is patched: a cloud that starts shows its errors first.
    from moto.core.config import default_user_config
    from moto.stepfunctions.parser.models import stepfunctions_parser_backends

    from localcloud.engines.states import (
        answers,
        branches,
        choices,
        clients,
        errors,
        executions,
        flow,
        history,
        jobs,
        lambdas,
        machines,
        maps,
        program,
        stopping,
        tasks,
    )

    # Its warnings tell of fields that have no effect in moto; here they have, or are refused.
    logging.getLogger("moto.stepfunctions").setLevel(logging.ERROR)
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    for each in (
        program,
        stopping,
        flow,
        errors,
        branches,
        choices,
        history,
        executions,
        answers,
        machines,
    ):
        each.install()
    for part in (clients, tasks, lambdas, jobs, maps):
        part.install(cloud)
    backend = stepfunctions_parser_backends[cloud.account][cloud.region]
    cloud.on_stop(lambda: executions.stop_all(backend, "The local cloud stopped."))
