"""Every property that our templates set is read back by the service's own call."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from localcloud.cloud import Cloud
from localcloud.control.types.base import Here, Property
from localcloud.control.types.registry import type_of
from localcloud.control.verify import ABSENT, differences
from tests.acceptance.conftest import House

PREFIX = "headrace-speeches-"
COLUMN_TYPES = {"long": "bigint", "timestamptz": "timestamp"}


def is_intrinsic(value: Any) -> bool:
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)).startswith(
        ("Ref", "Fn::")
    )  # fmt: skip


def literal(want: Any, got: Any) -> Any:
    """The template's value, with what only a deploy knows taken from what was read back."""
    if is_intrinsic(want):
        return got
    if isinstance(want, dict) and isinstance(got, dict):
        return {k: literal(v, got.get(k, ABSENT)) for k, v in want.items()}
    if isinstance(want, list) and isinstance(got, list) and len(want) == len(got):
        return [literal(w, g) for w, g in zip(want, got, strict=True)]
    return want


def resolved(value: Any, ids: dict[str, str]) -> Any:
    """The template's value with each `Ref` as the physical id, and functions' ARNs."""
    if isinstance(value, dict):
        name, attribute = value.get("Fn::GetAtt", ("", ""))
        if attribute == "Arn" and "Function" in name:
            return f"arn:aws:lambda:us-east-1:123456789012:function:{ids[name]}"
        if value.keys() == {"Ref"} and value["Ref"] in ids:
            return ids[value["Ref"]]
        return {k: resolved(v, ids) for k, v in value.items()}
    return [resolved(v, ids) for v in value] if isinstance(value, list) else value


def resources(house: House) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Stack, type, physical id and properties of everything that is deployed."""
    cloudformation = house.client("cloudformation")
    every = [each["StackName"] for each in cloudformation.describe_stacks()["Stacks"]]
    for stack in (name for name in every if name.startswith(PREFIX)):
        template = cloudformation.get_template(StackName=stack)["TemplateBody"]
        template = json.loads(template) if isinstance(template, str) else template
        pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
        ids = {
            r["LogicalResourceId"]: r["PhysicalResourceId"]
            for p in pages
            for r in p["StackResourceSummaries"]
        }
        for logical, said in template["Resources"].items():
            yield stack, said["Type"], ids[logical], resolved(said.get("Properties", {}), ids)


@pytest.fixture(scope="module")
def read_back(house: House) -> list[tuple[str, str, Any, Any, Property]]:
    """(type, property, template's value, service's value, declaration) of each one."""
    port = urlsplit(house.environment["AWS_ENDPOINT_URL"]).port
    cloud = Cloud(port or 0, Path("unused"))
    found = []
    for stack, kind, physical, properties in resources(house):
        if kind.startswith("Custom::"):
            continue
        known = type_of(kind)
        here = Here(cloud, stack, stack, physical, kind)
        got = known.read(here, physical, copy.deepcopy(properties)) or {}
        for name, want in properties.items():
            assert name in known.properties, f"{kind} {name} has no call that reads it back"
            found.append((kind, name, want, got.get(name, ABSENT), known.properties[name]))
    return found


def test_each_property_names_the_call_that_reads_it_and_reads_back_equal(
    read_back: list[tuple[str, str, Any, Any, Property]],
) -> None:
    assert len({(kind, name) for kind, name, *_ in read_back}) > 60
    wrong = []
    for kind, name, want, got, declared in read_back:
        service, call = declared.read_by.split(":", 1)
        assert service, call
        if got is ABSENT:
            wrong.append(f"{kind} {name}: not read back")
            continue
        parsed = json.loads(got) if isinstance(got, str) and isinstance(want, dict) and not (
            is_intrinsic(want)
        ) else got  # fmt: skip
        wrong += [
            f"{kind} {path}" for path in differences(
                literal(want, parsed), ABSENT, parsed, declared, name
            )
        ]  # fmt: skip
    assert not wrong


def test_the_lakes_tables_have_the_columns_of_the_template(house: House) -> None:
    glue = house.client("glue")
    tables = [p for _, kind, _, p in resources(house) if kind == "Custom::IcebergTable"]
    assert [t["Table"] for t in tables] == ["sentences", "quarantine"]
    for said in tables:
        table = glue.get_table(DatabaseName=said["Database"], Name=said["Table"])["Table"]
        columns = [(c["Name"], c["Type"]) for c in table["StorageDescriptor"]["Columns"]]
        assert columns == [
            (c["Name"], COLUMN_TYPES.get(c["Type"], c["Type"])) for c in said["Columns"]
        ]
        assert table["StorageDescriptor"]["Location"].endswith(f"tables/{said['Table']}")
        assert table["Parameters"]["table_type"] == "ICEBERG"


def test_what_is_stored_but_not_acted_on_is_told_at_deploy(house: House) -> None:
    told = house.headrace("deploy", "speeches")
    said = told.stdout + told.stderr
    for kind in ("AWS::CloudWatch::Alarm", "LifecycleConfiguration"):
        assert kind in said
