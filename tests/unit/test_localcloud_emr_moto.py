"""What EMR's engine has of moto's private parts: this breaks where moto changes them."""

from __future__ import annotations

import botocore.session
from botocore import xform_name
from moto.ec2.models import ec2_backends
from moto.emr.models import emr_backends
from moto.emr.responses import ElasticMapReduceResponse
from moto.iam.models import iam_backends

from localcloud.engines.emr.api import REFUSED, Actions
from localcloud.engines.emr.versions import versions

ACCOUNT, REGION = "123456789012", "us-east-1"

#: What moto answers still: nothing of it is about a cluster.
MOTOS = {
    "get_block_public_access_configuration",
    "list_release_labels",
    "list_supported_instance_types",
    "put_block_public_access_configuration",
}


def test_no_call_is_answered_out_of_clusters_of_motos() -> None:
    model = botocore.session.get_session().get_service_model("emr")
    operations = {xform_name(name) for name in model.operation_names}
    answered = operations.intersection(dir(ElasticMapReduceResponse))
    assert answered - set(dir(Actions)) - set(REFUSED) == MOTOS
    assert operations.issuperset(REFUSED)


def test_release_labels_and_instance_types() -> None:
    backend = emr_backends[ACCOUNT][REGION]
    assert "emr-7.13.0" in backend.list_release_labels()
    assert "m6i.xlarge" in backend._get_instance_type_names("emr-7.13.0")
    known = backend._instance_types["m6i.xlarge"]
    assert (known["VCPU"], int(known["MemoryGB"])) == (4, 15)


def test_where_roles_subnets_and_groups_are_asked_for() -> None:
    iam, ec2 = iam_backends[ACCOUNT]["aws"], ec2_backends[ACCOUNT][REGION]
    for owner, name in (
        (iam, "get_role"),
        (iam, "get_instance_profile"),
        (ec2, "get_subnet"),
        (ec2, "get_security_group_from_id"),
    ):
        assert callable(getattr(owner, name))


def test_versions_are_those_that_run() -> None:
    assert set(versions()) == {"Hadoop", "Spark"}
    assert versions()["Hadoop"].startswith("3.3.")
