"""Tables of others as the study's database knows them: Parquet files, read by column name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Aws, RemovalPolicy
from aws_cdk import aws_glue as glue
from constructs import Construct

from headrace.plan import ExternalPlan

#: Hive's name for each of Iceberg's types that a schema may use:
#: https://docs.aws.amazon.com/athena/latest/ug/data-types.html
HIVE_TYPES = {
    "boolean": "boolean",
    "long": "bigint",
    "double": "double",
    "string": "string",
    "binary": "binary",
    "date": "date",
    "timestamptz": "timestamp",
}
_PARQUET = "org.apache.hadoop.hive.ql.io.parquet"


@dataclass(frozen=True)
class ExternalTablesProps:
    """Which tables.

    Parameters
    ----------
    database : str
        Glue database.
    bucket : str
        The lake's, for locations that name it as ``{lake}``.
    tables : sequence of ExternalPlan
        Those of the study.
    """

    database: str
    bucket: str
    tables: Sequence[ExternalPlan]


class ExternalTables(Construct):
    """One Glue table each. They hold nothing, so they go with their stack.

    Examples
    --------
    >>> ExternalTables(stack, "Externals", ExternalTablesProps("crawl", bucket, plan.externals))
    """

    def __init__(self, scope: Construct, id_: str, props: ExternalTablesProps) -> None:
        super().__init__(scope, id_)
        self.tables = [self._table(table, props) for table in props.tables]

    def _table(self, table: ExternalPlan, props: ExternalTablesProps) -> glue.CfnTable:
        made = glue.CfnTable(
            self,
            table.name,
            catalog_id=Aws.ACCOUNT_ID,
            database_name=props.database,
            table_input=glue.CfnTable.TableInputProperty(
                name=table.name,
                table_type="EXTERNAL_TABLE",
                parameters={"EXTERNAL": "TRUE", "classification": "parquet"},
                storage_descriptor=_storage(table, props.bucket),
            ),
        )
        made.apply_removal_policy(RemovalPolicy.DESTROY)
        return made


def _storage(table: ExternalPlan, bucket: str) -> glue.CfnTable.StorageDescriptorProperty:
    return glue.CfnTable.StorageDescriptorProperty(
        columns=[
            glue.CfnTable.ColumnProperty(name=c.name, type=HIVE_TYPES[c.type])
            for c in table.columns
        ],
        location=table.location.replace("{lake}", bucket),
        input_format=f"{_PARQUET}.MapredParquetInputFormat",
        output_format=f"{_PARQUET}.MapredParquetOutputFormat",
        serde_info=glue.CfnTable.SerdeInfoProperty(
            serialization_library=f"{_PARQUET}.serde.ParquetHiveSerDe"
        ),
    )
