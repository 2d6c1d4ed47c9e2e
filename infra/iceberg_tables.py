"""The lake's Iceberg tables, made and evolved by a function of ours.

Glue's own CloudFormation type can make an Iceberg table, but an update through it loses the
table's pointer to its metadata:
https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1919
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import CustomResource, Duration, RemovalPolicy
from constructs import Construct

from headrace.plan import TablePlan


@dataclass(frozen=True)
class IcebergTablesProps:
    """Where the tables are, and who makes them.

    Parameters
    ----------
    database : str
        Glue database.
    bucket : str
        Name of the lake's bucket.
    tables : sequence of TablePlan
        Those of the study and the quarantine.
    function_arn : str
        ARN of function ``table``, which answers the custom resource.
    timeout_s : int
        Seconds until CloudFormation gives up on it; its own default is an hour.
    """

    database: str
    bucket: str
    tables: Sequence[TablePlan]
    function_arn: str
    timeout_s: int = 300


class IcebergTables(Construct):
    """One custom resource a table.

    Examples
    --------
    >>> IcebergTables(stack, "Tables", IcebergTablesProps("speeches", bucket, plan.tables, arn))
    """

    def __init__(self, scope: Construct, id_: str, props: IcebergTablesProps) -> None:
        super().__init__(scope, id_)
        self.tables = [self._table(table, props) for table in props.tables]

    def _table(self, table: TablePlan, props: IcebergTablesProps) -> CustomResource:
        return CustomResource(
            self,
            table.name,
            resource_type="Custom::IcebergTable",
            service_token=props.function_arn,
            service_timeout=Duration.seconds(props.timeout_s),
            properties={
                "Database": props.database,
                "Table": table.name,
                "Location": f"s3://{props.bucket}/tables/{table.name}",
                "Columns": [
                    {"Name": c.name, "Type": c.type} for c in (*table.columns, *table.lineage)
                ],
            },
            # A table that a study no longer names stays in the lake.
            removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        )
