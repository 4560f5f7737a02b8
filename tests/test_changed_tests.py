"""Which long tests a change runs is about what changed, and every file has something."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from scripts.changed_tests import BESIDE, EVERYTHING, ROOT, SECONDS, chosen, nearest
from tests.cases import for_each

SOURCES = sorted((ROOT / "src" / "gradbook").rglob("*"))


@for_each(
    ("path", "tests"),
    [
        ("src/gradbook/targets/algebra/tex.py", "tests/targets/algebra/test_tex.py"),
        ("src/gradbook/targets/algebra/tex.py", "tests/outside/pages"),
        ("src/gradbook/report/sweep.py", "tests/report/test_sweep.py"),
        ("src/gradbook/engine/native.py", "tests/outside/engine"),
        ("src/gradbook/web/view/share.js", "tests/web"),
        ("src/gradbook/chance.py", "tests/test_chance.py"),
        ("tests/targets/algebra/golden/worked.tex", "tests/targets/algebra"),
        ("docs/guides/page.md", "tests/test_tutorials.py"),
        ("tests/lab/made.py", "tests/lab"),
        ("tests/lab/models/test_model.py", "tests/lab/models/test_model.py"),
    ],
)
def test_a_change_runs_its_tests_and_its_witnesses(path, tests):
    assert any(Path(tests).is_relative_to(it) for it in chosen([path]))


def test_a_change_of_one_room_leaves_the_others_out():
    found = chosen(["src/gradbook/report/sweep.py"])
    assert not any(it.startswith(("tests/audit", "tests/engine", "tests/lab")) for it in found)
    assert "tests" not in found


@for_each("path", EVERYTHING)
def test_what_all_tests_stand_on_runs_them_all(path):
    assert chosen([path, "docs/guides/page.md"]) == ["tests"]


def test_the_nearest_long_tests_come_first_and_end_in_time():
    beside, itself, elsewhere = (
        "outside/pages/test_pages.py::test_a",
        "report/test_sweep.py::test_b",
        "audit/test_check.py::test_c",
    )
    long = {beside: 1.0, itself: 2.0, elsewhere: 3.0}
    changed = ["src/gradbook/report/sweep.py"]
    assert nearest(changed, long) == [itself, beside]
    assert nearest(changed, long | {beside: SECONDS - 1.0}) == [itself]
    assert nearest(["tests/conftest.py"], long) == [beside, itself, elsewhere]


def test_the_books_that_judge_the_audit_come_before_all_others():
    kinds, own = "audit/test_kinds.py::test_a", "audit/judge/test_lawful.py::test_b"
    assert nearest(["src/gradbook/audit/judge/lawful.py"], {kinds: 9.0, own: 1.0}) == [kinds, own]


def test_every_source_has_chosen_its_own():
    general = set(chosen(["LICENSE"]))
    lonely = [
        path
        for path in (it.relative_to(ROOT).as_posix() for it in SOURCES if it.suffix == ".py")
        if not set(chosen([path])) - general
    ]
    assert lonely == []


def test_what_the_table_names_is_there():
    for beginning, tests in BESIDE.items():
        assert (ROOT / beginning).exists(), beginning
        assert [it for it in tests if not (ROOT / it).exists()] == []
    assert [it for it in EVERYTHING if not (ROOT / it).exists()] == []


def test_the_tests_of_a_file_are_listed():
    words = [sys.executable, "-m", "scripts.changed_tests", "--of", "src/gradbook/chance.py"]
    listed = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert "tests/test_chance.py" in listed.splitlines()
