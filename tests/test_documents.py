"""What the documents name is there: links, headings, files, verbs."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from gradbook.cli.main import VERBS
from gradbook.cli.verbs.about import MAIN
from tests.cases import for_each
from tests.test_import_flow import FACE, PACKAGE

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(
    path
    for folder in (".", "docs", "bench", "examples", "paper")
    for path in (ROOT / folder).glob("*.md" if folder == "." else "**/*.md")
)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"`([\w./*]+(?:\.py|\.c|/))`")
MADE = ("out/", "checkpoints/", ".numpy.py", "quick.numpy.py")  # by the command, not kept here
COMMAND = re.compile(r"^(?:\$ )?gradbook ([a-z]+)", re.MULTILINE)

by_document = for_each("path", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))


def anchors(text: str) -> set[str]:
    """What a code host calls the headings: small letters, hyphens for spaces, no other signs."""
    titles = HEADING.findall(FENCED.sub("", text))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def links(path: Path) -> Iterator[tuple[Path, str]]:
    """The file and the heading that each link within the project leads to."""
    for link in LINK.findall(FENCED.sub("", path.read_text("utf-8"))):
        if "://" not in link:
            name, _, heading = link.partition("#")
            yield (path.parent / name if name else path), heading


@by_document
def test_every_link_leads_somewhere(path):
    for target, heading in links(path):
        assert target.exists(), target
        assert not heading or heading in anchors(target.read_text("utf-8")), (target, heading)


@by_document
def test_every_command_is_a_verb(path):
    blocks = "\n".join(FENCED.findall(path.read_text("utf-8")))
    assert set(COMMAND.findall(blocks)) <= VERBS.keys()


@by_document
def test_every_file_that_is_named_is_there(path):
    """By its path in the project or the package, or by its last parts."""
    files = [f"/{found.relative_to(ROOT).as_posix()}" for found in ROOT.glob("*")]
    for folder in ("src", "tests", "bench", "docs", "examples", "scripts"):
        files += [f"/{f.relative_to(ROOT).as_posix()}" for f in (ROOT / folder).rglob("*")]
    for name in set(NAMED.findall(FENCED.sub("", path.read_text("utf-8")))):
        plain = name.rstrip("/").removesuffix("/*.c")
        assert name.startswith(MADE) or any(f.endswith(f"/{plain}") for f in files), name


def test_the_tree_of_the_architecture_is_the_real_one():
    """Its table has every room of the package, and no other."""
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    rows = re.findall(r"^\| (`[^|]+) \|", text, re.MULTILINE)
    named = {name.split("/")[0] for row in rows for name in re.findall(r"`([\w/.]+)`", row)}
    there = {
        path.name
        for path in PACKAGE.iterdir()
        if path.stem not in FACE and (path.suffix == ".py" or (path / "__init__.py").exists())
    }
    assert named - {"src"} == there


def workbooks() -> list[dict[str, str]]:
    """The public workbooks that were judged: sha256, kind of mistake, verdict, cells, mistake."""
    path = ROOT / "docs/explanation/workbooks.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def wrong_workbooks() -> list[dict[str, str]]:
    return [book for book in workbooks() if book["verdict"] == "wrong"]


COUNTED = re.compile(r"(\d+) of\s+(?:the )?(\d+)(?: different)? public\s+workbooks")
SAME = "w3 and w4"  # the gradients in which most workbooks of the list are wrong


@for_each("name", ["README.md", "docs/explanation/workbooks.md", "paper/paper.md"])
def test_the_workbooks_are_counted_as_they_are_listed(name):
    text = (ROOT / name).read_text("utf-8")
    counts = [(str(len(wrong_workbooks())), str(len(workbooks())))]
    assert COUNTED.findall(text) == counts


def test_what_is_said_of_the_commonest_mistake_is_counted():
    text = (ROOT / "docs/explanation/workbooks.md").read_text("utf-8")
    wrong = wrong_workbooks()
    same = [book for book in wrong if SAME in book["mistake"] and "a_h1 where" in book["mistake"]]
    assert f"{len(same)} of the {len(wrong)} have the same mistake" in text
    assert f"# The {len(workbooks())} workbooks" in text
    kinds = Counter(book["kind"] for book in wrong)
    assert f"{kinds.pop('wrong reference')} of the {len(wrong)} have a `wrong reference`" in text
    assert set(kinds.values()) == {1}
    assert all(f"`{kind}`" in text for kind in kinds)


def test_every_workbook_is_listed_once_and_each_wrong_one_with_its_mistake():
    books = workbooks()
    assert len({book["sha256"] for book in books}) == len(books)
    assert all(re.fullmatch("[0-9a-f]{64}", book["sha256"]) for book in books)
    for book in books:
        told = [bool(book[column]) for column in ("kind", "cells", "mistake")]
        assert told == [book["verdict"] == "wrong"] * 3, book


def test_the_judged_programs_add_up():
    text = (ROOT / "docs/explanation/programs.md").read_text("utf-8")
    verdicts, mistakes = (
        [list(map(int, re.findall(r"\| (\d+)(?= \|)", row))) for row in rows.splitlines()[2:]]
        for rows in re.findall(r"(?:^\|.*\n)+", text, re.M)
    )
    *rows, (count, wrong) = verdicts
    assert [sum(column) for column in zip(*rows, strict=True)] == [count, wrong]
    assert sum(number for (number,) in mistakes) == wrong
    proved = rows[3][0]
    assert f"At least {wrong} of {count} public programs" in text
    assert f"proved {proved} of them wrong" in text
    assert f"So {sum(number for number, _ in rows[:4])} of {count} were judged" in text


def test_the_first_screen_has_the_two_commands_that_set_everything_up():
    """Before the first section: what both are for, what the first writes and what to open."""
    screen = (ROOT / "README.md").read_text("utf-8").partition("\n## ")[0]
    shown = dict(
        re.findall(r"^(make \w+|pip install \.) +# (.+)$", "".join(FENCED.findall(screen)), re.M)
    )
    assert list(shown) == ["make run", "make test", "pip install ."]
    assert f"open out/{MAIN}-play.html" in shown["make run"]
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert re.search(r"^run: .+\n\t.+/gradbook demo$", makefile, re.M)
    assert re.search(r"^test: .+\n\t.+ lint pytest ", makefile, re.M)
    assert re.search(r"^pytest: .+\n\t.+ pytest ", makefile, re.M)
    commands = (ROOT / ".ci/run").read_text("utf-8").splitlines()
    assert any(re.match(r"\s*(\w+=\w+ )*make test\b", line) for line in commands)


def test_every_measurement_is_in_the_table_of_them():
    told = set(
        re.findall(r"^\| `(\w+\.py)`", (ROOT / "bench/README.md").read_text("utf-8"), re.MULTILINE)
    )
    assert told == {path.name for path in (ROOT / "bench").glob("*.py")}
