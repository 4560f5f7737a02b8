"""The quicker engine is taken: no compiling for what NumPy is through with at once."""

from __future__ import annotations

from gradbook.engine import engines
from gradbook.net import parse
from tests.cases import for_each

DENSE = parse("input 4; dense 3; log softmax; loss cross-entropy")
CONV = parse("input 1x8x8; conv 6 3x3; flatten; dense 3; log softmax; loss cross-entropy")


@for_each(
    ("net", "rows", "kind"),
    [(DENSE, 150, "plain"), (DENSE, 10**6, "native"), (CONV, 50, "plain"), (CONV, 9000, "native")],
)
def test_c_is_compiled_where_there_is_much_to_do(net, rows, kind, monkeypatch):
    monkeypatch.setattr(engines, "find_compiler", lambda: "cc")
    assert engines.faster_kind(net, 32, rows, 20) == kind


def test_without_a_compiler_it_is_numpy(monkeypatch):
    monkeypatch.setattr(engines, "find_compiler", lambda: None)
    assert engines.faster_kind(DENSE, 32, 10**6, 20) == "plain"
