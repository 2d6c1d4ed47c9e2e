"""Images, for a machine without Docker: built, pushed, found again, and run as processes.

- `docker` is the command: `dockerfile` reads, `run_lines` and `context` say what RUN and COPY
  may do, `build` makes a process image over one of the `layers`, `store` keeps it by its
  `names`, `registry` pushes it into ECR
- `found` opens an image by the name that a job definition gives
- `podman` does all this with real images, where the cloud is told to run containers
- `codebuild` runs builds, in which `docker` is called

An image's files are read-only to those who run it, by custom: a process writes elsewhere.
"""

from localcloud.cloud import Cloud
from localcloud.engines.images.errors import ImageError
from localcloud.engines.images.found import ProcessImage, find

__all__ = ["ImageError", "ProcessImage", "find", "install"]


def install(cloud: Cloud) -> None:
    """Run CodeBuild's builds, until the cloud stops."""
    from localcloud.engines.images import codebuild

    codebuild.install(cloud)
