"""Updates that add, differ, or take another cell for the learning rate."""

from __future__ import annotations

from gradbook.audit.check_book import check
from gradbook.audit.copies.correct import correct
from gradbook.audit.judge.meant_updates import blank_rate, with_meant_updates
from gradbook.audit.judge.update_judgement import update_findings
from gradbook.audit.training.training_steps import StepLoss, steps_of
from tests.audit.material.lookalikes import ROWS, TOP, book, findings, letter
from tests.audit.material.small import all_at, saved
from tests.audit.training.test_steps import SQUARE
from tests.audit.training.test_training import the_training
from tests.cases import for_each


def updates(changed):
    """What is found of a single weight's updates."""
    training = the_training({**SQUARE, **changed})
    return update_findings(
        training, steps_of(training, [StepLoss((cell,)) for cell in all_at("C2:C8")])
    )


def test_a_rate_that_drifts_is_found_from_the_second_row_on(path):
    found = findings(
        book(path, special={("w1", k): f"=F{5 + k}-C{1 + k}*Y{5 + k}" for k in range(1, 6)})
    )
    assert [f.kind for f in found] == ["drifting rate"]
    assert found[0].cells == "F8:F11"
    assert "$C$2" in found[0].expected


NEURON = {
    "A1": "x",
    "B1": "t",
    "K1": "rate",
    "L1": 0.5,
    **{f"A{k}": round(0.37 * k % 1, 2) for k in range(2, 14)},
    **{f"B{k}": round(0.71 * k % 1, 2) for k in range(2, 14)},
    "C2": 0.5,
    "D2": 0.1,
    "C3:C13": "=C2-$L$1*H2",
    "D3:D13": "=D2-$L$1*I2",
    "E2:E13": "=1/(1+EXP(-(C2*A2+D2)))",
    "G2:G13": "=0.5*(B2-E2)^2",
    "H2:H13": "=(E2-B2)*E2*(1-E2)*A2",
    "I2:I13": "=(E2-B2)*E2*(1-E2)",
}
DRIFTING = {  # what is typed; which cells are wrong, what is said of them, and what is right
    "into a text": (
        {"L2": "epochs", "C3:C13": "=C2-L1*H2"},
        ("C4:C13", "it drifts to L2, the text 'epochs'; use $L$1", "=C3-$L$1*H3"),
    ),
    "first into the same number": (
        {"L2": 0.5, "L3": 0.5, "L4": "end", "C3:C13": "=C2-L1*H2"},
        ("C4:C13", "use $L$1; from C6 onwards the formula uses L4, the text 'end'", "=C3-$L$1*H3"),
    ),
    "in a change apart": (
        {"M2:M13": "=L1*H2", "C3:C13": "=C2-M2"},
        ("M3:M13", "it drifts to L2, which is blank; use $L$1", "=$L$1*H3"),
    ),
    "a heading": (
        {"C3:C13": "=C2-$K$1*H2"},
        ("C3:C13", "K1, the text 'rate', isn't the learning rate; use $L$1", "=C2-$L$1*H2"),
    ),
    "rates that end": (
        {f"L{k}": 0.5 / k for k in range(2, 7)} | {"C3:C13": "=C2-L2*H2", "D3:D13": "=D2-L2*I2"},
        (
            "C8:C13",
            "the learning rates end with L6: this formula uses L7, which is blank",
            "=C7-$L$6*H7",
        ),
    ),
}


@for_each("name", DRIFTING)
def test_a_drifting_rate_is_the_cause_and_where_it_bites_is_said(name, path):
    typed, (cells, words, right) = DRIFTING[name]
    report = check(saved(path, {**NEURON, **typed}))
    assert {f.kind for f in report.findings} <= {"drifting rate", "wrong rate"}
    first = report.findings[0]
    assert (first.cells, first.expected) == (cells, right)
    assert words in first.why
    if name != "rates that end":  # the rates of both halves differ then
        path.write_bytes(correct(path, report).content)
        assert check(path).verdict == "right"


def test_a_rate_that_drifts_by_fits_and_starts_is_one_mistake_and_the_rest_is_judged(path):
    """Copied two rows at a time, as E39, E39, E41, E41, …: into the weights themselves."""
    drifting = {f"C{k + 1}": f"=C{k}-C{k // 2 * 2 - 1}*H{k}" for k in range(2, 13)}
    typed = {"C1": 0.5, "D3:D13": "=D2-$C$1*I2", **drifting}
    wrong = {**typed, "I2:I13": "=(E2-B2)*E2*(1-E2)*A2"}
    report = check(saved(path, {**NEURON, **wrong}))
    assert [(f.kind, f.weight, f.cells) for f in report.findings] == [
        ("drifting rate", "C2", "C5:C13"),
        ("one factor or term too many", "D2", "I2:I13"),
    ]


def test_an_update_of_another_weight_is_told_and_the_steps_after_it_are_judged(path):
    report = check(saved(path, {**NEURON, "D6": "=C5-$L$1*H5"}))
    assert [(f.kind, f.cells, f.expected) for f in report.findings] == [
        ("departing row", "D6", "=D5-$L$1*I5")
    ]


def test_a_blank_rate_freezes_the_book(path):
    report = check(book(path, rate=None))
    assert report.verdict == "frozen"
    assert [f.cells for s in report.sheets for f in s.findings] == ["C2"]


def test_an_update_that_adds_is_found(path):
    found = findings(
        book(path, special={("w1", k): f"=F{5 + k}+$C$2*Y{5 + k}" for k in range(1, 6)})
    )
    assert [(f.kind, f.cells) for f in found] == [("adds the gradient", "F7:F11")]
    assert found[0].expected == "=F6-$C$2*Y6"


def test_right_updates_have_no_findings():
    assert updates({}) == []


def test_an_update_in_other_words_is_right():
    assert updates({"A5": "=-B4*$E$1+A4"}) == []


def test_a_rate_in_every_row_is_no_drift():
    rates = {"F2:F8": 0.1, "E1": "", "D1": "", "F1": "η", "A3:A8": "=A2-F2*B2"}
    assert updates(rates) == []


def test_another_cell_in_the_place_of_the_rate_is_told_from_a_drift():
    second = {"I1": 0.3, "J2": 0.4, "K2": "=2*J2*$G$1*A2", "J3:J8": "=J2-$E$1*K2"}
    wrong = {**second, "K3:K8": "=2*J3*$G$1*A3", "A3:A8": "=A2-$I$1*B2", "L2": 0.2}
    third = {"L3:L8": "=L2-$E$1*M2", "M2:M8": "=2*L2*A2"}
    _, (finding,) = with_meant_updates(the_training({**SQUARE, **wrong, **third}))
    assert (finding.kind, finding.weight, finding.cells) == ("wrong rate", "w", "A3:A8")
    assert "$E$1" in finding.expected


def test_the_rate_that_the_values_were_made_with_is_proposed():
    kept = {"E1": "", "A2": 0.5, "B2": 3.0, "A3": "=A2-$E$1*B2"}
    training = the_training({**SQUARE, **kept})
    training.book.values |= dict(zip(all_at("A3,B2"), (0.2, 3.0), strict=True))
    steps = steps_of(training, [StepLoss((cell,)) for cell in all_at("C2:C8")])
    (finding,) = blank_rate(training, steps)
    assert finding.fixes == {"E1": "=0.1"}


# Updates that aren't the weight less its gradient are named, with what belongs there ---


SLOPE = "($E3-0.9)*$E3*(1-$E3)"
CELLS = {
    "A1": "rate",
    "B1": 0.5,
    **dict(
        zip(("A2", "B2", "C2", "D2", "E2", "F2"), ("w1", "w2", "b1", "z", "y", "E"), strict=True)
    ),
    **dict(zip(("G2", "H2", "I2"), ("∂E/∂w1", "∂E/∂w2", "∂E/∂b1"), strict=True)),
    "A3": 0.3,
    "B3": -0.2,
    "C3": 0.1,
    "A4:A20": "=A3-$B$1*G3",
    "B4:B20": "=B3-$B$1*H3",
    "C4:C20": "=C3-$B$1*I3",
    "D3:D20": "=A3*0.4-B3*0.7+C3",
    "E3:E20": "=1/(1+EXP(-D3))",
    "F3:F20": "=0.5*(E3-0.9)^2",
    "G3:G20": f"={SLOPE}*0.4",
    "H3:H20": f"=-{SLOPE}*0.7",
    "I3:I20": f"={SLOPE}",
}


def found(path, changed):
    (sheet,) = check(saved(path, {**CELLS, **changed})).sheets
    return [(f.kind, f.cells, f.expected) for f in sheet.findings]


def test_right_updates_are_no_strays(path):
    assert check(saved(path, CELLS)).verdict == "right"


def test_a_rate_in_the_first_cell_of_the_book_is_one(path):
    cells = {
        place: str(said).replace("$B$1", "$A$1")
        for place, said in CELLS.items()
        if "$" in str(said)
    }
    changed = {**cells, "A1": 0.5, "B1": "rate", "A4:A20": "=A3-G3"}
    assert found(path, changed) == [("missing rate", "A4:A20", "=A3-$A$1*G3")]
    assert check(path).sheets[0].rate == "A1"


@for_each(
    "said",
    [
        *("=2*(A3-$B$1*G3)", "=(A3-$B$1*G3)/2", "=-(A3-$B$1*G3)", "=A3*(1-$B$1*G3)"),
        *("=A3-$B$1*0.05", "=A3-0.05", "=A3-$B$1", "=A3*G3"),
    ],
)
def test_another_update_is_named_with_what_the_others_say(path, said):
    assert found(path, {"A4:A20": said}) == [("wrong update", "A4:A20", "=A3-$B$1*G3")]


def test_an_update_that_starts_over_in_every_step_is_right_in_the_first(path):
    changed = {"A4:A20": "=A$3-$B$1*G3"}
    assert found(path, changed) == [("wrong update", "A5:A20", "=A4-$B$1*G4")]


@for_each("weights", [8, 7, 4, 1])
@for_each("base", ["{w}$6", "{w}6", "later"])
def test_updates_that_start_over_are_found_however_many_there_are(path, weights, base):
    changed = {}
    for name in [f"w{k}" for k in range(1, weights + 1)]:
        for k in range(1, ROWS):
            row = TOP + 1 + k
            before = base.format(w=letter(name))
            if base == "later":
                before = f"{letter(name)}{row if k == 1 else f'${TOP + 2}'}"
            changed[name, k] = f"={before}-$C$2*{letter(f'∂E/∂{name}')}{row}"
    (sheet,) = check(book(path, special=changed)).sheets
    assert [f.cells for f in sheet.findings] == [
        f"{letter(f'w{k}')}{TOP + 4}:{letter(f'w{k}')}{TOP + 1 + ROWS}"
        for k in range(1, weights + 1)
    ]
    path.write_bytes(correct(path, check(path)).content)
    assert check(path).verdict == "right"


def test_without_a_gradient_to_take_no_formula_is_given(path):
    assert found(path, {"A4:A20": "=2*A3-0.05", "G3:G20": 0.5}) == [("wrong update", "A4:A20", "")]


def test_data_that_go_on_by_a_number_are_no_weight(path):
    inputs = {"J2": "x", "J3": 0.4, "J4:J20": "=J3+0.01"}
    slope = {"D3:D20": "=A3*J3-B3*0.7+C3", "G3:G20": f"={SLOPE}*J3"}
    assert check(saved(path, {**CELLS, **inputs, **slope})).verdict == "right"


LABELS = {
    "A1": "w",
    "A2": "b",
    "A3": "learning rate",
    "D1": "new w",
    "D2": "new b",
    "G1": "dL/dw",
    "G2": "dL/db",
    "C9": "loss",
    **dict(
        zip(("A5", "B5", "C5", "D5", "E5", "F5"), ["x", "y", "p", "L", "dp", "dw"], strict=True)
    ),
}
SAMPLES = dict(zip(("A6", "A7", "A8", "B6", "B7", "B8"), (1, 2, 3, 3, 4, 7), strict=True))


def a_sheet_a_step(update_of_w):
    """A line through three samples, its weights carried from sheet to sheet."""
    for before in range(5):
        yield {
            **LABELS,
            **{cell: float(number) for cell, number in SAMPLES.items()},
            "B1": f"=Sheet{before}!E1" if before else 0.4,
            "B2": f"=Sheet{before}!E2" if before else 0.1,
            "B3": 0.05,
            "E1": update_of_w,
            "E2": "=B2-B3*H2",
            "H1": "=SUM(F6:F8)",
            "H2": "=SUM(E6:E8)",
            "C6:C8": "=$B$1*A6+$B$2",
            "D6:D8": "=(C6-B6)^2",
            "E6:E8": "=2*(C6-B6)",
            "F6:F8": "=E6*A6",
            "D9": "=SUM(D6:D8)",
        }


def test_a_gradient_left_out_on_every_sheet_is_found(path):
    assert check(saved(path, *a_sheet_a_step("=B1-B3*H1"))).verdict == "right"
    report = check(saved(path, *a_sheet_a_step("=B1-B3")))
    assert {finding.cells for finding in report.findings} == {"E1"}
    assert {finding.expected for finding in report.findings} == {"=B1-B3*H1"}


LINE = {  # y = w·x + b, with a learning rate in each row
    "A5": "rate",
    "B5": "w",
    "C5": "b",
    "D5": "out",
    "E5": "loss",
    "F5": "dw",
    "G5": "db",
    "A1": "start",
    "B1": 0.2,
    "C1": "factor",
    "D1": 0.9,
    "A2": "x",
    "B2": 1.5,
    "A3": "t",
    "B3": 0.7,
    "A6": "=$B$1",
    "B6": 0.3,
    "C6": -0.1,
    "A7:A20": "=A6*$D$1",
    "B7:B20": "=B6-A6*F6",
    "C7:C20": "=C6-A6*G6",
    "D6:D20": "=B6*$B$2+C6",
    "E6:E20": "=0.5*(D6-$B$3)^2",
    "F6:F20": "=(D6-$B$3)*$B$2",
    "G6:G20": "=D6-$B$3",
}
TYPED = {**LINE, "A6": 0.2}
COUNTED = {**LINE, "A6:A20": "=$B$1*$D$1^(ROW()-6)"}
OF_B = {"E1": "rate of b", "F1": 0.05}
OWN_RATES = {  # a book, and what is right in C7:C20 if that is wrong
    "a schedule": (LINE, ""),
    "its beginning": ({**LINE, "C7:C20": "=C6-$B$1*G6"}, "=C6-A6*G6"),
    "its beginning, typed": ({**TYPED, "C7:C20": "=C6-$A$6*G6"}, "=C6-A6*G6"),
    "its beginning by a formula": ({**COUNTED, "C7:C20": "=C6-$B$1*G6"}, "=C6-A6*G6"),
    "one that its label gives to it": ({**COUNTED, **OF_B, "C7:C20": "=C6-$F$1*G6"}, ""),
    "none, though one is labelled": ({**COUNTED, **OF_B, "C7:C20": "=C6-G6"}, "=C6-$F$1*G6"),
    "its own, named in a language that isn't known": (
        {**LINE, "A7:A20": "=A6+1", **OF_B, "E1": "passo b", "B1": "passo w", "C1": 0.2}
        | {"B7:B20": "=B6-$C$1*F6", "C7:C20": "=C6-$F$1*G6"},
        "",
    ),
    "its own, with another's gradient": (
        {**LINE, "A7:A20": "=A6+1", **OF_B, "B1": "rate of w", "C1": 0.2}
        | {"B7:B20": "=B6-$C$1*F6", "C7:C20": "=C6-$F$1*F6"},
        "=C6-$F$1*G6",
    ),
}


@for_each("name", OWN_RATES)
def test_a_weight_has_a_rate_of_its_own_or_follows_the_schedule(name, path):
    typed, right = OWN_RATES[name]
    found = check(saved(path, typed)).findings
    assert [(f.cells, f.expected) for f in found] == ([("C7:C20", right)] if right else [])


TEACHER = {  # a loss that also compares with the mean of earlier weights
    "A1": "x",
    "B1": 1,
    "C1": 2,
    "A2": "t",
    "B2": 0.5,
    "C2": 1,
    "A6": 0.3,
    "B6": 0.2,
    "A5": "w",
    "G5": "loss",
    "J5": "dw",
    "C6:C20": "=TANH($A6*B$1)",
    "D6:D20": "=TANH($A6*C$1)",
    "E6:E20": "=TANH($B6*B$1)",
    "F6:F20": "=TANH($B6*C$1)",
    "G6:G20": "=SUMXMY2(C6:D6,$B$2:$C$2)+SUMXMY2(C6:D6,E6:F6)",
    "H6:H20": "=2*(C6-B$2+C6-E6)*(1-C6^2)",
    "I6:I20": "=2*(D6-C$2+D6-F6)*(1-D6^2)",
    "J6:J20": "=SUMPRODUCT(H6:I6,$B$1:$C$1)",
    "A7:A20": "=A6-0.1*J6",
    "B7:B20": "=0.8*B6+0.2*A6",
}


def test_what_a_loss_remembers_is_no_memory_of_the_update(path):
    report = check(saved(path, TEACHER))
    assert report.findings == ()
    wrong = {**TEACHER, "I6:I20": "=2*(D6-C$2+D6-F6)"}
    assert [f.cells for f in check(saved(path, wrong)).findings] == ["I6:I20"]
