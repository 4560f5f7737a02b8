"""A line fitted a sample a row by momentum, RMSprop or Adam: with two weights there is no majority,
so which of them is wrong is told by what such rules have in common."""

from __future__ import annotations

from gradbook.audit.check_book import check
from gradbook.audit.copies.correct import correct
from tests.audit.material.small import saved
from tests.cases import for_each

LAST = 23
HEAD = {
    **dict(zip(("A3", "B3", "C3", "D3", "E3"), ("x", "y", "b", "a", "prediction"), strict=True)),
    **dict(zip(("F3", "G3", "H3", "I3"), ("de/db", "de/da", "new b", "new a"), strict=True)),
    "B1": "b",
    "C1": 1.5,
    "B2": "a",
    "C2": 0.8,
    "D1": "learning rate",
    "D2": 0.02,
    "I1": "beta",
    "J1": 0.9,
    "K1": "=1-J1",
    "L1": 0.95,
    "M1": "=1-L1",
}
DATA = {f"A{row}": (row * 7 % 10) / 4 + 0.5 for row in range(4, LAST + 1)}
LINE = {
    f"B4:B{LAST}": "=3+2*A4",
    "C4": "=C1",
    "D4": "=C2",
    f"C5:C{LAST}": "=H4",
    f"D5:D{LAST}": "=I4",
    f"E4:E{LAST}": "=C4+D4*A4",
    f"F4:F{LAST}": "=2*(E4-B4)",
    f"G4:G{LAST}": "=F4*A4",
}
MEAN_B, MEAN_A = "=J3*$J$1+$K$1*F4", "=K3*$J$1+$K$1*G4"
RULES = {  # what stands in the first row of H, I, J …
    "momentum": {"H": "=C4-J4*$D$2", "I": "=D4-K4*$D$2", "J": MEAN_B, "K": MEAN_A},
    "rmsprop": {
        "H": "=C4-F4*$D$2/SQRT(J3)",
        "I": "=D4-G4*$D$2/SQRT(K3)",
        "J": f"{MEAN_B}^2",
        "K": f"{MEAN_A}^2",
    },
    "adam": {
        "H": "=C4-J4*$D$2/(SQRT(L4)+1E-8)",
        "I": "=D4-K4*$D$2/(SQRT(M4)+1E-8)",
        "J": MEAN_B,
        "K": MEAN_A,
        "L": "=L3*$L$1+$M$1*F4^2",
        "M": "=M3*$L$1+$M$1*G4^2",
    },
}
MISTAKES = {  # the rule, the column, what stands in its first row
    "no rate": ("momentum", "I", "=D4-K4"),
    "no rate under a root": ("adam", "I", "=D4-K4/(SQRT(M4)+1E-8)"),
    "no rate beside the last root": ("rmsprop", "H", "=C4-F4/SQRT(J3)"),
    "the gradient for its mean": ("momentum", "I", "=D4-G4*$D$2"),
    "all of the past is kept": ("momentum", "K", "=K3+$K$1*G4"),
    "little of the past is kept": ("momentum", "K", "=K3*$K$1+$J$1*G4"),
    "more is taken than forgotten": ("momentum", "K", "=K3*$J$1+$J$1*G4"),
    "squares aren't averaged": ("rmsprop", "K", "=K3*$J$1+G4^2"),
    "squares are forgotten": ("rmsprop", "J", "=J3*$K$1+$K$1*F4^2"),
    "no root": ("rmsprop", "I", "=D4-G4*$D$2/K3"),
    "no root of a mean": ("adam", "H", "=C4-J4*$D$2/(L4+1E-8)"),
    "no square": ("rmsprop", "K", "=K3*$J$1+$K$1*G4"),
    "another weight's square": ("rmsprop", "K", "=K3*$J$1+$K$1*F4^2"),
}


def book(path, rule, column="", instead=""):
    formulas = RULES[rule] | ({column: instead} if column else {})
    areas = {f"{letter}4:{letter}{LAST}": formula for letter, formula in formulas.items()}
    starts = {f"{letter}3": 1.0 for letter in formulas if letter > "I"}
    return saved(path, {**HEAD, **DATA, **LINE, **areas, **starts})


@for_each("rule", RULES)
def test_each_rule_is_right(path, rule):
    assert check(book(path, rule)).verdict == "right"


@for_each("mistake", MISTAKES)
def test_what_no_such_rule_does_is_found_and_put_right(path, mistake):
    rule, column, wrong = MISTAKES[mistake]
    report = check(book(path, rule, column, wrong))
    assert [finding.cells for finding in report.findings] == [f"{column}4:{column}{LAST}"]
    assert report.findings[0].expected == RULES[rule][column]
    mended = path.with_name("mended.xlsx")
    mended.write_bytes(correct(path, report).content)
    assert check(mended).verdict == "right"


@for_each("instead", ["=1.5", "=F12", "=J10*$J$1+$K$1*F12"])
def test_one_row_that_remembers_otherwise_is_told_alone(path, instead):
    areas = {f"J4:J{LAST}": MEAN_B, f"K4:K{LAST}": MEAN_A}
    updates = {f"{c}4:{c}{LAST}": RULES["momentum"][c] for c in "HI"}
    starts = {"J3": 1.0, "K3": 1.0, "J12": instead}
    saved(path, {**HEAD, **DATA, **LINE, **areas, **updates, **starts})
    (finding,) = check(path).findings
    assert (finding.cells, finding.expected) == ("J12", "=J11*$J$1+$K$1*F12")


def test_a_gradient_of_the_step_before_is_no_wrong_gradient(path):
    areas = {f"{c}4:{c}{LAST}": formula for c, formula in RULES["momentum"].items()}
    saved(path, {**HEAD, **DATA, **LINE, **areas, "J3": 1.0, "K3": 1.0, "I12": "=D12-K11*$D$2"})
    (finding,) = check(path).findings
    assert (finding.cells, finding.expected) == ("I12", "=D12-K12*$D$2")


def test_an_input_beside_an_error_is_not_taken_for_a_rate(path):
    rule = {f"H4:H{LAST}": "=C4-F4*$D$2", f"I4:I{LAST}": "=D4-G4"}
    (finding,) = check(saved(path, {**HEAD, **DATA, **LINE, **rule})).findings
    assert (finding.kind, finding.cells) == ("missing rate", f"I4:I{LAST}")


def test_two_memories_of_which_neither_is_of_its_weight_are_not_right(path):
    adam = {f"{c}4:{c}{LAST}": formula for c, formula in RULES["adam"].items()}
    odd = {f"L4:L{LAST}": "=L3*$L$1+$M$1*E4^2", f"M4:M{LAST}": "=M3*$L$1+$M$1*F4^2"}
    starts = {f"{letter}3": 1.0 for letter in "JKLM"}
    report = check(saved(path, {**HEAD, **DATA, **LINE, **adam, **odd, **starts}))
    assert (report.verdict, report.findings) == ("unfinished", ())
    assert any("is updated by a different rule" in note for note in report.sheets[0].notes)
