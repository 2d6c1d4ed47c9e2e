"""mrjob's own EMR runner, told where the study's clusters live: ``python job.py -r emr s3://…``.

mrjob finds the endpoint and the credentials by itself, as boto3 does. What it can't know is
which network, roles and bucket its clusters should have, and where their nodes have mrjob from:
an archive holds its packages, `emr_steps` and the studies, so nodes fetch nothing.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from headrace.errors import HeadraceError
from headrace.place import place_of
from headrace.plan import ROOT, Plan
from headrace.target import Target

#: What AmazonEMRServicePolicy_v2 wants on what it may use:
#: https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-managed-iam-policies.html
EMR_TAG = "for-use-with-amazon-emr-managed-policies"
#: What `aws emr create-default-roles` makes, and class accounts have:
#: https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-iam-roles.html
DEFAULT_ROLES = {
    "iam_service_role": "EMR_DefaultRole",
    "iam_instance_profile": "EMR_EC2_DefaultRole",
}
#: Where in the lake a cluster's nodes may write, and mrjob keeps all that it makes.
SCRATCH = "runs/mrjob/mid-jobs"
#: The state of a run that makes its cluster.
CREATE = "cluster: create"
#: What jobs may import of the repository.
OWN = (
    "emr_steps/*.py",
    "studies/*.py",
    "studies/*/*.py",
    "headrace/__init__.py",
    "headrace/lake.py",
)


class MrjobError(HeadraceError):
    """mrjob can't be configured."""


def configuration(target: Target, plan: Plan, cache: Path) -> dict[str, Any]:
    """Mrjob's configuration for clusters beside a study's.

    Parameters
    ----------
    target : Target
    plan : Plan
        Of a study that is deployed.
    cache : Path
        Folder of what is built.

    Raises
    ------
    MrjobError
        Where the study has cluster stages and isn't deployed.
    """
    place = place_of(target)
    bucket = plan.bucket(place.account, place.region)
    cluster = plan.study.cluster
    settings: dict[str, Any] = {
        "region": place.region,
        "release_label": cluster.release,
        "instance_type": cluster.instance,
        "master_instance_type": cluster.instance,
        "num_core_instances": cluster.core,
        "cloud_tmp_dir": f"s3://{bucket}/{SCRATCH}/",
        "cloud_log_dir": f"s3://{bucket}/emr-logs/",
        "cloud_fs_sync_secs": 0,  # S3 has been consistent since December 2020
        # One at a time, mrjob's own choice since EMR 5.28, the cluster ends before the next comes.
        "add_steps_in_batch": True,
        # For a step's logs mrjob waits 10 minutes unless its cluster ends: --read-logs asks for it.
        "read_logs": False,
        "check_cluster_every": 10 * target.functions.poll_s,
        "python_bin": target.node_python,
        "bootstrap_mrjob": False,
        "bootstrap_python": False,
        "setup": [
            f"export PYTHONPATH={archive(target, cache)}#/:$PYTHONPATH",
            # With this mrjob fetches the files of `mapper_raw`; every node has Hadoop's.
            'command -v aws >/dev/null || aws() { shift 2; hadoop fs -copyToLocal "$@"; }',
        ],
    }
    return {"runners": {"emr": settings | _cluster(target, plan)}}


def write(found: dict[str, Any], path: Path) -> Path:
    """Write it where mrjob is pointed at: JSON, which YAML readers read too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return path


def archive(target: Target, cache: Path) -> Path:
    """The zip of mrjob, its companions and our modules, for the nodes' Python."""
    from infra.layer_zip import Layer, build  # here: only this verb builds, and only then
    from infra.zips import digest_of, write_zip

    lock = ROOT / "emr_steps" / "mapreduce.txt"
    layer = build(
        Layer(lock, target.node_python.removeprefix("python"), target.node_platform),
        cache / "layers",
    )
    own = {
        path.relative_to(ROOT).as_posix(): path.read_bytes()
        for pattern in OWN
        for path in sorted(ROOT.glob(pattern))
    }
    digest = digest_of({**own, ".packages": layer.digest.encode()})
    path = cache / "programs" / f"mrjob-{digest}.zip"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_zip(path, {**_packages(layer.path), **own})
    return path


def _packages(layer: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(layer) as packed:
        return {name.removeprefix("python/"): packed.read(name) for name in packed.namelist()}


def _cluster(target: Target, plan: Plan) -> dict[str, Any]:
    """Roles and network: those of the study's runs, or else the account's default roles."""
    tags = {"project": "headrace", "study": plan.study.name, EMR_TAG: "true"}
    params: dict[str, Any] = {"Tags": [{"Key": k, "Value": v} for k, v in tags.items()]}
    if not plan.emr:
        return {**DEFAULT_ROLES, "extra_cluster_params": params}
    asked = created(_machine(target, plan))
    if asked is None:
        raise MrjobError(
            f"configuring mrjob for {plan.study.name}",
            f"no state {CREATE!r} in its deployed state machine",
            f"Deploy it again with `headrace deploy {plan.study.name}`.",
        )
    instances = asked["Instances"]
    for group in ("EmrManagedMasterSecurityGroup", "EmrManagedSlaveSecurityGroup"):
        params[f"Instances.{group}"] = instances[group]
    return {
        "iam_service_role": asked["ServiceRole"],
        "iam_instance_profile": asked["JobFlowRole"],
        "subnet": instances["Ec2SubnetId"],
        "extra_cluster_params": params,
    }


def _machine(target: Target, plan: Plan) -> dict[str, Any]:
    """The definition of a study's state machine, as it is deployed."""
    place = place_of(target)
    arn = f"arn:aws:states:{place.region}:{place.account}:stateMachine:{plan.machine}"
    found = target.client("stepfunctions").describe_state_machine(stateMachineArn=arn)
    definition: dict[str, Any] = json.loads(found["definition"])
    return definition


def created(definition: Any) -> dict[str, Any] | None:
    """What a state machine asks EMR for where it makes a cluster, wherever that state is."""
    if isinstance(definition, list):
        return next(filter(None, map(created, definition)), None)
    if not isinstance(definition, dict):
        return None
    if CREATE in definition:
        parameters: dict[str, Any] = definition[CREATE]["Parameters"]
        return parameters
    return next(filter(None, map(created, definition.values())), None)
