"""The page that checks by itself, without a browser: what it may do, and what it brings along."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import zipfile
import zlib
from io import BytesIO
from pathlib import Path

import pytest

import gradbook
from gradbook.arrays.stand_in import NAMES
from gradbook.cli.main import main
from gradbook.engine.pyodide import BrowserPython
from gradbook.errors import FileError
from gradbook.language import in_language
from gradbook.report.check_page import check_page, check_parts
from gradbook.report.packed_modules import WITH_NUMPY
from tests.cases import for_each
from tests.serve.books import a_class, content, exercises, laid_out

NO_PYTHON = BrowserPython("", b"", b"")
# The packed modules in a Python that has nothing else: neither NumPy nor any other package.
ASKING = """
import json, sys
from pathlib import Path
from gradbook.arrays import stand_in
stand_in()
from gradbook.serve import in_browser as page
lines = []
for path in sorted(Path("class").iterdir()):
    name, content = str(path), path.read_bytes()
    found = json.loads(page.judge("en", name, content))
    lines.append(found["line"])
    for kind, copy in (("marked", page.mark), ("corrected", page.correct)):
        made, said = copy("en", name, content, found["line"])
        if made:
            (Path(kind) / path.name).write_bytes(made)
json.loads(page.sum_up("de", lines))
json.loads(page.lose("fr", "book.xlsx", 900))
for ending in (".html", ".csv", ".json"):
    Path(f"page{ending}").write_bytes(page.write("en", ending, lines))
"""


@pytest.fixture(scope="module")
def parts():
    return check_parts(NO_PYTHON)


@pytest.fixture(scope="module")
def packed(parts):
    """The modules that the page brings."""
    return zlib.decompress(base64.b64decode(parts["gradbook"]))


def test_all_that_the_audit_takes_from_numpy_has_a_stand_in():
    package = Path(gradbook.__file__).parent
    used = {
        name
        for room in ("audit", "cells")
        for path in package.glob(f"{room}/**/*.py")
        if not path.relative_to(package.parent).as_posix().startswith(WITH_NUMPY)
        for name in re.findall(r"\bnp\.((?:(?:linalg|random)\.)?\w+)", path.read_text("utf-8"))
    }
    assert len(used) > 50
    lacking = {name for name in used if not _is_known(*name.split("."))}
    assert not lacking


def _is_known(name: str, *within: str) -> bool:
    return name in NAMES and all(hasattr(NAMES[name], one) for one in within)


@for_each("folder, beside", [("", ""), ("check-files", " 'self'")])
def test_the_page_asks_nobody_and_runs_only_what_is_in_it_or_lies_beside_it(folder, beside, parts):
    page = check_page(parts, folder=folder)
    (policy,) = re.findall('http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    allowed = dict(part.split(" ", 1) for part in policy.split("; "))
    assert allowed["default-src"] == "'none'"
    assert "connect-src" not in allowed
    assert allowed["worker-src"] == "blob:"
    assert re.fullmatch(rf"'sha256-\S+' 'wasm-unsafe-eval'{beside}", allowed["script-src"])
    assert (parts["gradbook"] in page) == (not folder)
    assert len(page) - (not folder) * len(parts["gradbook"]) < 80_000


def test_given_books_are_in_the_page_without_their_folders(tmp_path, monkeypatch, capsys):
    laid_out(tmp_path / "secret" / "class", a_class())
    monkeypatch.setattr("gradbook.cli.verbs.check.browser_parts", lambda: {"gradbook": "none"})
    page, books = tmp_path / "page.html", sorted((tmp_path / "secret" / "class").iterdir())
    assert main(["check", *map(str, books), "--page", str(page)]) in (1, 2)
    assert f"wrote {page}" in capsys.readouterr().out
    (table,) = re.findall(
        r'<script type="application/json" id="content">(.*?)</script>', page.read_text()
    )
    record = json.loads(table)
    assert {it["name"] for it in record["found"]} == {path.name for path in books}
    assert record["summary"]["said"].startswith(f"{len(books)} workbooks: ")
    assert "secret" not in table


def test_without_a_network_the_page_shows_the_given_books_only(tmp_path, monkeypatch, capsys):
    def nobody():
        raise FileError("nobody answers")

    monkeypatch.setattr("gradbook.cli.verbs.check.browser_parts", nobody)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ada.xlsx").write_bytes(content(is_right=False))
    assert main(["check", "ada.xlsx", "--page", "page.html"]) == 2
    assert (
        "no other workbooks can be dropped on page.html: nobody answers" in capsys.readouterr().err
    )
    assert '"parts":{}' in (tmp_path / "page.html").read_text("utf-8")


def test_the_page_speaks_the_readers_language_and_links_to_the_others(parts):
    with in_language("de"):
        page = check_page(
            parts,
            folder="files",
            places={"en": "index.html", "de": "de.html", "fr": "fr.html"},
        )
    assert '<html lang="de"' in page
    assert 'lang="fr" hreflang="fr">Français</a>' in page
    assert "Deutsch" not in page


def test_what_it_brings_is_small_and_the_same_every_time(parts):
    assert parts == check_parts(NO_PYTHON)
    assert len(parts["gradbook"]) < 2_000_000


def test_it_brings_all_that_is_needed_to_say_what_the_command_says(packed, tmp_path, monkeypatch):
    zipfile.ZipFile(BytesIO(packed)).extractall(tmp_path / "modules")
    laid_out(tmp_path / "class", [*a_class(), *exercises()])
    for kind in ("marked", "corrected"):
        (tmp_path / kind).mkdir()
    subprocess.run(
        [sys.executable, "-S", "-c", ASKING],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "modules"), "PYTHONUTF8": "1"},
        check=True,
    )
    monkeypatch.chdir(tmp_path)
    asked = ["-o", "found.html", "-o", "found.csv", "--annotate", "annotated", "--fix", "fixed"]
    assert main(["check", "class", *asked]) == 2
    for ending in (".html", ".csv"):
        both = [(tmp_path / f"{name}{ending}").read_text("utf-8") for name in ("page", "found")]
        assert both[0] == both[1]
    for ours, theirs in (("marked", "annotated"), ("corrected", "fixed")):
        found = {path.name: path.read_bytes() for path in (tmp_path / ours).iterdir()}
        assert found == {path.name: path.read_bytes() for path in (tmp_path / theirs).iterdir()}


def test_its_json_is_the_commands(packed, tmp_path, monkeypatch, capsys):
    from gradbook.serve import in_browser as page

    laid_out(tmp_path / "class", [*a_class(), *exercises()])
    monkeypatch.chdir(tmp_path)
    assert main(["check", "class", "--json"]) == 2
    wanted = json.loads(capsys.readouterr().out)
    names = [f"class/{path.name}" for path in (tmp_path / "class").iterdir()]
    lines = [json.loads(page.judge("en", it, (tmp_path / it).read_bytes()))["line"] for it in names]
    assert json.loads(page.write("en", ".json", lines)) == wanted


@for_each("name", ["/etc/passwd.xlsx", "../../up.xlsx", "a/" * 3000 + "b.xlsx", ".."])
def test_whatever_a_book_is_called_it_stays_in_its_folder(name, tmp_path, monkeypatch):
    from gradbook.serve import in_browser as page

    monkeypatch.chdir(tmp_path)
    record = json.loads(page.judge("en", name, b"no book"))
    assert record["verdict"] == "unreadable"
    assert list(tmp_path.iterdir()) == []
