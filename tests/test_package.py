"""The package as people install it: what it says of itself, what is in it, and that it works."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email import message_from_string
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from gradbook import __version__
from scripts.release_check import HOME, obstacles

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
OF_THE_PROJECT = ("Makefile", "README.md", "docs/guides/page.md", "scripts/package_metadata.py")
OF_THE_PACKAGE = ("gradbook/py.typed", "gradbook/web/report/play.css", "gradbook/cli/main.py")


def run(*words: object, **options: Any) -> str:
    command = [*map(str, words)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return str(done.stdout)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The source archive, and the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT)
    return next(folder.glob("*.tar.gz")), next(folder.glob("*.whl"))


@pytest.mark.witness("build", "twine")
def test_the_index_takes_it(built):
    run(sys.executable, "-m", "twine", "check", "--strict", *built)


@pytest.mark.witness("build")
def test_the_source_archive_has_what_its_tests_need(built):
    with tarfile.open(built[0]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    tests = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("*.py")}
    assert tests <= names
    assert names >= set(OF_THE_PROJECT)
    assert not [name for name in names if name.startswith(("out/", ".venv", ".git/"))]


@pytest.mark.witness("build")
def test_the_wheel_says_what_it_is_with_links_that_work_anywhere(built):
    with zipfile.ZipFile(built[1]) as wheel:
        assert set(wheel.namelist()) >= set(OF_THE_PACKAGE)
        assert not [name for name in wheel.namelist() if name.endswith(".po")]
        said = next(name for name in wheel.namelist() if name.endswith("/METADATA"))
        metadata = message_from_string(wheel.read(said).decode("utf-8"))
    assert metadata["Version"] == __version__
    homes = {url.split(", ")[1].split("/gradbook")[0] for url in metadata.get_all("Project-URL")}
    assert len(homes) == 1
    links = re.findall(r"\]\(([^)\s]+)\)", metadata.get_payload())
    assert len(links) > 20
    assert [link for link in links if not link.startswith("https://")] == []


@pytest.mark.witness("build")
def test_the_wheel_works_without_the_project(built, tmp_path):
    run(
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--no-deps", "--target", tmp_path / "there", built[1]),
    )
    surroundings = {**os.environ, "PYTHONPATH": str(tmp_path / "there")}
    code = "import gradbook; print(gradbook.__file__); from gradbook.cli.main import entry; entry()"
    said = run(
        *(sys.executable, "-c", code, "sheet", "worked", "-o", "book.xlsx"),
        cwd=tmp_path,
        env=surroundings,
    )
    assert said.startswith(str(tmp_path / "there"))
    judged = run(sys.executable, "-c", code, "check", "book.xlsx", cwd=tmp_path, env=surroundings)
    assert "right" in judged


def test_all_has_every_extra_that_people_use():
    extras = PROJECT["optional-dependencies"]
    (everything,) = extras["all"]
    assert set(re.findall(r"[a-z]+", everything.partition("[")[2])) == set(extras) - {"all", "test"}


def test_nothing_is_pinned_to_one_version():
    wanted = [*PROJECT["dependencies"], *chain(*PROJECT["optional-dependencies"].values())]
    assert [it for it in wanted if "==" in it] == []


def test_the_oldest_python_is_the_same_wherever_it_is_named():
    oldest = PROJECT["requires-python"].removeprefix(">=")
    assert f"Programming Language :: Python :: {oldest}" in PROJECT["classifiers"]
    assert f"Python {oldest} or newer" in (ROOT / "README.md").read_text("utf-8")


def test_what_does_not_agree_is_not_published():
    metadata = (ROOT / "scripts/package_metadata.py").read_text("utf-8")
    (home,) = HOME.findall(metadata)
    elsewhere = "https://example.org/gradbook"
    wrong = obstacles("v99.0.0", elsewhere)
    assert f"the tag is v99.0.0, but the version is {__version__}" in wrong
    assert (
        f"scripts/package_metadata.py says HOME = {home}, but this is https://example.org/gradbook"
        in wrong
    )
    assert obstacles(f"v{__version__}", home) == []


def test_the_conda_recipe_asks_for_what_the_package_asks_for():
    recipe = (ROOT / "packaging/conda-recipe.yaml").read_text("utf-8")
    wanted = set(re.findall(r"^    - (\w+) (>=\S+)$", recipe.partition("  run:")[2], re.MULTILINE))
    package = {tuple(re.split("(?=>)", it)) for it in PROJECT["dependencies"]}
    assert wanted == {*package, ("python", PROJECT["requires-python"])}
    assert f'version: "{__version__}"' in recipe
    assert all(f"gradbook = {it}" in recipe for it in PROJECT["scripts"].values())
