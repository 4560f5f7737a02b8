"""Nothing in a step is left without a part: every cell is a copy, every weight is examined."""

from __future__ import annotations

from gradbook.audit.check_book import check
from gradbook.report.findings import shown_sheets
from tests.audit.material.small import saved
from tests.cases import for_each

# A neuron with two weights and a bias, in the layouts of several people ---------------------


def headed(cells, words):
    return dict(zip(cells, words.split(), strict=True))


RATE = {"A1": "rate", "B1": 0.4}
ROWS = {  # a step a row, one sample after the other, all typed
    **RATE,
    **headed([f"{c}3" for c in "ABCDEFGHIJKL"], "x1 x2 t w1 w2 b z y E dw1 dw2 db"),
    **{f"A{r}": [0.2, 0.7, 0.9][r % 3] for r in range(4, 16)},
    **{f"B{r}": [0.5, -0.3, 0.4, 0.8][r % 4] for r in range(4, 16)},
    **{f"C{r}": [0.1, 0.9][r % 2] for r in range(4, 16)},
    "D4": 0.3,
    "E4": -0.2,
    "F4": 0.1,
    "D5:D15": "=D4-$B$1*J4",
    "E5:E15": "=E4-$B$1*K4",
    "F5:F15": "=F4-$B$1*L4",
    "G4:G15": "=D4*A4+E4*B4+F4",
    "H4:H15": "=TANH(G4)",
    "I4:I15": "=(H4-C4)^2/2",
    "J4:J15": "=(H4-C4)*(1-H4^2)*A4",
    "K4:K15": "=(H4-C4)*(1-H4^2)*B4",
    "L4:L15": "=(H4-C4)*(1-H4^2)",
}
NEW = (
    {  # new weights beside the old ones, which the next row carries on
        key: value for key, value in ROWS.items() if key[:2] not in ("D5", "E5", "F5")
    }
    | {
        "M3": "new w1",
        "N3": "new w2",
        "O3": "new b",
        "M4:M15": "=D4-$B$1*J4",
        "N4:N15": "=E4-$B$1*K4",
        "O4:O15": "=F4-$B$1*L4",
        "D5:F15": "=M4",
    }
)
BLOCKS = {  # three samples a step, in blocks of rows
    **RATE,
    **headed([f"{c}3" for c in "ABCDEFGHIJ"], "x t w b z y E dw db total"),
    **{f"A{r}": [0.2, 0.7, -0.9][r % 3] for r in range(4, 25)},
    **{f"B{r}": [0.3, 0.9, 0.6][r % 3] for r in range(4, 25)},
    "C4": 0.3,
    "D4": -0.1,
    **{f"C{r}": f"=C{r - 3}-$B$1*SUM(H{r - 3}:H{r - 1})" for r in range(7, 25, 3)},
    **{f"D{r}": f"=D{r - 3}-$B$1*SUM(I{r - 3}:I{r - 1})" for r in range(7, 25, 3)},
    **{f"E{r}": f"=C${r - (r - 4) % 3}*A{r}+D${r - (r - 4) % 3}" for r in range(4, 25)},
    "F4:F24": "=1/(1+EXP(-E4))",
    "G4:G24": "=(F4-B4)^2/2",
    "H4:H24": "=(F4-B4)*F4*(1-F4)*A4",
    "I4:I24": "=(F4-B4)*F4*(1-F4)",
    **{f"J{r}": f"=SUM(G{r}:G{r + 2})" for r in range(4, 25, 3)},
}
CARRIED = {  # the same, where each sample repeats the weights of the one before
    **{key: what for key, what in BLOCKS.items() if key[0] not in "CDE" or key[1:] in "34"},
    **{f"{c}{r}": f"={c}{r - 1}" for c in "CD" for r in range(5, 25)},
    **{f"C{r}": f"=C{r - 1}-$B$1*SUM(H{r - 3}:H{r - 1})" for r in range(7, 25, 3)},
    **{f"D{r}": f"=D{r - 1}-$B$1*SUM(I{r - 3}:I{r - 1})" for r in range(7, 25, 3)},
    "E4:E24": "=C4*A4+D4",
}
ACROSS = {  # a step a column, with momentum
    **RATE,
    "A2": "memory",
    "B2": 0.5,
    **dict(
        zip(
            [f"A{r}" for r in range(4, 14)],
            ["x", "t", "w", "b", "y", "E", "dw", "db", "vw", "vb"],
            strict=True,
        )
    ),
    **{f"{c}4": x for c, x in zip("BCDEFGHIJKL", [0.4, 0.9, -0.6] * 4, strict=False)},
    **{f"{c}5": x for c, x in zip("BCDEFGHIJKL", [0.2, 0.7] * 6, strict=False)},
    "B6": 0.5,
    "B7": 0.1,
    "C6:L6": "=B6-$B$1*B12",
    "C7:L7": "=B7-$B$1*B13",
    "B8:L8": "=TANH(B6*B4+B7)",
    "B9:L9": "=(B8-B5)^2",
    "B10:L10": "=2*(B8-B5)*(1-B8^2)*B4",
    "B11:L11": "=2*(B8-B5)*(1-B8^2)",
    "B12": "=B10",
    "B13": "=B11",
    "C12:L12": "=$B$2*B12+C10",
    "C13:L13": "=$B$2*B13+C11",
}
MEANS = {  # blocks of two samples with their means beneath, whose second weight is never updated
    **RATE,
    **{
        cell: what
        for r in range(3, 24, 5)
        for cell, what in {
            f"C{r}": 0.4 if r == 3 else f"=C{r - 5}-$B$1*J{r - 2}",
            f"D{r}": 0.2 if r == 3 else f"=D{r - 5}-$B$1*L{r - 2}",
            f"E{r}": -0.3 if r == 3 else f"=E{r - 5}",
            f"A{r + 1}": 0.2,
            f"A{r + 2}": 0.9,
            f"B{r + 1}": -0.6,
            f"B{r + 2}": 0.5,
            f"C{r + 1}": 0.1,
            f"C{r + 2}": 0.8,
            f"G{r + 1}:G{r + 2}": f"=1/(1+EXP(-(A{r + 1}*C${r}+B{r + 1}*E${r}+D${r})))",
            f"H{r + 1}:H{r + 2}": f"=(G{r + 1}-C{r + 1})^2/2",
            f"I{r + 1}:I{r + 2}": f"=(G{r + 1}-C{r + 1})*G{r + 1}*(1-G{r + 1})",
            f"J{r + 1}:J{r + 2}": f"=I{r + 1}*A{r + 1}",
            f"K{r + 1}:K{r + 2}": f"=I{r + 1}*B{r + 1}",
            f"L{r + 1}:L{r + 2}": f"=I{r + 1}",
            f"H{r + 3}": f"=AVERAGE(H{r + 1}:H{r + 2})",
            f"J{r + 3}:L{r + 3}": f"=AVERAGE(J{r + 1}:J{r + 2})",
        }.items()
    },
}
LAYOUTS = {"rows": ROWS, "new weights": NEW, "blocks": BLOCKS, "carried": CARRIED, "across": ACROSS}
RIGHT = {
    **LAYOUTS,
    # a second run: the same formulas from a typed start, in a row that says so
    "two runs": {**ROWS, "D10": 0.7, "E10": 0.5, "F10": 0.6, "M10": "another start"},
    "the same start": {**ROWS, "D10": 0.3, "E10": -0.2, "F10": 0.1},
    "another order of factors": {**ROWS, "K9": "=B9*(1-H9^2)*(H9-C9)"},
    "rate of one row by its copy": {**ROWS, "M3": "rate", "M4": 0.4, "D9": "=D8-$M$4*J8"},
    "a setting's number typed": {**BLOCKS, "H4:H24": "=(F4-B4)*F4*(1-F4)*A4*1.5", "B2": 1.5}
    | {"G4:G24": "=(F4-B4)^2/2*$B$2", "I4:I24": "=(F4-B4)*F4*(1-F4)*$B$2"},
    "memories kept from an earlier run": {
        **ROWS,
        "A2": "memory",
        "B2": 0.5,
        "M3:O3": "=M16",
        "M16": 0.3,
        "N16": -0.2,
        "O16": 0.1,
        "M4:O15": "=$B$2*M3+J4",
        "D5:F15": "=D4-$B$1*M4",
    },
    "something shown": {**ROWS, "M3": "shown", "M4:M15": "=I4*2", "M9": 7},
    "a rate of its own": {**ROWS, "A2": "rate of b", "B2": 0.1, "F5:F15": "=F4-$B$2*L4"},
    "one is kept": {**ROWS, "E5:E15": "=E4", "K4:K15": "", "K3": ""},
}


def report_of(cells, path):
    return check(saved(path, {cell: what for cell, what in cells.items() if what != ""}))


def blamed(report):
    return ",".join(sorted(finding.cells for finding in report.findings))


@for_each("name", RIGHT)
def test_a_right_training_stays_right(name, path):
    report = report_of(RIGHT[name], path)
    assert report.verdict == "right", str(report)


SHORT = {  # four steps of the same
    key.replace("15", "8"): what for key, what in ROWS.items() if ":" in key or int(key[1:]) <= 8
}
WRONG = {
    "a weight typed in half of the steps": (SHORT, {"E5": 0.31, "E6": 0.27}, "E5:E6"),
    "a row of weights typed": (ROWS, {"D9": 0.2, "E9": 0.3, "F9": 0.4}, "D9,E9,F9"),
    "a row of gradients typed": (ROWS, {"J9": 0.2, "K9": 0.3, "L9": 0.4}, "J9,K9,L9"),
    "a block's weights typed": (BLOCKS, {"C13": 0.2, "D13": 0.3}, "C13,D13"),
    "carried weights typed": (NEW, {"D9": 0.2, "E9": 0.3, "F9": 0.4}, "D9,E9,F9"),
    "a column of memories typed": (ACROSS, {"F12": 0.2}, "F12"),
    "a gradient in the last row": (ROWS, {"K15": "=(H15-C15)*(1-H15^2)*A15"}, "K15"),
    "a gradient in the last block": (BLOCKS, {"I22:I24": "=(F22-B22)*A22"}, "I22:I24"),
    "a loss that nothing uses": (ROWS, {"I9": "=(H9-C8)^2/2"}, "I9"),
    "a weight that is carried on": (ROWS, {"E5:E15": "=E4"}, "E5:E15"),
    "one that is carried on unchanged": (NEW, {"E5:E15": "=E4"}, "E5:E15"),
    "one that is carried on across": (ACROSS, {"C7:L7": "=B7"}, "C7:L7"),
    "one that is carried on in blocks": (
        BLOCKS,
        {f"D{r}": f"=D{r - 3}" for r in range(7, 25, 3)},
        "D7,D10,D13,D16,D19,D22",
    ),
    "two that are crossed": (
        ROWS,
        {"D5:D15": "=E4-$B$1*J4", "E5:E15": "=D4-$B$1*K4"},
        "D5:D15,E5:E15",
    ),
    "new weights typed": (NEW, {"M9": 0.2, "N9": 0.3, "O9": 0.4}, "M9,N9,O9"),
    "new from another's old": (NEW, {"N4:N15": "=D4-$B$1*K4"}, "N4:N15"),
    "a carried weight's range": (
        CARRIED,
        {f"C{r}": f"=C{r - 1}-$B$1*SUM(H{r - 2}:H{r - 1})" for r in range(7, 25, 3)},
        "C7,C10,C13,C16,C19,C22",
    ),
    "no rate in a condition": (
        ROWS,
        {f"{c}5:{c}15": f"=IF(I4<0.0001,{c}4,{c}4-$B$1*{g}4)" for c, g in ("DJ", "FL")}
        | {"E5:E15": "=IF(I4<0.0001,E4,E4-K4)"},
        "E5:E15",
    ),
    "another's new is carried on": (NEW, {"E5:E15": "=M4"}, "E5:E15"),
    "typed weights beside one that never changes": (
        ROWS,
        {"B4:B15": 0.0, "D9": 0.2, "E9": -0.2, "F9": 0.4},
        "D9,E9,F9",
    ),
    "a weight with a mean beneath its slopes": (
        MEANS,
        {},
        ",".join(f"E{r}" for r in range(8, 24, 5)),
    ),
}


@for_each("name", WRONG)
def test_a_cell_without_a_part_is_found(name, path):
    cells, changed, wrong = WRONG[name]
    report = report_of({**cells, **changed}, path)
    assert (report.verdict, blamed(report)) == ("wrong", wrong), str(report)


def test_three_gradients_of_five_are_never_right(path):
    """Two weights stay as they are in one cell, though their gradients are there."""
    still = {"E4": "", "E5:E15": "", "E2": -0.2, "G4:G15": "=D4*A4+$E$2*B4+F4"}
    report = report_of({**ROWS, **still}, path)
    assert report.verdict == "unfinished"
    assert "K4 is the gradient of E2" in str(report)


def test_a_weight_that_is_carried_from_sheet_to_sheet_gets_the_new_one_of_each(path):
    """Each sheet computes new weights, and the next takes all but one of them."""
    step = {
        "A1": "x1", "B1": "x2", "C1": "t", "D1": "w1", "E1": "w2", "F1": "b", "G1": "y", "H1": "E",
        "A2": 0.4, "B2": -0.7, "C2": 0.9, "D2": 0.3, "E2": -0.2, "F2": 0.1,
        "G2": "=1/(1+EXP(-(D2*A2+E2*B2+F2)))", "H2": "=(G2-C2)^2/2",
        "A4": "dw1", "B4": "dw2", "C4": "db", "D4": "new w1", "E4": "new w2", "F4": "new b",
        "A5": "=(G2-C2)*G2*(1-G2)*A2", "B5": "=(G2-C2)*G2*(1-G2)*B2", "C5": "=(G2-C2)*G2*(1-G2)",
        "D5": "=D2-0.5*A5", "E5": "=E2-0.5*B5", "F5": "=F2-0.5*C5",
    }  # fmt: skip
    sheets = [step] + [
        step | {"D2": f"=Sheet{k}!D5", "E2": f"=Sheet{k}!E2", "F2": f"=Sheet{k}!F5"}
        for k in range(1, 6)
    ]
    report = check(saved(path, *sheets))
    fixes = {(f.sheet, f.cells): f.fixes for f in report.findings}
    assert fixes == {(f"Sheet{k + 1}", "E2"): {"E2": f"=Sheet{k}!E5"} for k in range(1, 6)}, str(
        report
    )
    (shown,) = shown_sheets(report.sheets, everything=False)
    assert len(shown.findings) == 1


def test_no_sum_of_squares_becomes_its_opposite(path):
    """Each gradient has its difference turned, for which a cost below 0 would be one edit."""
    turned = {
        "J4:J15": "=(C4-H4)*(1-H4^2)*A4",
        "K4:K15": "=(C4-H4)*(1-H4^2)*B4",
        "L4:L15": "=(C4-H4)*(1-H4^2)",
    }
    report = report_of({**ROWS, **turned}, path)
    assert (report.verdict, blamed(report)) == ("wrong", "J4:J15,K4:K15,L4:L15"), str(report)


IDLE = {  # what a right training has beside it, and what is said of that
    "nothing": (ROWS, None),
    "a coefficient": ({**ROWS, "C1": "momentum", "D1": 0.9}, "no formula uses D1 (momentum)"),
    "a memory": (
        {**ROWS, "M3": "v1", "M4": "=J4", "M5:M15": "=0.9*M4+J5"},
        "M5:M15 (v1) is carried from step to step, but no update uses it",
    ),
    "a blank": (
        {**ROWS, "L4:L15": "=(H4-C4)*(1-H4^2)+$Z$1*F4"},
        "Z1 is blank: it counts as 0 in L4, in every step",
    ),
}


@for_each("name", IDLE)
def test_what_a_right_training_does_not_use_is_a_remark(name, path):
    cells, remark = IDLE[name]
    report = report_of(cells, path)
    said = [note for sheet in report.sheets for note in sheet.notes if "rate" not in note]
    assert (report.verdict, said) == ("right", [remark] if remark else [])


ON_ANOTHER_SHEET = {  # and what is said of that, in the words of the training's sheet
    "a memory": (
        ROWS,
        {"M3": "v1", "M4": "=Sheet1!J4", "M5:M15": "=0.9*M4+Sheet1!J5"},
        "Sheet2!M5:M15 (v1) is carried from step to step, but no update uses it",
    ),
    "a coefficient": (
        {**ROWS, "F5:F15": "=F4-Sheet2!$B$1*L4"},
        {"A1": "rate of b", "B1": 0.4, "C1": "momentum", "D1": 0.9},
        "no formula uses Sheet2!D1 (momentum)",
    ),
    "a blank": (
        {**ROWS, "L4:L15": "=(H4-C4)*(1-H4^2)+Sheet2!$Z$1*F4"},
        {"A1": "settings"},
        "Sheet2!Z1 is blank: it counts as 0 in L4, in every step",
    ),
}


@for_each("name", ON_ANOTHER_SHEET)
def test_a_cell_on_another_sheet_is_named_with_its_sheet(name, path):
    cells, others, remark = ON_ANOTHER_SHEET[name]
    report = check(saved(path, cells, others))
    assert (report.verdict, [*report.sheets[0].notes]) == ("right", [remark]), str(report)


def test_a_rate_on_another_sheet_is_named_with_its_sheet(path):
    other = {"A1": "width", "B1": 0.1}
    report = check(saved(path, {**ROWS, "F5:F15": "=F4-Sheet2!$B$1*L4"}, other))
    assert blamed(report) == "F5:F15"
    assert "Sheet2!B1, which is width, isn't the learning rate" in str(report)


NOT_IN_STEPS = {  # values of a single step, of which each is made of the one above
    "a column of sums": {"A1": "=Sheet1!D4", "A2:A6": "=A1+Sheet1!$E$4"},
    "of one step among all": {
        "B1": 3,
        "A1": "=INDEX(Sheet1!$D$4:$D$15,$B$1)",
        "A2:A6": "=A1*INDEX(Sheet1!$E$4:$E$15,$B$1)",
    },
}


@for_each("name", NOT_IN_STEPS)
def test_a_table_of_one_step_goes_on_from_no_step_to_another(name, path):
    report = check(saved(path, ROWS, NOT_IN_STEPS[name]))
    assert (report.verdict, report.sheets[0].notes) == ("right", ()), str(report)


def test_each_sample_that_repeats_a_weight_has_its_own_share(path):
    report = report_of({**CARRIED, "H4:H24": "=(F4-B4)*F4*(1-F4)*B4"}, path)
    (finding,) = report.findings
    assert finding.cells == "H4:H24"
    assert finding.fixes == {f"H{r}": f"=(F{r}-B{r})*F{r}*(1-F{r})*A{r}" for r in range(4, 25)}
