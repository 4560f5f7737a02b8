"""Cuts a release: version and date wherever they stand, and the recipe for conda with its hash.

python -m scripts.release 1.2.0 2026-12-24    what is unreleased becomes 1.2.0
python -m scripts.release --recipe            out/conda-recipe.yaml, of what was built in dist/
python -m scripts.release --notes             prints what the changelog says of this version
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from gradbook import __version__
from scripts.home import HOME, Home

ROOT = Path(__file__).resolve().parents[1]
VERSION = re.compile(r"\d+\.\d+\.\d+")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
PACKAGE, CHANGES, CITATION = "src/gradbook/__init__.py", "CHANGELOG.md", "CITATION.cff"
CITED = re.compile(r"^(?:version|date-released|repository-code|url): .*\n", re.MULTILINE)
RECIPE = "packaging/conda-recipe.yaml"
UNRELEASED = "## Unreleased\n"
RELEASED = re.compile(r"^## (\d+\.\d+\.\d+) - (\d{4}-\d\d-\d\d)\n((?:(?!## ).*\n?)*)", re.MULTILINE)


def cut(texts: Mapping[str, str], version: str, day: str) -> dict[str, str]:
    """The files of the project as they are in that release."""
    package = re.sub(r'(?<=^__version__ = ")[^"]*', version, texts[PACKAGE], flags=re.MULTILINE)
    changes = texts[CHANGES].replace(UNRELEASED, f"## {version} - {day}\n")
    return {PACKAGE: package, CHANGES: changes, CITATION: cited(texts[CITATION], version, day)}


def cited(text: str, version: str, day: str, home: Home = HOME) -> str:
    """How to cite that release, with its addresses as far as it has any."""
    said = {
        "version": version,
        "date-released": day,
        "repository-code": home.repository,
        "url": home.site,
    }
    lines = [f'{name}: "{value}"\n' for name, value in said.items() if value]
    return CITED.sub("", text).rstrip() + "\n" + "".join(lines)


def filled_recipe(archive: Path, version: str = __version__, home: Home = HOME) -> str:
    """The recipe for conda of the sources that were built."""
    text = (ROOT / RECIPE).read_text("utf-8")
    about = {"repository": home.repository, "documentation": home.site}
    lines = "".join(f"  {name}: {value}\n" for name, value in about.items() if value)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    return text.replace("VERSION", version).replace("SHA256", digest).rstrip() + "\n" + lines


def releases(changes: str) -> dict[str, tuple[str, str]]:
    """The day and the changes of each version in the changelog."""
    return {version: (day, text.strip()) for version, day, text in RELEASED.findall(changes)}


def main(words: list[str]) -> None:
    match words:
        case ["--recipe"]:
            recipe = filled_recipe(ROOT / "dist" / f"gradbook-{__version__}.tar.gz")
            (ROOT / "out").mkdir(exist_ok=True)
            (ROOT / "out" / "conda-recipe.yaml").write_text(recipe, "utf-8")
        case ["--notes"]:
            print(releases((ROOT / CHANGES).read_text("utf-8"))[__version__][1])
        case [version, day] if VERSION.fullmatch(version) and DAY.fullmatch(day):
            texts = {
                name: (ROOT / name).read_text("utf-8") for name in (PACKAGE, CHANGES, CITATION)
            }
            for name, text in cut(texts, version, day).items():
                (ROOT / name).write_text(text, "utf-8")
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
