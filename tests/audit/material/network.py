"""A network of two weights in a table of a few columns, and what the generators propose for it."""

from __future__ import annotations

from collections.abc import Mapping

from gradbook.audit.judge.loss import every_step
from gradbook.audit.repair.gradients import GENERATORS, wrong_claims
from gradbook.audit.repair.symptoms import EarlierRows, Symptoms
from gradbook.audit.search.hypotheses import Hypothesis, SearchStage
from gradbook.audit.step.tested_step import StepUnderTest
from gradbook.audit.training.sheet_training import find_trainings
from gradbook.audit.training.training_steps import StepLoss, group_steps, steps_of
from gradbook.cells.evaluate import fill_in
from tests.audit.material.made import Content
from tests.audit.material.small import at, small

HEADINGS = {"A1": "w1", "B1": "w2", "C1": "h", "D1": "a", "E1": "o", "F1": "E", "G1": "∂E/∂o"}
NETWORK: dict[str, Content] = {
    **HEADINGS,
    **dict(zip(("H1", "I1", "K1", "K2", "K3"), ("∂E/∂w2", "∂E/∂w1", "i", "t", "η"), strict=True)),
    **dict(zip(("L1", "L2", "L3", "A2", "B2"), (0.7, 0.4, 0.5, 0.5, 0.3), strict=True)),
    "A3:A8": "=A2-$L$3*I2",
    "B3:B8": "=B2-$L$3*H2",
    "C2:C8": "=A2*$L$1",
    "D2:D8": "=1/(1+EXP(-C2))",
    "E2:E8": "=B2*D2",
    "F2:F8": "=0.5*(E2-$L$2)^2",
    "G2:G8": "=E2-$L$2",
    "H2:H8": "=G2*D2",
    "I2:I8": "=G2*B2*D2*(1-D2)*$L$1",
}
W1, W2 = 0, 1
LOSS = at("F2")  # of the first step
SHARE = "=({y}-{t})*{x}*2"
INPUTS = ((0.3, 0.8), (0.7, 0.1))  # and targets


def two_samples(share: str = SHARE, other: str = "") -> tuple[dict[str, Content], ...]:
    """A weight on one sheet, and on another two rows for each of its steps: a sample's share each.

    `other` is the second one's, where it is another formula.
    """
    other = other or share
    weights: dict[str, Content] = {"A1": "w", "B1": "∂E/∂w", "F1": "E", "E1": 0.1, "A2": 0.5}
    samples: dict[str, Content] = {"A1": "x", "B1": "t", "C1": "y", "D1": "E", "E1": "g"}
    for k in range(6):
        row, first = 2 + k, 2 + 2 * k
        if k:
            weights[f"A{row}"] = f"=A{row - 1}-$E$1*B{row - 1}"
        weights[f"B{row}"] = f"=SUM(Sheet2!E{first}:E{first + 1})"
        weights[f"F{row}"] = f"=SUM(Sheet2!D{first}:D{first + 1})"
        for (x, t), here, said in zip(INPUTS, (first, first + 1), (share, other), strict=True):
            names = {"x": f"A{here}", "t": f"B{here}", "y": f"C{here}", "first": f"A{first}"}
            samples |= {f"A{here}": x, f"B{here}": t}
            samples[f"C{here}"] = f"=Sheet1!$A${row}*A{here}"
            samples[f"D{here}"] = f"=(C{here}-B{here})^2"
            samples[f"E{here}"] = said.format(**names)
    return weights, samples


def groups_of(*sheets: Mapping[str, Content]) -> list[StepUnderTest]:
    """The steps of a book's only training that are alike, the largest group first."""
    book, flow = small(*sheets)
    fill_in(book, flow)
    (training,) = find_trainings(book, flow)
    groups = group_steps(training, steps_of(training, every_step(training, StepLoss((LOSS,)))))
    return [StepUnderTest.of(training, group) for group in sorted(groups, key=lambda g: -len(g))]


def symptoms_of(
    tested: StepUnderTest,
    earlier: EarlierRows | None = None,
) -> Symptoms:
    """What is wrong with some steps."""
    known = earlier or EarlierRows()
    return Symptoms(tested, wrong_claims(tested, known), known)


def symptoms(*sheets: Mapping[str, Content]) -> Symptoms:
    """What is wrong with most of a book's steps."""
    return symptoms_of(groups_of(*sheets)[0])


def proposed(name: str, found: Symptoms) -> list[Hypothesis]:
    """What one generator proposes by itself: one of claims for each that is wrong."""
    (generator,) = (one for one in GENERATORS if one.name == name)
    if generator.stage is not SearchStage.CLAIMS:
        return list(generator.propose(found))
    each = (found.of_weight(weight) for weight in found.wrong)
    return [hypothesis for one in each for hypothesis in generator.propose(one)]
