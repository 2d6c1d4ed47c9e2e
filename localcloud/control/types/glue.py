"""AWS::Glue::Database and AWS::Glue::Table (plain tables; pyiceberg makes Iceberg's)."""

from __future__ import annotations

from localcloud.control.types.base import Here, Properties, Property, ResourceType, pick


class Database(ResourceType):
    """A database."""

    type = "AWS::Glue::Database"
    properties = {
        "CatalogId": Property("glue:GetDatabase", replaces=True),
        "DatabaseInput": Property("glue:GetDatabase"),
        "DatabaseName": Property("glue:GetDatabase", replaces=True),
    }

    def create(self, here: Here, want: Properties) -> str:
        """Make the database; one of the same name is an error."""
        words = self._input(here, want)
        here.client("glue").create_database(DatabaseInput=words)
        return str(words["Name"])

    def _input(self, here: Here, want: Properties) -> Properties:
        named = want.get("DatabaseName") or want["DatabaseInput"].get("Name")
        return {**want["DatabaseInput"], "Name": named or here.name(255, lower=True)}

    def replaced_by(self, had: Properties, want: Properties) -> list[str]:
        """A new name needs a new database."""
        inner = [each.get("DatabaseInput", {}).get("Name") for each in (had, want)]
        more = ["DatabaseInput"] if inner[0] != inner[1] else []
        return super().replaced_by(had, want) + more

    def settle(self, here: Here, made: str, had: Properties, want: Properties) -> None:
        """Update the database."""
        if had:
            words = {**want["DatabaseInput"], "Name": made}
            here.client("glue").update_database(Name=made, DatabaseInput=words)

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Delete the database, and its tables as Glue does."""
        client = here.client("glue")
        try:
            client.delete_database(Name=made)
        except client.exceptions.EntityNotFoundException:
            return

    def read(self, here: Here, made: str, want: Properties) -> Properties:
        """Get the database."""
        got = here.client("glue").get_database(Name=made)["Database"]
        catalog = got.get("CatalogId") or here.cloud.account
        return {"CatalogId": catalog, "DatabaseName": got["Name"], "DatabaseInput": got}


class Table(ResourceType):
    """A table."""

    type = "AWS::Glue::Table"
    properties = {
        "CatalogId": Property("glue:GetTable", replaces=True),
        "DatabaseName": Property("glue:GetTable", replaces=True),
        "Name": Property("glue:GetTable", replaces=True),
        "TableInput": Property("glue:GetTable"),
    }

    def create(self, here: Here, want: Properties) -> str:
        """Make the table; one of the same name is an error."""
        name = want.get("Name") or want["TableInput"].get("Name") or here.name(255, lower=True)
        words = {**want["TableInput"], "Name": name}
        here.client("glue").create_table(DatabaseName=want["DatabaseName"], TableInput=words)
        return str(name)

    def replaced_by(self, had: Properties, want: Properties) -> list[str]:
        """A new name needs a new table."""
        inner = [each.get("TableInput", {}).get("Name") for each in (had, want)]
        more = ["TableInput"] if inner[0] != inner[1] else []
        return super().replaced_by(had, want) + more

    def settle(self, here: Here, made: str, had: Properties, want: Properties) -> None:
        """Update the table."""
        if had:
            words = {**want["TableInput"], "Name": made}
            here.client("glue").update_table(DatabaseName=want["DatabaseName"], TableInput=words)

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Delete the table."""
        client = here.client("glue")
        try:
            client.delete_table(DatabaseName=had["DatabaseName"], Name=made)
        except client.exceptions.EntityNotFoundException:
            return

    def read(self, here: Here, made: str, want: Properties) -> Properties:
        """Get the table."""
        got = here.client("glue").get_table(DatabaseName=want["DatabaseName"], Name=made)["Table"]
        catalog = got.get("CatalogId") or here.cloud.account
        return {"CatalogId": catalog, "TableInput": got} | pick(got, "DatabaseName", "Name")
