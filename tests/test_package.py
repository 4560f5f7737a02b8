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
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from gradbook import __version__
from scripts.home import HOME, Home, urls, with_absolute_links
from scripts.release import (
    CHANGES,
    CITATION,
    PACKAGE,
    UNRELEASED,
    cited,
    cut,
    filled_recipe,
    releases,
)
from scripts.release_check import obstacles

ROOT = Path(__file__).parent.parent
WORKFLOWS = ROOT / ".github" / "workflows"
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
        assert not [name for name in wheel.namelist() if name.endswith((".po", ".md"))]
        said = next(name for name in wheel.namelist() if name.endswith("/METADATA"))
        metadata = message_from_string(wheel.read(said).decode("utf-8"))
    assert metadata["Version"] == __version__
    assert len(metadata.get_all("Project-URL", [])) == len(urls(HOME))
    links = re.findall(r"\]\(([^)\s]+)\)", metadata.get_payload())
    assert [link for link in links if not link.startswith("https://")] == []
    assert "OWNER" not in str(metadata)


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


def interpreters() -> dict[str, Path]:
    """This Python and the others of this machine that the package is for, by exact versions."""
    folders = [*map(Path, os.get_exec_path()), *Path.home().glob(".pyenv/versions/*/bin")]
    names = {line.rpartition(" ")[2] for line in PROJECT["classifiers"] if ":: 3." in line}
    found = {".".join(map(str, sys.version_info[:3])): Path(sys.executable)}
    for path in (folder / f"python{name}" for folder in folders for name in sorted(names)):
        if path.exists():
            said = subprocess.run([path, "--version"], check=False, capture_output=True, text=True)
            if said.returncode == 0:  # a shim may lead nowhere
                found.setdefault(said.stdout.split()[1], path)
    return found


@pytest.mark.witness("build")
def test_the_wheel_works_in_every_python(built, tmp_path):
    for version, path in interpreters().items():
        folder = tmp_path / version
        python = folder / ("Scripts" if os.name == "nt" else "bin")
        run(path, "-m", "venv", folder)
        run(python / "python", "-m", "pip", "install", "--quiet", built[1])
        commands = (
            *("--version", "explain worked --only w5", "sheet worked -o book.xlsx"),
            *("check book.xlsx", "play xor -o xor.html", "summary quick"),
        )
        said = [run(python / "gradbook", *words.split(), cwd=folder) for words in commands]
        assert __version__ in said[0]
        assert "0.01288082" in said[1]
        assert "right" in said[3]


def test_all_has_every_extra_that_people_use():
    extras = PROJECT["optional-dependencies"]
    (everything,) = extras["all"]
    assert set(re.findall(r"[a-z]+", everything.partition("[")[2])) == set(extras) - {"all"}


def test_nothing_is_pinned_to_one_version():
    wanted = [*PROJECT["dependencies"], *chain(*PROJECT["optional-dependencies"].values())]
    assert [it for it in wanted if "==" in it] == []


def test_the_oldest_python_is_the_same_wherever_it_is_named():
    oldest = PROJECT["requires-python"].removeprefix(">=")
    assert f"Programming Language :: Python :: {oldest}" in PROJECT["classifiers"]
    assert f"Python {oldest} or newer" in (ROOT / "README.md").read_text("utf-8")


OWNED = Home("somebody", "https://somebody.example/gradbook/")


def test_what_others_wrote_for_the_workflows_cannot_change_unseen():
    used = re.findall(
        r"uses: (\S+)", "".join(path.read_text("utf-8") for path in WORKFLOWS.glob("*.yml"))
    )
    assert used
    assert [name for name in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", name)] == []


def test_the_notes_of_a_release_are_its_part_of_the_changelog():
    text = "# Changelog\n\n## 2.0.0 - 2027-01-02\n\n- New\n\n## 1.0.0 - 2026-01-02\n\n- Old\n"
    assert releases(text) == {"2.0.0": ("2027-01-02", "- New"), "1.0.0": ("2026-01-02", "- Old")}


def test_what_does_not_agree_is_not_published():
    wrong = obstacles("v99.0.0", "https://example.org/gradbook", OWNED)
    assert f"the tag is v99.0.0, but the version is {__version__}" in wrong
    address = f"scripts/home.py says {OWNED.repository}, but this is https://example.org/gradbook"
    assert address in wrong
    assert any(line.startswith("CITATION.cff doesn't say") for line in wrong)
    assert ".github/CODEOWNERS has no line '* @somebody'" in wrong


def test_nothing_is_published_before_there_is_a_home():
    for home in (Home(), Home("someone"), Home(site="https://example.org/")):
        (told,) = (line for line in obstacles("v1.0.0", "", home) if "home.py: fill in" in line)
        assert 'HOME = Home("OWNER", "https://SITE/")' in told
    assert not any("home.py" in line for line in obstacles("v1.0.0", OWNED.repository, OWNED))


def test_nobody_is_named_before_there_is_a_home():
    """And wherever there is one, by what is built and written."""
    readme = "[docs](docs/page.md) ![a page](docs/page.png) [there](https://example.org)"
    assert with_absolute_links(readme, Home()) == "docs  [there](https://example.org)"
    assert f"[docs]({OWNED.repository}/blob/main/docs/page.md)" in with_absolute_links(
        readme, OWNED
    )
    assert urls(Home()) == {}
    assert urls(OWNED)["Documentation"] == OWNED.site
    assert "repository-code" not in cited("title: x\n", "1.0.0", "2026-01-01", Home())
    assert f'url: "{OWNED.site}"' in cited("title: x\n", "1.0.0", "2026-01-01", OWNED)


def test_a_release_is_cut_wherever_its_version_stands():
    texts = {
        PACKAGE: '__version__ = "1.0.0"\n',
        CHANGES: UNRELEASED,
        CITATION: 'version: "1.0.0"\n',
    }
    made = cut(texts, "2.3.4", "2027-01-02")
    assert made[PACKAGE] == '__version__ = "2.3.4"\n'
    assert made[CHANGES] == "## 2.3.4 - 2027-01-02\n"
    assert made[CITATION].splitlines() == ["", 'version: "2.3.4"', 'date-released: "2027-01-02"']


def test_the_conda_recipe_asks_for_what_the_package_asks_for(tmp_path):
    archive = tmp_path / "sources"
    archive.write_bytes(b"sources")
    recipe = filled_recipe(archive, home=OWNED)
    assert f'sha256: "{sha256(b"sources").hexdigest()}"' in recipe
    assert recipe.endswith(f"  repository: {OWNED.repository}\n  documentation: {OWNED.site}\n")
    wanted = set(re.findall(r"^    - (\w+) (>=\S+)$", recipe.partition("  run:")[2], re.MULTILINE))
    package = {tuple(re.split("(?=>)", it)) for it in PROJECT["dependencies"]}
    assert wanted == {*package, ("python", PROJECT["requires-python"])}
    assert f'version: "{__version__}"' in recipe
    assert all(f"gradbook = {it}" in recipe for it in PROJECT["scripts"].values())
