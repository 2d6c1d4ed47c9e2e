"""The stack that holds a study's data; deleting it leaves bucket, database and tables."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from constructs import Construct

from headrace.plan import Plan
from headrace.target import Target
from infra.bundle import Assets
from infra.database import Database, DatabaseProps
from infra.external_tables import ExternalTables, ExternalTablesProps
from infra.function import Function, FunctionProps
from infra.iceberg_tables import IcebergTables, IcebergTablesProps
from infra.lake_bucket import LakeBucket, LakeBucketProps
from infra.notebook import Notebook, NotebookProps
from infra.rights import Rights
from infra.workgroup import Workgroup, WorkgroupProps


class DataStack(cdk.Stack):
    """Bucket, database, tables and workgroup.

    Parameters
    ----------
    plan : Plan
        What to build.
    target : Target
        Whose Python the functions run.
    assets : Assets
        Where zips come from.
    """

    def __init__(
        self, scope: Construct, plan: Plan, target: Target, assets: Assets, **stack: Any
    ) -> None:
        super().__init__(
            scope,
            plan.data_stack,
            description=f"Headrace, study {plan.study.name}: the lake. Kept when deleted.",
            termination_protection=True,
            **stack,
        )
        self._plan, self._target, self._assets = plan, target, assets
        self.bucket_name = plan.bucket(self.account, self.region)
        self.lake = LakeBucket(
            self,
            "Lake",
            LakeBucketProps(self.bucket_name, plan.study.notebook, clusters=bool(plan.emr)),
        )
        if plan.study.notebook:
            Notebook(self, "Notebook", NotebookProps(plan, self.bucket_name))
        self.database = Database(
            self, "Database", DatabaseProps(plan.database, plan.study.question)
        )
        self.workgroup = Workgroup(self, "Workgroup", self._workgroup_props())
        self.tables = self._tables()
        if plan.externals:
            self._externals()
        cdk.CfnOutput(self, "LakeBucket", value=self.lake.bucket.bucket_name)
        cdk.CfnOutput(self, "DatabaseName", value=self.database.database.ref)
        cdk.CfnOutput(self, "WorkgroupName", value=self.workgroup.workgroup.ref)

    def _workgroup_props(self) -> WorkgroupProps:
        return WorkgroupProps(
            name=self._plan.workgroup,
            description=self._plan.study.question,
            bucket=self.lake.bucket.bucket_name,
            scan_limit_bytes=self._plan.study.scan_limit_mib * 2**20,
        )

    def _tables(self) -> IcebergTables:
        function = Function(self, "Table", self._function_props(), self._assets, self._target)
        tables = IcebergTables(
            self,
            "Tables",
            IcebergTablesProps(
                database=self._plan.database,
                bucket=self.lake.bucket.bucket_name,
                tables=self._plan.every_table,
                function_arn=function.function.function_arn,
            ),
        )
        tables.node.add_dependency(self.database)
        return tables

    def _externals(self) -> None:
        props = ExternalTablesProps(
            self._plan.database, self.lake.bucket.bucket_name, self._plan.externals
        )
        ExternalTables(self, "Externals", props).node.add_dependency(self.database)

    def _function_props(self) -> FunctionProps:
        rights = Rights(self._plan, self.bucket_name)
        return FunctionProps(
            folder="table",
            name=self._plan.function("table"),
            description="Makes and evolves the lake's Iceberg tables",
            # What pyiceberg needs to load, and a CPU to do it in a second or two.
            memory_mib=1024,
            timeout_s=120,
            environment={"LAKE_BUCKET": self.lake.bucket.bucket_name},
            rights=rights.table(),
            wildcards=rights.wildcards("tables"),
        )
