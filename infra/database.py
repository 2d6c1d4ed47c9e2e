"""The Glue database that holds the study's tables, and is kept as they are."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Aws, RemovalPolicy
from aws_cdk import aws_glue as glue
from constructs import Construct


@dataclass(frozen=True)
class DatabaseProps:
    """What the database is called.

    Parameters
    ----------
    name : str
        As SQL says it.
    description : str
        Shown in the console: the study's question.
    """

    name: str
    description: str


class Database(Construct):
    """The database; its tables are made by :class:`infra.iceberg_tables.IcebergTables`.

    Examples
    --------
    >>> Database(stack, "Database", DatabaseProps(name="speeches", description="How ...?"))
    """

    def __init__(self, scope: Construct, id_: str, props: DatabaseProps) -> None:
        super().__init__(scope, id_)
        self.database = glue.CfnDatabase(
            self,
            "Database",
            catalog_id=Aws.ACCOUNT_ID,
            database_input=glue.CfnDatabase.DatabaseInputProperty(
                name=props.name, description=props.description
            ),
        )
        # Without its database no table can be found, though every file is there.
        self.database.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
