"""Which long tests a change is about: those beside it, those that import it, and its witnesses.

    python -m scripts.changed_tests [BASE]
    python -m scripts.changed_tests --of FILE...

Lists folders and files of tests, one per line, for these files, or for whatever differs from where
this branch left BASE (main, unless another is named), uncommitted and new files included. `make
test LONG=BASE` runs the long tests there, the nearest to the change first, for as long as SECONDS
allows. The rest, and what lies further up and only uses what changed, is left to `make everything`.
"""

from __future__ import annotations

import re
import subprocess
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[1]
SOURCE = "src/gradbook/"
EVERYTHING = ("Makefile", ".ci/", "pyproject.toml", "tests/conftest.py", "tests/outside/witness.py")
PAGES, BOOKS, ENGINE = "tests/outside/pages", "tests/outside/books", "tests/outside/engine"
AGREE, SYSTEMS, DISKS = "tests/agree", "tests/outside/systems", "tests/outside/disks"
SECONDS = 480  # of long tests for one change, about four minutes on two processors
IMPORT = re.compile(  # which a parser would find, too, but not within a moment
    r"^ *(?:from (?P<home>[\w.]+) )?import (?P<things>\([^)]*\)|.*)", re.MULTILINE
)
TOLD = ("tests/test_documents.py", "tests/test_words.py", "tests/test_tutorials.py")
JUDGED = (  # by hundreds of books, in which what a change breaks elsewhere shows first
    "tests/audit/test_kinds.py",
    "tests/audit/test_mutants.py",
    "tests/audit/repair/test_once_missed.py",
)
FIRST = {f"{SOURCE}audit/": JUDGED, f"{SOURCE}cells/": JUDGED}
BESIDE = {  # beginning of a path → what else asks about it
    f"{SOURCE}web/": ("tests/web", PAGES),
    f"{SOURCE}report/": (PAGES,),
    f"{SOURCE}serve/": (PAGES,),
    f"{SOURCE}targets/page/": ("tests/web", "tests/report/play", f"{PAGES}/play"),
    f"{SOURCE}targets/algebra/": (PAGES,),
    f"{SOURCE}targets/drawing/": (PAGES,),
    f"{SOURCE}targets/excel/": (BOOKS, AGREE),
    f"{SOURCE}targets/c/": ("tests/engine", ENGINE, SYSTEMS, AGREE),
    f"{SOURCE}targets/portable/": ("tests/outside/devices", AGREE),
    f"{SOURCE}engine/": (ENGINE, SYSTEMS),
    f"{SOURCE}arrays/": ("tests/test_arrays.py",),
    f"{SOURCE}audit/": (BOOKS,),
    f"{SOURCE}cells/": (BOOKS, "tests/derivatives", "tests/audit"),
    f"{SOURCE}derivatives/": (BOOKS, PAGES, "tests/cli/verbs/test_derivatives.py"),
    f"{SOURCE}formats/": ("tests/cli/verbs/test_export.py",),
    f"{SOURCE}graph/": (AGREE, "tests/targets", BOOKS, ENGINE),
    f"{SOURCE}layers/": (AGREE, "tests/targets", "tests/formats", BOOKS, ENGINE),
    f"{SOURCE}net/": (AGREE, "tests/targets", BOOKS, ENGINE),
    f"{SOURCE}lowering.py": (AGREE, "tests/targets"),
    f"{SOURCE}lab/": ("tests/cli/training",),
    f"{SOURCE}work/": (SYSTEMS,),
    f"{SOURCE}files.py": (DISKS,),
    f"{SOURCE}folders.py": (DISKS,),
    f"{SOURCE}system.py": (SYSTEMS,),
    f"{SOURCE}statements.py": ("tests/net", "tests/lab/recipes", "tests/lab/study"),
    f"{SOURCE}arguments.py": ("tests/net", "tests/rates", "tests/lab/models"),
    f"{SOURCE}__main__.py": ("tests/cli/test_main.py",),
    f"{SOURCE}__init__.py": ("tests/test_public_face.py",),
    "tests/outside/browser.py": (PAGES,),
    "docs/": (*TOLD, "tests/test_site.py"),
    "site/": ("tests/test_site.py",),
    "scripts/": ("tests/test_site.py", "tests/test_package.py", "tests/test_documents.py"),
    "packaging/": ("tests/test_package.py",),
    "examples/": ("tests/test_examples.py", "tests/test_plugins.py"),
    "bench/": ("tests/bench", "tests/test_documents.py"),
    "paper/": (f"{PAGES}/test_paper.py",),
    "": ("tests/test_rooms.py", "tests/test_import_flow.py"),
}


def changed(base: str) -> list[str]:
    """The paths that differ from the commit in which this branch left the base."""
    differing = _git("diff", "--name-only", "--merge-base", base)
    return sorted({*differing, *_git("ls-files", "--others", "--exclude-standard")})


def _git(*words: str) -> list[str]:
    said = subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True, text=True)
    return said.stdout.splitlines()


def chosen(paths: Iterable[str]) -> list[str]:
    """The folders and files of tests for these: none within another, and all of them there."""
    tests = {test for path in paths for test, _ in _tests_of(path) if (ROOT / test).exists()}
    return sorted(
        test for test in tests if not any(str(up) in tests for up in PurePosixPath(test).parents)
    )


def nearest(paths: Iterable[str], long: Mapping[str, float]) -> list[str]:
    """Of the long tests, by the seconds that each takes, those to run for these changes."""
    distances: dict[str, int] = {}
    for test, distance in (pair for path in paths for pair in _tests_of(path)):
        distances[test] = min(distance, distances.get(test, distance))

    def distance_of(test: str) -> int | None:
        places = PurePosixPath("tests", test.partition("::")[0])
        return min(
            (distances[str(at)] for at in (places, *places.parents) if str(at) in distances),
            default=None,
        )

    order = {test: (distance_of(test), seconds) for test, seconds in long.items()}
    room, tests = SECONDS, []
    for test in sorted((test for test in long if order[test][0] is not None), key=order.get):
        if long[test] <= room:
            tests.append(test)
            room -= long[test]
    return tests


def _tests_of(path: str) -> Iterator[tuple[str, int]]:
    """Files and folders of tests, and how near each is to this path."""
    if path.startswith("tests/"):
        yield (path, 0) if PurePosixPath(path).match("test_*.py") else (material_of(path), 1)
    if path.startswith(SOURCE):
        yield mirrored(path), 1
        module = path.removeprefix("src/").removesuffix(".py").removesuffix("/__init__")
        yield from ((test, 2) for test in importers().get(module.replace("/", "."), ()))
    for table, distance in ((FIRST, -1), (BESIDE, 3)):
        for beginning, tests in table.items():
            if path.startswith(beginning):
                yield from ((test, distance) for test in tests)
    if path.startswith(EVERYTHING):
        yield "tests", 4


def mirrored(path: str) -> str:
    """The tests that stand where the file stands: its own, or the nearest folder's."""
    place = PurePosixPath(path.removeprefix(SOURCE))
    own = PurePosixPath("tests") / place.parent / f"test_{place.stem}.py"
    if (ROOT / own).exists():
        return str(own)
    folder = own.parent
    while not (ROOT / folder).exists():
        folder = folder.parent
    return str(folder) if folder != PurePosixPath("tests") else "tests/test_rooms.py"


def material_of(path: str) -> str:
    """The nearest folder with tests: what lies beside them, or in folders of its own, is theirs."""
    folder = PurePosixPath(path).parent
    while not any((ROOT / folder).glob("*test*.*")):
        folder = folder.parent
    return str(folder)


@cache
def importers() -> dict[str, set[str]]:
    """Module → the files of tests that import it themselves."""
    found: dict[str, set[str]] = {}
    for path in (ROOT / "tests").rglob("test_*.py"):
        for line in IMPORT.finditer(path.read_text("utf-8")):
            home, things = line["home"], re.findall(r"[\w.]+", line["things"])
            for name in [home, *(f"{home}.{thing}" for thing in things)] if home else things:
                found.setdefault(name, set()).add(path.relative_to(ROOT).as_posix())
    return found


def main() -> None:
    parser = ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("base", nargs="?", default="main", metavar="BASE")
    parser.add_argument("--of", nargs="+", metavar="FILE")
    options = parser.parse_args()
    print("\n".join(chosen(options.of or changed(options.base))))


if __name__ == "__main__":
    main()
