"""Container images, built in the account: the machine that deploys needs no Docker.

::

    tasks/ (asset) ─▶ CodeBuild project ─docker push─▶ ECR repository
                          ▲ start, wait                      │ tag
                      function image ◀─ Custom::Image        ▼
                                             job definitions, which need its answer
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from aws_cdk import CustomResource, Duration, RemovalPolicy
from aws_cdk import aws_ecr as ecr
from constructs import Construct

from headrace.plan import Plan
from headrace.target import Target
from infra import images_rights
from infra.bundle import Assets
from infra.function import Function, FunctionProps
from infra.image_project import ImageProject
from infra.image_source import Image

#: Seconds that function `image` may wait for a build: all that Lambda gives. It stops a build
#: before that.
FUNCTION_TIMEOUT_S = 900
#: Images kept: a deploy that is taken back finds its own still there.
_KEPT = 5


@dataclass(frozen=True)
class ImagesProps:
    """Whose images.

    Parameters
    ----------
    plan : Plan
        The study's.
    """

    plan: Plan


class Images(Construct):
    """A repository for each image that a study uses, and what fills it while it is deployed.

    Examples
    --------
    >>> Images(stack, "Images", ImagesProps(plan), assets, target).uris["tasks/mpi"]
    """

    def __init__(
        self, scope: Construct, id_: str, props: ImagesProps, assets: Assets, target: Target
    ) -> None:
        super().__init__(scope, id_)
        self._plan = props.plan
        told = assets.images()
        self._repositories = {image.folder: self._repository(image) for image in told.images}
        builds = ImageProject(self, "Builds", self._plan, told.context, self.arns)
        self._project = builds.project
        function = self._function(assets, target)
        made = {image.folder: self._image(image, function) for image in told.images}
        #: URI of each image by its folder, known once the image is there.
        self.uris = {folder: each.get_att_string("Uri") for folder, each in made.items()}

    @property
    def arns(self) -> list[str]:
        """ARNs of the repositories."""
        return [repository.attr_arn for repository in self._repositories.values()]

    def _repository(self, image: Image) -> ecr.CfnRepository:
        expire = {
            "rulePriority": 1,
            "description": f"the newest {_KEPT} images",
            "selection": {
                "tagStatus": "any",
                "countType": "imageCountMoreThan",
                "countNumber": _KEPT,
            },
            "action": {"type": "expire"},
        }
        repository = ecr.CfnRepository(
            self,
            image.folder.rsplit("/", 1)[-1],
            repository_name=self._plan.repository(image.folder),
            # Images are made again from what the repository of the project holds.
            empty_on_delete=True,
            image_scanning_configuration=ecr.CfnRepository.ImageScanningConfigurationProperty(
                scan_on_push=True
            ),
            # A tag says what is in it, and nobody can push another under it.
            image_tag_mutability="IMMUTABLE",
            lifecycle_policy=ecr.CfnRepository.LifecyclePolicyProperty(
                lifecycle_policy_text=json.dumps({"rules": [expire]})
            ),
        )
        repository.apply_removal_policy(RemovalPolicy.DESTROY)
        return repository

    def _function(self, assets: Assets, target: Target) -> Function:
        return Function(
            self,
            "Function",
            FunctionProps(
                folder="image",
                name=self._plan.function("image"),
                description="Has CodeBuild build a container image, and waits for it",
                memory_mib=256,
                timeout_s=FUNCTION_TIMEOUT_S,
                rights=images_rights.function(self.arns, self._project.attr_arn),
            ),
            assets,
            target,
        )

    def _image(self, image: Image, function: Function) -> CustomResource:
        repository = self._repositories[image.folder]
        return CustomResource(
            self,
            f"{image.folder.rsplit('/', 1)[-1]}-image",
            resource_type="Custom::Image",
            service_token=function.function.function_arn,
            service_timeout=Duration.seconds(FUNCTION_TIMEOUT_S + 30),
            properties={
                "Project": self._project.ref,
                "Repository": repository.ref,
                "Tag": image.tag,
                "Uri": f"{repository.attr_repository_uri}:{image.tag}",
                "Dockerfile": image.dockerfile,
            },
        )
