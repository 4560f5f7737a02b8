"""A mistake that all weights share is found by what every law of updates has in common."""

from __future__ import annotations

import random
from dataclasses import replace

from gradbook.audit.check_book import check
from tests.audit.material.layouts.optimisers import B1, B2, EPS, RULES, M, Rule, by_rule
from tests.audit.material.layouts.places import laid, spots
from tests.audit.material.layouts.sketch import Shape, sketched
from tests.audit.material.made import cells_of
from tests.audit.material.small import saved
from tests.cases import for_each

LINE = Shape(2, 0, 1, "sigmoid", "sigmoid", 1, False, True)  # w1 w2 b1
WEIGHTS = ("w1", "w2", "b1")
RIGHT = {
    "adamax": Rule(
        "{⟦w⟧<}-{⟦η⟧}/(1-{β1}^{t<})*{m_⟦w⟧<}/{u_⟦w⟧<}",
        (M, ("u_⟦w⟧", "MAX({β2}*{u_⟦w⟧<},ABS({⟦g⟧}))", "ABS({⟦g⟧})")),
        (B1, B2),
        (("t", "{t<}+1", 1.0),),
        sort="adamax",
    ),
    "yogi": Rule(
        "{⟦w⟧<}-{⟦η⟧}*{m_⟦w⟧<}/(SQRT({s_⟦w⟧<})+{ε})",
        (
            M,
            (
                "s_⟦w⟧",
                "{s_⟦w⟧<}-(1-{β2})*SIGN({s_⟦w⟧<}-{⟦g⟧}^2)*{⟦g⟧}^2",
                "{⟦g⟧}^2",
            ),
        ),
        (B1, B2, EPS),
        sort="yogi",
    ),
}
LOGIT = {  # a logistic regression by hand, a step a row
    "A1": "eta",
    "B1": 0.2,
    "A2": "lambda",
    "B2": 0.01,
    **dict(
        zip(
            [f"{c}4" for c in "ABCDEFGHIJK"],
            ["x", "y", "w", "b", "z", "p", "loss", "dw", "db", "hw", "hb"],
            strict=True,
        )
    ),
    **{f"A{r}": round(0.3 + 0.37 * r % 1.9, 2) for r in range(5, 17)},
    **{f"B{r}": float(r % 2) for r in range(5, 17)},
    "C5": 0.2,
    "D5": -0.1,
    "C6:D16": "=C5-$B$1*H5",
    "E5:E16": "=C5*A5+D5",
    "F5:F16": "=1/(1+EXP(-E5))",
    "G5:G16": "=-(B5*LN(F5)+(1-B5)*LN(1-F5))",
    "H5:H16": "=(F5-B5)*A5",
    "I5:I16": "=F5-B5",
    "J5:J16": "=F5*(1-F5)*A5^2",
    "K5:K16": "=F5*(1-F5)",
}
ADAM = {
    "L5:M5": "=0.1*H5",
    "L6:M16": "=0.9*L5+0.1*H6",
    "N5:O5": "=0.01*H5^2",
    "N6:O16": "=0.99*N5+0.01*H6^2",
    "C6:D16": "=C5-$B$1*L5/(1-0.9^ROWS(A$5:A5))/(SQRT(N5/(1-0.99^ROWS(A$5:A5)))+0.00001)",
}
BY_HAND = {  # what is typed instead, and what is blamed
    "decay in a gradient's cell": ({"H5:H16": "=(F5-B5)*A5+$B$2*C5"}, []),
    "… which grows": ({"H5:H16": "=(F5-B5)*A5-$B$2*C5"}, ["H5:H16"]),
    "… of the other weight": ({"H5:H16": "=(F5-B5)*A5+$B$2*D5"}, ["H5:H16"]),
    "Newton": ({"C6:D16": "=C5-$B$1*H5/J5"}, []),
    "Levenberg": ({"C6:D16": "=C5-$B$1*H5/(J5+$B$2)"}, []),
    "Levenberg apart": ({"L5:M16": "=H5/(J5+$B$2)", "C6:D16": "=C5-$B$1*L5"}, []),
    "… with another sign": ({"C6:D16": "=C5-$B$1*H5/(J5-$B$2)"}, ["C6:C16", "D6:D16"]),
    "Adam by typed numbers": (ADAM, []),
}
WRONG = {  # the rule, which quantities of each weight are wrong, what is exchanged in them
    "another root": ("adam", "⟦w⟧", "SQRT({sh_⟦w⟧<})", "{sh_⟦w⟧<}^(1/3)"),
    "no root": ("rmsprop", "⟦w⟧", "SQRT({s_⟦w⟧<})", "{s_⟦w⟧<}"),
    "no square": ("adagrad", "G_⟦w⟧", "^2", ""),
    "a decay that grows": ("adamw, decay inside", "⟦w⟧", "+{λ}*", "-{λ}*"),
    "one mean uncorrected": ("adam, correction inside", "⟦w⟧", "/(1-{β2}^{t<})", ""),
    "another's coefficient": ("adam", "sh_⟦w⟧", "{β2}", "{β1}"),
    "half of a mean": ("adam", "s_⟦w⟧", "(1-{β2})", "(1-{β1})"),
    "the smallest": ("adamax", "u_⟦w⟧", "MAX", "MIN"),
    "no exponents": ("adam", "mh_⟦w⟧ sh_⟦w⟧", "^{t}", ""),
    "a product for a power": ("adam", "sh_⟦w⟧", "^{t}", "*{t}"),
    "powers of the next step": ("adam", "mh_⟦w⟧ sh_⟦w⟧", "^{t}", "^({t}+1)"),
    "a factor for a divisor": ("adam", "mh_⟦w⟧", "/(1-", "*(1-"),
    "a corrected sum": ("adam", "m_⟦w⟧", "(1-{β1})*{⟦g⟧}", "{⟦g⟧}"),
    "the share of the past": ("rmsprop", "s_⟦w⟧", "(1-{β2})", "{β2}"),
    "nothing forgotten": ("momentum", "v_⟦w⟧", "{μ}*", ""),
    "with the gradient": ("momentum", "v_⟦w⟧", "+{⟦g⟧}", "-{⟦g⟧}"),
}


def trained(rule):
    passes, weights = sketched(LINE, random.Random(5))
    return by_rule(passes, weights, 1, random.Random(5), rule)


@for_each("law", RIGHT)
def test_laws_that_nobody_listed_are_right(law, path):
    assert check(laid(trained(RIGHT[law]), "a step a row").save(path)).verdict == "right"


@for_each("case", BY_HAND)
def test_decay_and_second_slopes_are_known_where_they_stand(case, path):
    instead, blamed = BY_HAND[case]
    report = check(saved(path, {**LOGIT, **instead}))
    assert sorted(finding.cells for finding in report.findings) == blamed
    assert report.verdict == ("wrong" if blamed else "right")


@for_each("mistake", WRONG)
def test_a_mistake_in_every_weight_is_found_where_it_is(mistake, path):
    law, names, old, new = WRONG[mistake]
    wrong_ones = names.split()
    rule = RULES.get(law) or RIGHT[law]

    def spoilt(said, wanted):
        return said.replace(old, new) if wanted and isinstance(said, str) else said

    memories = [
        (n, spoilt(s, n in wrong_ones), spoilt(f, n in wrong_ones)) for n, s, f in rule.memories
    ]
    wrong = replace(rule, update=spoilt(rule.update, "⟦w⟧" in wrong_ones), memories=tuple(memories))
    sketch = trained(wrong)
    assert wrong != rule
    report = check(laid(sketch, "a step a row").save(path))
    blamed = {cell[1] for f in report.findings for cell in cells_of(f.cells)}
    quantities = [name.replace("⟦w⟧", w) for name in wrong_ones for w in WEIGHTS]
    columns = {spot[2] for name in quantities for spot in spots(sketch, "a step a row", name)}
    assert blamed == columns, str(report)
