"""Each step is the same program: what departs is found there, and each mistake is found once."""

from __future__ import annotations

from gradbook.audit.check_book import check
from tests.audit.material.small import saved
from tests.cases import for_each


def headed(cells, words):
    return dict(zip(cells, words.split(), strict=True))


STEPS = range(5, 17)
ROWS = {  # a hidden ReLU and an output, a sample a row
    "A1": "rate",
    "B1": 0.1,
    **headed([f"{c}4" for c in "ABCDEFGHIJKLM"], "x t u v p a y E dy da dp du dv"),
    **{f"A{r}": [0.5, 0.9, 0.3][r % 3] for r in STEPS},
    **{f"B{r}": [0.2, 0.7, 0.4, 0.8][r % 4] for r in STEPS},
    "C5": 0.6,
    "D5": 0.4,
    "C6:C16": "=C5-$B$1*L5",
    "D6:D16": "=D5-$B$1*M5",
    "E5:E16": "=C5*A5",
    "F5:F16": "=MAX(E5,0)",
    "G5:G16": "=D5*F5",
    "H5:H16": "=(G5-B5)^2/2",
    "I5:I16": "=G5-B5",
    "J5:J16": "=I5*D5",
    "K5:K16": "=IF(E5>0,J5,0)",
    "L5:L16": "=K5*A5",
    "M5:M16": "=I5*F5",
}
LOOKED_UP = {  # the same, with samples from a list
    **{key: what for key, what in ROWS.items() if key[0] not in "AB" or key in ("A1", "B1")},
    **headed(["A4", "B4", "N4", "P4", "Q4"], "x t step x t"),
    **{f"N{r}": float(r - 5) for r in STEPS},
    **{f"P{r}": x for r, x in zip(range(5, 8), [0.5, 0.9, 0.3], strict=True)},
    **{f"Q{r}": t for r, t in zip(range(5, 8), [0.2, 0.7, 0.4], strict=True)},
    "A5:A16": "=INDEX($P$5:$P$7,MOD(N5,3)+1)",
    "B5:B16": "=INDEX($Q$5:$Q$7,MOD(N5,3)+1)",
}
MEANS = {  # log-loss of three samples, in blocks of rows
    "A1": "rate",
    "B1": 0.5,
    **headed([f"{c}3" for c in "ABCDEFGHI"], "x y w b p loss dw db cost"),
    **{f"A{r}": [0.5, -0.8, 1.2][r % 3] for r in range(4, 25)},
    **{f"B{r}": [1.0, 0.0, 1.0][r % 3] for r in range(4, 25)},
    "C4": 0.3,
    "D4": -0.1,
    **{f"C{r}": f"=C{r - 3}-$B$1*AVERAGE(G{r - 3}:G{r - 1})" for r in range(7, 25, 3)},
    **{f"D{r}": f"=D{r - 3}-$B$1*AVERAGE(H{r - 3}:H{r - 1})" for r in range(7, 25, 3)},
    **{f"E{r}": f"=1/(1+EXP(-C${r - (r - 4) % 3}*A{r}-D${r - (r - 4) % 3}))" for r in range(4, 25)},
    "F4:F24": "=-(B4*LN(E4)+(1-B4)*LN(1-E4))",
    "G4:G24": "=(E4-B4)*A4",
    "H4:H24": "=E4-B4",
    **{f"I{r}": f"=AVERAGE(F{r}:F{r + 2})" for r in range(4, 25, 3)},
}


def findings_in(cells, path):
    report = check(saved(path, cells))
    return report.verdict, sorted((f.cells, f.expected) for f in report.findings)


RIGHT = {
    "a row": ROWS,
    "samples that are looked up": LOOKED_UP,
    "means": MEANS,
    "another way to say it": {**ROWS, "K9": "=J9*IF(E9>0,1,0)"},
    "another cell for the same rate": {**ROWS, "E1": 0.1, "C9": "=C8-$E$1*L8"},
}


@for_each("name", RIGHT)
def test_what_computes_the_same_in_every_world_is_right(name, path):
    assert findings_in(RIGHT[name], path) == ("right", [])


WRONG = {
    "a slope that these numbers hide": (ROWS, {"K9": "=J9"}, ("K9", "=IF(E9>0,J9,0)")),
    "the last row": (ROWS, {"K16": "=J16"}, ("K16", "=IF(E16>0,J16,0)")),
    "an older weight": (ROWS, {"G9": "=D8*F9"}, ("G9", "=D9*F9")),
    "an update from an older step": (ROWS, {"D9": "=D8-$B$1*M7"}, ("D9", "=D8-$B$1*M8")),
    "a typed value": (ROWS, {"J9": 0.1}, ("J9", "=I9*D9")),
    "two rows alike": (ROWS, {"L8:L9": "=K8"}, ("L8:L9", "=K8*A8")),
    "most are wrong, two are right": (
        ROWS,
        {"M5:M16": "=I5*E5", "M9": "=I9*F9", "M12": "=I12*F12"},
        ("M5:M8,M10:M11,M13:M16", "=I5*F5"),
    ),
    "a slope that several use": (
        LOOKED_UP,
        {"I5:I16": "=G5*B5"},
        ("I5:I16", "=G5-B5"),
    ),
    "half a loss": (
        MEANS,
        {"F4:F24": "=-(B4*LN(E4))"},
        ("F4:F24", "=-(B4*LN(E4)+(1-B4)*LN(1-E4))"),
    ),
    "a loss without its sign": (
        MEANS,
        {"F4:F24": "=B4*LN(E4)+(1-B4)*LN(1-E4)"},
        ("F4:F24", "=-(B4*LN(E4)+(1-B4)*LN(1-E4))"),
    ),
}


@for_each("name", WRONG)
def test_a_mistake_is_found_once_at_its_cause(name, path):
    cells, changed, found = WRONG[name]
    assert findings_in({**cells, **changed}, path) == ("wrong", [found])


def test_an_update_that_is_pasted_too_far_is_found_where_it_stands(path):
    """The hidden neuron is updated like a weight in all rows but the first."""
    pasted = {"E6:E16": "=E5-$B$1*N5", "F6:F16": "=F5-$B$1*O5"}
    verdict, found = findings_in({**ROWS, **pasted}, path)
    assert verdict == "wrong"
    assert found == [("E6:E16", "=C6*A6"), ("F6:F16", "=MAX(E6,0)")]
