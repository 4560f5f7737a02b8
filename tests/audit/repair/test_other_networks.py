"""Networks that aren't the exercise, each right, and with a mistake that people make in them."""

from __future__ import annotations

from gradbook.audit.check_book import check
from gradbook.report.findings import finding_words
from tests.audit.material.small import all_at, at, saved
from tests.cases import for_each


def headed(row, words):
    """The headings of a row, from column A."""
    return {f"{chr(65 + k)}{row}": word for k, word in enumerate(words.split())}


AUTOENCODER = {  # the decoder uses the encoder's weights again
    **dict(
        zip(["A1", "B1", "A2", "B2", "A3", "B3"], ["x1", 0.6, "x2", -0.3, "lr", 0.2], strict=True)
    ),
    **headed(5, "n w1 w2 code y1 y2 e1 e2 J dcode dw1 dw2"),
    "B6": 0.4,
    "C6": 0.9,
    "B7:B16": "=B6-$B$3*K6",
    "C7:C16": "=C6-$B$3*L6",
    "D6:D16": "=1/(1+EXP(-(B6*$B$1+C6*$B$2)))",
    "E6:E16": "=B6*D6",
    "F6:F16": "=C6*D6",
    "G6:G16": "=E6-$B$1",
    "H6:H16": "=F6-$B$2",
    "I6:I16": "=(G6^2+H6^2)/2",
    "J6:J16": "=(G6*B6+H6*C6)*D6*(1-D6)",
    "K6:K16": "=G6*D6+J6*$B$1",
    "L6:L16": "=H6*D6+J6*$B$2",
}
SOFTMAX = {  # three classes, of which each epoch sees two samples, in blocks
    "A1": "eta",
    "B1": 0.4,
    "A2": 0.7,
    "B2": 1.0,
    "C2": 0.0,
    "D2": 0.0,
    "A3": -0.4,
    "B3": 0.0,
    "C3": 0.0,
    "D3": 1.0,
    **{
        cell: what
        for r in range(6, 36, 5)
        for cell, what in {
            **{
                f"{c}{r}": 0.1 * k if r == 6 else f"={c}{r - 5}-$B$1*{c}{r - 2}"
                for k, c in enumerate("ABCDEF")
            },
            f"H{r + 1}:J{r + 1}": f"=EXP(A${r}*$A$2+D${r})",
            f"H{r + 2}:J{r + 2}": f"=EXP(A${r}*$A$3+D${r})",
            f"K{r + 1}:M{r + 2}": f"=H{r + 1}/SUM($H{r + 1}:$J{r + 1})",
            f"N{r + 1}:P{r + 1}": f"=K{r + 1}-B$2",
            f"N{r + 2}:P{r + 2}": f"=K{r + 2}-B$3",
            f"Q{r + 1}": f"=-SUMPRODUCT($B$2:$D$2,LN(K{r + 1}:M{r + 1}))",
            f"Q{r + 2}": f"=-SUMPRODUCT($B$3:$D$3,LN(K{r + 2}:M{r + 2}))",
            f"Q{r + 3}": f"=Q{r + 1}+Q{r + 2}",
            f"A{r + 3}:C{r + 3}": f"=N{r + 1}*$A$2+N{r + 2}*$A$3",
            f"D{r + 3}:F{r + 3}": f"=N{r + 1}+N{r + 2}",
        }.items()
    },
}
ROBUST = {  # a line through points, one of them far off, by Huber's loss
    "A1": "rate",
    "B1": 0.05,
    "A2": "delta",
    "B2": 1.0,
    **{f"{c}1": x for c, x in zip("DEF", [0.5, 1.5, 2.5], strict=True)},
    **{f"{c}2": y for c, y in zip("DEF", [1.2, 3.4, 9.0], strict=True)},
    **headed(5, "a b r1 r2 r3 s1 s2 s3 da db E"),
    "A6": 0.1,
    "B6": 0.2,
    "A7:A14": "=A6-$B$1*I6",
    "B7:B14": "=B6-$B$1*J6",
    "C6:E14": "=$A6*D$1+$B6-D$2",
    "F6:H14": "=IF(ABS(C6)<=$B$2,C6,$B$2*SIGN(C6))",
    "I6:I14": "=SUMPRODUCT(F6:H6,$D$1:$F$1)/3",
    "J6:J14": "=AVERAGE(F6:H6)",
    "K6:K14": "=("
    + "+".join(f"IF(ABS({c}6)<=$B$2,{c}6^2/2,$B$2*(ABS({c}6)-$B$2/2))" for c in "CDE")
    + ")/3",
}
MARGIN = {  # a support vector machine, a sample a row
    "A1": "lambda",
    "B1": 0.01,
    "A2": "eta",
    "B2": 0.1,
    **headed(4, "x1 x2 label w1 w2 b margin loss g1 g2 gb"),
    **{f"A{r}": [1.0, 2.0, -1.0, -2.0][r % 4] for r in range(5, 17)},
    **{f"B{r}": [2.0, 1.0, -1.5, 0.5][r % 4] for r in range(5, 17)},
    **{f"C{r}": [1.0, 1.0, -1.0, -1.0][r % 4] for r in range(5, 17)},
    "D5": 0.1,
    "E5": -0.1,
    "F5": 0.0,
    "D6:F16": "=D5-$B$2*I5",
    "G5:G16": "=C5*(D5*A5+E5*B5+F5)",
    "H5:H16": "=MAX(0,1-G5)+$B$1/2*(D5^2+E5^2)",
    "I5:J16": "=IF($G5<1,-$C5*A5,0)+$B$1*D5",
    "K5:K16": "=IF(G5<1,-C5,0)",
}
ACROSS = {  # an epoch a column
    "A1": "x",
    "B1": 0.8,
    "A2": "t",
    "B2": 0.3,
    "A3": "lr",
    "B3": 0.5,
    **{f"C{r}": name for r, name in enumerate(["w", "v", "h", "y", "E", "dy", "dv", "dw"], 6)},
    "D6": 0.5,
    "D7": -0.4,
    "E6:K6": "=D6-$B$3*D13",
    "E7:K7": "=D7-$B$3*D12",
    "D8:K8": "=TANH(D6*$B$1)",
    "D9:K9": "=D7*D8",
    "D10:K10": "=(D9-$B$2)^2",
    "D11:K11": "=2*(D9-$B$2)",
    "D12:K12": "=D11*D8",
    "D13:K13": "=D11*D7*(1-D8^2)*$B$1",
}
BATCHES = {  # two of four samples a step, looked up by the step's number
    "A1": "eta",
    "B1": 0.3,
    **headed(3, "step i j w v b yi yj cost dw dv db"),
    **{f"A{r}": r - 4.0 for r in range(4, 16)},
    "B4:B15": "=MOD(2*A4,4)+1",
    "C4:C15": "=MOD(2*A4+1,4)+1",
    "D4": 0.1,
    "E4": 0.2,
    "F4": 0.0,
    "D5:F15": "=D4-$B$1*J4",
    "G4:G15": "=$D4*INDEX($N$4:$N$7,B4)+$E4*INDEX($O$4:$O$7,B4)+$F4-INDEX($P$4:$P$7,B4)",
    "H4:H15": "=$D4*INDEX($N$4:$N$7,C4)+$E4*INDEX($O$4:$O$7,C4)+$F4-INDEX($P$4:$P$7,C4)",
    "I4:I15": "=(G4^2+H4^2)/2",
    "J4:J15": "=G4*INDEX($N$4:$N$7,B4)+H4*INDEX($N$4:$N$7,C4)",
    "K4:K15": "=G4*INDEX($O$4:$O$7,B4)+H4*INDEX($O$4:$O$7,C4)",
    "L4:L15": "=G4+H4",
    **{f"{c}3": name for c, name in zip("NOP", ["area", "rooms", "price"], strict=True)},
    **{f"N{4 + k}": x for k, x in enumerate([0.5, 0.9, 0.3, 0.7])},
    **{f"O{4 + k}": x for k, x in enumerate([0.2, 0.4, 0.1, 0.6])},
    **{f"P{4 + k}": x for k, x in enumerate([0.6, 1.1, 0.35, 0.95])},
}
COST = "(1/(1+EXP(-(({w})*$B$3+({b}))))-$B$4)^2/2"
MEASURED = {  # slopes by differences
    "A1": "h",
    "B1": 0.001,
    "A2": "eta",
    "B2": 0.3,
    "A3": "x",
    "B3": 0.7,
    "A4": "y",
    "B4": 0.1,
    **headed(6, "w b E w_more w_less b_more b_less dE/dw dE/db"),
    "A7": 0.5,
    "B7": 0.1,
    "A8:B15": "=A7-$B$2*H7",
    "C7:C15": "=" + COST.format(w="A7", b="B7"),
    "D7:D15": "=" + COST.format(w="A7+$B$1", b="B7"),
    "E7:E15": "=" + COST.format(w="A7-$B$1", b="B7"),
    "F7:F15": "=" + COST.format(w="A7", b="B7+$B$1"),
    "G7:G15": "=" + COST.format(w="A7", b="B7-$B$1"),
    "H7:H15": "=(D7-E7)/(2*$B$1)",
    "I7:I15": "=(F7-G7)/(2*$B$1)",
}
SKIP = {  # a layer and, past it, its input
    "A1": "x",
    "B1": 0.6,
    "A2": "y",
    "B2": 1.1,
    "A3": "rate",
    "B3": 0.5,
    "A4": "decay",
    "B4": 0.9,
    **headed(6, "lr a b u h r E dr du da db"),
    "A7": "=$B$3",
    "A8:A16": "=A7*$B$4",
    "B7": 0.5,
    "C7": 0.8,
    "B8:C16": "=B7-$A7*J7",
    "D7:D16": "=B7*$B$1",
    "E7:E16": "=TANH(D7)",
    "F7:F16": "=C7*E7+D7",
    "G7:G16": "=(F7-$B$2)^2",
    "H7:H16": "=2*(F7-$B$2)",
    "I7:I16": "=H7*(C7*(1-E7^2)+1)",
    "J7:J16": "=I7*$B$1",
    "K7:K16": "=H7*E7",
}
RIGHT = {
    "skip": SKIP,
    "batches": BATCHES,
    "measured": MEASURED,
    "autoencoder": AUTOENCODER,
    "softmax": SOFTMAX,
    "robust": ROBUST,
    "margin": MARGIN,
    "across": ACROSS,
}


@for_each("name", RIGHT)
def test_a_right_network_is_right(name, tmp_path):
    report = check(saved(tmp_path / "book.xlsx", RIGHT[name]))
    assert report.verdict == "right", str(report)


SHORT_SUM = {
    f"M{r + k}": f"=J{r + k}/SUM($H{r + k}:$I{r + k})" for r in range(6, 36, 5) for k in (1, 2)
}
WRONG = {
    "a decoder that the gradients forget": (
        "autoencoder",
        {"K6:K16": "=J6*$B$1", "L6:L16": "=J6*$B$2"},
        {"K6": "=J6*$B$1+G6*D6", "L6": "=J6*$B$2+H6*D6"},
    ),
    "a class that one share's sum forgets": (
        "softmax",
        SHORT_SUM,
        {"M7": "=J7/SUM($H7:$J7)"},
    ),
    "a size for its sign": (
        "robust",
        {"F6:H14": "=IF(ABS(C6)<=$B$2,C6,$B$2*ABS(C6))"},
        {"F6": "=IF(ABS(C6)<=$B$2,C6,$B$2*SIGN(C6))"},
    ),
    "a path past the layer": (
        "skip",
        {"I7:I16": "=H7*C7*(1-E7^2)"},
        {"I7": "=H7*C7*(1-E7^2)+H7"},
    ),
    "a rate of the next step": (
        "skip",
        {"C8:C16": "=C7-$A8*K7"},
        {"C8": "=C7-$A7*K7"},
    ),
    "a position in a table": (
        "batches",
        {"K4:K15": "=G4*INDEX($O$4:$O$7,B4)+H4*INDEX($O$4:$O$7,B4)"},
        {"K4": "=G4*INDEX($O$4:$O$7,B4)+H4*INDEX($O$4:$O$7,C4)"},
    ),
    "a slope of tanh without its square": (
        "across",
        {"D13:K13": "=D11*D7*(1-D8)*$B$1"},
        {"D13": "=D11*D7*(1-D8^2)*$B$1"},
    ),
    "the gradient of the step before, in most rows": (
        "margin",
        {"F9:F16": "=F8-$B$2*K7"},
        {"F9": "=F8-$B$2*K8"},
    ),
    "another threshold in a slope than in the loss": (
        "margin",
        {"K5:K16": "=IF(G5<0,-C5,0)"},
        {"K5": "=IF(G5<1,-C5,0)"},
    ),
}


@for_each("name", WRONG)
def test_a_mistake_is_blamed_where_it_is_with_its_remedy(name, tmp_path):
    network, changed, remedies = WRONG[name]
    report = check(saved(tmp_path / "book.xlsx", {**RIGHT[network], **changed}))
    fixes = {cell: fix for f in report.sheets[0].findings for cell, fix in f.fixes.items()}
    assert remedies.items() <= fixes.items(), str(report)
    assert set(map(at, fixes)) <= {cell for area in changed for cell in all_at(area)}, str(report)


def test_a_training_across_names_its_columns(tmp_path):
    assert "(columns D to K)" in finding_words(check(saved(tmp_path / "book.xlsx", ACROSS)))
