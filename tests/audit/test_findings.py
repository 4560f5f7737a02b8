"""What can be found, and that it is documented as it is."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

from gradbook import audit
from gradbook.audit import findings
from gradbook.audit.check_book import check
from gradbook.audit.classes.marks import class_json
from gradbook.audit.classes.scoring import score
from gradbook.audit.findings import KINDS, VERDICTS, WORST_FIRST, Finding, record_of
from gradbook.cells.formula.expression import EditKind
from tests.audit.material.copies import WRONG
from tests.audit.material.lookalikes import book

ROOT = Path(__file__).parents[2]
SAID = (ROOT / "docs" / "reference" / "check.md").read_text("utf-8")


def test_every_verdict_has_a_place_among_the_others():
    assert set(VERDICTS) == set(WORST_FIRST)


CONSTANTS = [name for name, value in vars(findings).items() if isinstance(value, str)]


def test_every_kind_is_given_by_some_line_and_no_other_is():
    root = Path(audit.__file__).parent
    code = {path: ast.parse(path.read_text("utf-8")) for path in root.rglob("*.py")}
    told = code.pop(root / "findings.py").body  # where they are declared, too
    functions = [node for node in told if isinstance(node, ast.FunctionDef)]
    nodes = [node for tree in (*code.values(), *functions) for node in ast.walk(tree)]
    words = {node.value for node in nodes if isinstance(node, ast.Constant)}
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    words |= {value for name, value in vars(findings).items() if name in names & set(CONSTANTS)}
    words |= {EditKind[node.attr].value for node in nodes if _is_kind_of_edit(node)}
    assert set(KINDS) <= words
    assert {kind.value for kind in EditKind} <= set(KINDS)
    with pytest.raises(AssertionError):
        Finding("odd", "", "", "", "", "", "")


def _is_kind_of_edit(node: ast.AST) -> bool:
    """Whether it is such as `EditKind.RANGE`, which are declared in another room."""
    match node:
        case ast.Attribute(value=ast.Name(id="EditKind")):
            return True
    return False


def test_the_documented_json_is_the_one_that_is_printed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    reports = [check(book(Path("ada.xlsx"), WRONG, rows=70))]
    shown = json.loads(SAID.partition("```json\n")[2].partition("```")[0])
    printed = json.loads(json.dumps({"version": 1, "books": list(map(record_of, reports))}))
    errors = [one["books"][0]["sheets"][0]["findings"][0] for one in (shown, printed)]
    assert errors[0].pop("relative_error") == pytest.approx(errors[1].pop("relative_error"))
    assert printed == shown


def test_every_field_is_documented(tmp_path):
    (tmp_path / "bad.xlsx").write_text("no zip")
    reports = [check(book(tmp_path / "a.xlsx", WRONG)), check(tmp_path / "bad.xlsx")]
    printed = "".join(class_json(reports, [score(report) for report in reports]))
    fields = set(re.findall(r'"(\w+)":', printed))
    named = set(re.findall(r"`(\w+)`", SAID.partition("| field |")[2].partition("\n\n")[0]))
    assert fields <= named


def test_the_json_of_each_verdict_has_the_same_fields(tmp_path):
    wrong, blank, short = (tmp_path / f"{k}.xlsx" for k in range(3))
    books = [book(wrong, WRONG), book(blank, rate=None), book(short, rows=1)]
    found = [check(path) for path in books]
    assert [report.verdict for report in found] == ["wrong", "frozen", "unfinished"]
    fields = {
        tuple(sheet)
        for report in map(record_of, found)
        for sheet in report["sheets"]  # type: ignore[attr-defined]
    }
    assert len(fields) == 1
