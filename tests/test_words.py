"""What users read avoids the phrases in words.csv: messages, help, sheets and documents."""

from __future__ import annotations

import ast
import csv
import re
from collections.abc import Iterator
from pathlib import Path

from tests.cases import for_each

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src/gradbook"


def phrases() -> dict[str, str]:
    """Each phrase that isn't written, and what is written instead."""
    with Path(__file__).with_name("words.csv").open(encoding="utf-8", newline="") as file:
        _, *rows = csv.reader(file)
    return dict(rows)


def strings(source: str) -> Iterator[tuple[int, str]]:
    """The line and the text of each string, formatted ones with `…` for a value; no docstrings
    but a module's own, which may be a verb's description."""
    tree = ast.parse(source)
    if about := ast.get_docstring(tree):
        yield 1, about
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    inside = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [str(it.value) if isinstance(it, ast.Constant) else "…" for it in node.values]
            yield node.lineno, "".join(parts)
        elif isinstance(node, ast.Constant) and id(node) not in alone | inside:
            yield node.lineno, str(node.value)


def found(text: str) -> Iterator[str]:
    """The phrases of the list that stand in it, with what to write."""
    plain = " ".join(text.split())
    for bad, good in phrases().items():
        if re.search(rf"(?<!\w){re.escape(bad)}(?!\w)", plain, re.IGNORECASE):
            yield f"'{bad}': write '{good}'"


SAID = re.compile(r"""(["'`])((?:(?!\1)[^\\\n]|\\.)*)\1""")
REMARK = re.compile(r"/\*.*?\*/|(?<![:\w\"'`])//[^\n]*", re.DOTALL)


def scripts_strings(source: str) -> Iterator[tuple[int, str]]:
    """The line and the text of each string of a module that runs in a browser."""
    bare = REMARK.sub(lambda found: "\n" * found[0].count("\n"), source)
    for found in SAID.finditer(bare):
        text = re.sub(r"\$\{[^}]*\}", "…", found[2])
        yield bare.count("\n", 0, found.start()) + 1, text


def said(path: Path) -> Iterator[tuple[int, str]]:
    text = path.read_text("utf-8")
    return strings(text) if path.suffix == ".py" else scripts_strings(text)


def rooms() -> list[Path]:
    return sorted(path for path in SOURCE.rglob("*") if path.suffix in (".py", ".js"))


def documents() -> list[Path]:
    return sorted(
        [*(ROOT / "docs").rglob("*.md"), *(ROOT / "site").glob("*.md"), ROOT / "README.md"]
    )


def test_a_phrase_is_found_across_lines_and_values():
    source = 'say(f"{a} goes\\n  on", f"it turns " "round {b}")'
    texts = [text for _, text in strings(source)]
    assert [list(found(text)) for text in texts] == [[], ["'turns round': write 'reverses'"]]
    assert list(found("it returns round")) == []


def test_a_phrase_is_found_in_a_script():
    source = (
        "tell(`${a} turns round`) // it turns round\n/* turns\nround */ say(\"does best\", 'x')"
    )
    texts = [(line, list(found(text))) for line, text in scripts_strings(source)]
    assert texts == [
        (1, ["'turns round': write 'reverses'"]),
        (3, ["'does best': write 'works best'"]),
        (3, []),
    ]


def test_messages_and_help_keep_to_the_words():
    odd = [
        f"{path.relative_to(ROOT)}:{line}: {what}"
        for path in rooms()
        for line, text in said(path)
        for what in found(text)
    ]
    assert not odd, "\n".join(odd)


@for_each("path", documents(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_documents_keep_to_the_words(path):
    assert list(found(path.read_text("utf-8"))) == []
