"""CodeBuild: builds whose commands really run, on this machine.

- `api` answers the calls; `projects` keeps and checks projects, `overrides` what a build may
  have otherwise, `errors` says no
- `service` has the `builds`, each with its phases; `life` leads one through them
- `buildspec` reads what to do, `source` fetches what it is done to, `host` is the folder and the
  environment in which `command` runs it, `log` keeps what it prints in CloudWatch Logs
- `aws` is the `aws` that a build finds
"""

from __future__ import annotations

from localcloud.cloud import Cloud


def install(cloud: Cloud) -> None:
    """Run builds in moto's place, until the cloud stops."""
    from localcloud.engines.images.codebuild import api
    from localcloud.engines.images.codebuild.service import Service

    service = Service(cloud)
    cloud.apps["codebuild"] = api.application(service)
    cloud.on_stop(service.stop)
