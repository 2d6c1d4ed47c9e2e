"""The Athena workgroup: what a query may scan, and where its results go."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_athena as athena
from constructs import Construct


@dataclass(frozen=True)
class WorkgroupProps:
    """Name, limit and place.

    Parameters
    ----------
    name : str
        Physical name.
    description : str
        Shown in the console.
    bucket : str
        Name of the bucket that results go to, under ``athena/``.
    scan_limit_bytes : int
        A query is cancelled once it has scanned more; Athena bills by bytes scanned.
    """

    name: str
    description: str
    bucket: str
    scan_limit_bytes: int


class Workgroup(Construct):
    """The workgroup, whose settings win over those of whoever asks.

    Examples
    --------
    >>> Workgroup(stack, "Workgroup", WorkgroupProps("headrace-speeches", "...", bucket, 2**30))
    """

    def __init__(self, scope: Construct, id_: str, props: WorkgroupProps) -> None:
        super().__init__(scope, id_)
        self.workgroup = athena.CfnWorkGroup(
            self,
            "Workgroup",
            name=props.name,
            description=props.description,
            # It holds no data but its history, which would stop a deletion.
            recursive_delete_option=True,
            work_group_configuration=athena.CfnWorkGroup.WorkGroupConfigurationProperty(
                bytes_scanned_cutoff_per_query=props.scan_limit_bytes,
                # Or a client's own settings would get round limit, place and encryption.
                enforce_work_group_configuration=True,
                # SQL means what it meant when the study was written.
                engine_version=athena.CfnWorkGroup.EngineVersionProperty(
                    selected_engine_version="Athena engine version 3"
                ),
                result_configuration=athena.CfnWorkGroup.ResultConfigurationProperty(
                    output_location=f"s3://{props.bucket}/athena/",
                    encryption_configuration=athena.CfnWorkGroup.EncryptionConfigurationProperty(
                        encryption_option="SSE_S3"
                    ),
                ),
            ),
        )
