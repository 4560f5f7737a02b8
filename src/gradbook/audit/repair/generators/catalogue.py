"""Every generator by its name, in the order in which they are asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from gradbook.audit.repair.generators.columns import (
    changed_columns,
    constant_formulas,
    lacking_columns,
    slopes_anew,
)
from gradbook.audit.repair.generators.known import known_claim, known_columns
from gradbook.audit.repair.generators.omissions import omitted_parts
from gradbook.audit.repair.generators.other_gradients import other_gradients
from gradbook.audit.repair.generators.outlier_rows import outlier_rows
from gradbook.audit.repair.generators.pasted_columns import pasted_columns
from gradbook.audit.repair.generators.samples import repaired_shares
from gradbook.audit.repair.generators.scattered_shares import scattered_shares
from gradbook.audit.repair.hypotheses import Hypothesis
from gradbook.audit.repair.symptoms import Symptoms
from gradbook.audit.repair.wrong_formula import WrongFormula, anew, one_edit, two_edits


class SearchStage(Enum):
    """What is looked at, in this order."""

    ROWS = "rows that aren't like most"
    UPDATES = "updates, which may take another weight's gradient"
    OTHER_ROWS = "columns that were to blame in other rows"
    COLUMNS = "columns that several gradients come from"
    CLAIMS = "a gradient's own formula"


class Proof(Enum):
    """What it takes to believe what a generator proposes."""

    NONE = "it has proved it itself"
    GRADIENTS = "it puts gradients right and spoils none"
    REASONS = "… and something speaks against the cells rather than against the gradients"


@dataclass(frozen=True)
class Generator:
    """Hypotheses of one kind, by its name."""

    name: str
    stage: SearchStage
    proof: Proof
    propose: Callable[[Symptoms], Iterator[Hypothesis]]


def _of_claim(
    way: Callable[[WrongFormula], Hypothesis | None],
) -> Callable[[Symptoms], Iterator[Hypothesis]]:
    """A way to put a formula right, for that of the claim which is looked at."""

    def propose(symptoms: Symptoms) -> Iterator[Hypothesis]:
        assert symptoms.weight is not None
        wrong = symptoms.formula(symptoms.weight)
        found = way(wrong) if wrong is not None else None
        if found is not None:
            yield found

    return propose


def written_anew(symptoms: Symptoms) -> Iterator[Hypothesis]:
    """What the chain rule gives, in the sheet's own cells."""
    assert symptoms.weight is not None
    claim, true = symptoms.wrong[symptoms.weight], symptoms.under_test.gradients[symptoms.weight]
    target = true if claim.sign > 0 else -true
    wrong = symptoms.formula(symptoms.weight)
    old = claim.expression if wrong is None else wrong.expression
    found = anew(symptoms.under_test, claim.owner, old, target)
    if found is not None:
        yield found


GENERATORS = (
    Generator("outlier rows", SearchStage.ROWS, Proof.NONE, outlier_rows),
    Generator("other gradients", SearchStage.UPDATES, Proof.NONE, other_gradients),
    Generator("known columns", SearchStage.OTHER_ROWS, Proof.GRADIENTS, known_columns),
    Generator("pasted columns", SearchStage.COLUMNS, Proof.GRADIENTS, pasted_columns),
    Generator("constant formulas", SearchStage.COLUMNS, Proof.REASONS, constant_formulas),
    Generator("changed columns", SearchStage.COLUMNS, Proof.REASONS, changed_columns),
    Generator("lacking columns", SearchStage.COLUMNS, Proof.REASONS, lacking_columns),
    Generator("slopes anew", SearchStage.COLUMNS, Proof.REASONS, slopes_anew),
    Generator("shares of samples", SearchStage.CLAIMS, Proof.GRADIENTS, repaired_shares),
    Generator("scattered shares", SearchStage.CLAIMS, Proof.GRADIENTS, scattered_shares),
    Generator("known claims", SearchStage.CLAIMS, Proof.NONE, known_claim),
    Generator("omitted parts", SearchStage.CLAIMS, Proof.NONE, omitted_parts),
    Generator("one edit", SearchStage.CLAIMS, Proof.NONE, _of_claim(one_edit)),
    Generator("two edits", SearchStage.CLAIMS, Proof.NONE, _of_claim(two_edits)),
    Generator("written anew", SearchStage.CLAIMS, Proof.NONE, written_anew),
)
