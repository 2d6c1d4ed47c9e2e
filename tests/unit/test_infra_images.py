"""Images are named by what goes into them, and built where they are deployed."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from headrace.plan import ROOT
from infra import image_source
from infra.batch_definitions import TRY_AGAIN
from infra.image_project import BUILD_TIMEOUT_MIN, QUEUE_TIMEOUT_MIN
from infra.image_source import ImageError, Images
from infra.images import FUNCTION_TIMEOUT_S
from tests.unit.infra_synth import Synthesised, synthesise, walks


@pytest.fixture(scope="module")
def synthesised(tmp_path_factory: pytest.TempPathFactory) -> Synthesised:
    return synthesise(walks(), tmp_path_factory.mktemp("images"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with two images."""
    for name, text in {
        "boot/__init__.py": "",
        "boot/__main__.py": "print('on')",
        "boot/__pycache__/a.pyc": "no",
        "mpi/Dockerfile": "FROM a\nCOPY mpi/requirements.txt .\n",
        "mpi/requirements.txt": "numpy",
        "mpi/requirements.in": "numpy",
        "mpi/walks.py": "pass",
        "gpu/Dockerfile": "FROM b\n",
    }.items():
        path = tmp_path / "tasks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def build(root: Path, *folders: str) -> Images:
    return image_source.build(folders or ("tasks/mpi", "tasks/gpu"), root / "cache", root)


def held(images: Images) -> set[str]:
    with zipfile.ZipFile(images.context.path) as archive:
        return set(archive.namelist())


def tags(images: Images) -> dict[str, str]:
    return {image.folder: image.tag for image in images.images}


def test_the_context_holds_boot_and_what_dockerfiles_copy(root: Path) -> None:
    assert held(build(root)) == {
        "boot/__init__.py",
        "boot/__main__.py",
        "mpi/Dockerfile",
        "mpi/requirements.txt",
        "gpu/Dockerfile",
    }
    assert [i.dockerfile for i in build(root).images] == ["gpu/Dockerfile", "mpi/Dockerfile"]


@pytest.mark.parametrize("change", ["mpi/walks.py", "mpi/requirements.in", "mpi/new.py"])
def test_a_changed_program_builds_nothing(root: Path, change: str) -> None:
    before = build(root)
    (root / "tasks" / change).write_text("changed")
    assert build(root) == before


@pytest.mark.parametrize(
    ("change", "other"),
    [
        ("mpi/requirements.txt", {"tasks/mpi"}),
        ("mpi/Dockerfile", {"tasks/mpi"}),
        ("boot/__main__.py", {"tasks/mpi", "tasks/gpu"}),
    ],
)
def test_what_goes_in_names_the_image(root: Path, change: str, other: set[str]) -> None:
    before = build(root)
    (root / "tasks" / change).write_text("FROM other")
    after = build(root)
    assert {f for f, tag in tags(after).items() if tag != tags(before)[f]} == other
    assert after.context.digest != before.context.digest


def test_a_tag_does_not_depend_on_other_images(root: Path) -> None:
    assert tags(build(root, "tasks/mpi")) == {"tasks/mpi": tags(build(root))["tasks/mpi"]}


def test_a_tag_is_sixteen_hex_digits(root: Path) -> None:
    for tag in tags(build(root)).values():
        assert len(tag) == 16
        assert int(tag, 16) >= 0


def test_an_image_without_a_dockerfile_is_refused(root: Path) -> None:
    (root / "tasks" / "gpu" / "Dockerfile").unlink()
    with pytest.raises(ImageError, match="packing the image tasks/gpu, found no Dockerfile there"):
        build(root)


def test_the_real_image_copies_only_what_the_context_has(tmp_path: Path) -> None:
    made = image_source.build(["tasks/mpi"], tmp_path)
    dockerfile = (ROOT / "tasks" / "mpi" / "Dockerfile").read_text()
    copied = [line.split()[1] for line in dockerfile.splitlines() if line.startswith("COPY")]
    assert copied
    for path in copied:
        assert [name for name in held(made) if name == path or name.startswith(f"{path}/")], path
    assert "boot/__main__.py" in held(made)


def test_a_build_pushes_what_a_job_pulls(synthesised: Synthesised) -> None:
    (project,) = synthesised.of_type("AWS::CodeBuild::Project")
    told = json.loads(project["Properties"]["Source"]["BuildSpec"])
    commands = [c for phase in told["phases"].values() for c in phase["commands"]]
    assert commands == [
        'aws ecr get-login-password | docker login --username AWS --password-stdin "${IMAGE%%/*}"',
        'docker build -f "$DOCKERFILE" -t "$IMAGE" .',
        'docker push "$IMAGE"',
    ]
    # `post_build` runs after a build that failed.
    assert "post_build" not in told["phases"]
    (image,) = [n for n, r in synthesised.resources.items() if r["Type"] == "Custom::Image"]
    for definition in synthesised.of_type("AWS::Batch::JobDefinition"):
        assert {"Fn::GetAtt": [image, "Uri"]} in _values(definition["Properties"], "Image")


def test_a_build_ends_before_its_function_and_that_before_the_deploy(
    synthesised: Synthesised,
) -> None:
    assert 60 * (BUILD_TIMEOUT_MIN + QUEUE_TIMEOUT_MIN) < FUNCTION_TIMEOUT_S
    (image,) = synthesised.of_type("Custom::Image")
    assert int(image["Properties"]["ServiceTimeout"]) > FUNCTION_TIMEOUT_S


def test_a_study_of_three_stages_has_one_image(synthesised: Synthesised) -> None:
    (repository,) = synthesised.of_type("AWS::ECR::Repository")
    told = repository["Properties"]
    assert told["RepositoryName"] == "headrace-walks-mpi"
    assert told["EmptyOnDelete"] is True
    assert told["ImageTagMutability"] == "IMMUTABLE"
    (image,) = synthesised.of_type("Custom::Image")
    assert image["Properties"]["Tag"] == "0123456789abcdef"
    assert image["Properties"]["Dockerfile"] == "mpi/Dockerfile"


def test_boot_and_batch_agree_on_what_is_tried_again() -> None:
    texts = [p.read_text() for p in (ROOT / "tasks" / "boot").glob("*.py")]
    assert [text for text in texts if f"= {TRY_AGAIN}\n" in text]


def _values(value: object, key: str) -> list[object]:
    """All values under a key, however deep."""
    if isinstance(value, dict):
        inner = [found for each in value.values() for found in _values(each, key)]
        return [value[key], *inner] if key in value else inner
    return [f for item in value for f in _values(item, key)] if isinstance(value, list) else []
