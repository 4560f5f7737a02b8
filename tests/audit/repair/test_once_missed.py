"""Mistakes that were once missed, or blamed on other cells: one for each reason.

They are mutants, known by number (`mutants.py`): each is found in its very cells, and repaired.
"""

from __future__ import annotations

import pytest

from tests.audit.material.mutants import tried
from tests.cases import for_each

ONCE_MISSED = {
    # where rows differ
    "a cell that goes on from the one before departs from its column": (
        100735,
        "update in forward",
    ),
    "the last row is pasted as the others are": (100409, "pasted forward column"),
    "rows are alike only as far as their formulas go": (100221, "pasted gradient"),
    "a last row is wrong though its claim is another's gradient": (102518, "sum: swapped"),
    "what is wrong in later rows isn't the first row's fault": (100970, "sum: frozen"),
    "a loss stands beside its own weights": (100925, "sum: frozen"),
    "two tables in one row go on differently": (100224, "text"),
    "a velocity goes on though its gradient is cut off from the weights": (100297, "text"),
    "one row computes another loss, and its gradients go with it": (5001590, "one row"),
    "one row goes on as an update does": (5000678, "update in forward"),
    "one row adds a target of 0 that the others subtract": (52736, "one row"),
    "numbers in two of five rows are typed in place of the formula": (900083, "pasted forward"),
    "the first of a table's second samples is typed": (901076, "pasted forward"),
    "the last of a table's samples is typed": (900217, "pasted gradient"),
    # updates
    "a gradient may stand alone on its sheet": (792, "other gradient"),
    "a velocity belongs where another's velocity stands": (101162, "other gradient"),
    "what is blank is no other rate": (101213, "other rate"),
    "a rate that is a formula is the only one in its table": (901059, "blank rate"),
    "a rate that nobody uses is meant": (100009, "other rate"),
    "a blank that is called a rate is one": (100047, "blank rate"),
    "weights on another sheet learn along": (100091, "pasted forward column"),
    # the way back
    "what only gradients use was pasted": (101283, "pasted forward column"),
    "all samples take the same difference": (100423, "delta: factor"),
    "a one is missing before the minus": (905, "delta: factor"),
    "an error that no weight changes is wrong": (100479, "delta: factor"),
    "a weight from the other end of a wide table": (101577, "delta: reference"),
    "a slope of a far cell is missing": (1338, "delta: factor"),
    "a path is missing, so the slope is written anew": (102050, "delta: factor"),
    "a sum on the way back is no weighted sum": (102175, "delta: factor"),
    # whose fault it is
    "the loss isn't changed to forget a target": (940, "delta: factor"),
    "nothing is divided by what may be nothing": (100007, "number"),
    "a difference of a cell and itself is no repair": (101351, "sum: factor"),
    "a sum became a product, in another order": (901004, "sum: operator"),
    "a sum that lost its input": (100202, "sum: factor"),
    "a sum that lost a term, not its activation": (100504, "sum: factor"),
    "likes are those on the same way": (101745, "sum: factor"),
    "a lone bias is no sum": (200098, "sum: factor"),
    "no condition is always true": (102383, "delta: reference"),
    "a function of one cell stays one": (101956, "factor"),
    "other sums tell which cell belongs": (101018, "sum: reference"),
    "a blank cuts the loss off": (100011, "sum: blank"),
    "an activation that has a name isn't to blame": (700357, "delta: factor"),
    "what may become an activation with a name is to blame": (700856, "activation"),
    "a product lost its weight and only repeats an input": (700195, "sum: factor"),
    "nothing is added to a loss where a gradient lacks it": (700270, "delta: factor"),
    "a claim that mentions a blank is to blame itself": (900829, "blank"),
    "an activation keeps its slope": (900486, "delta: factor"),
    "nothing in a row depends on weights any more": (900675, "pasted forward"),
    "zeros were pasted where a ReLU stays off": (4500025, "pasted forward column"),
    "the first weights of many lost what they learn by": (4500086, "pasted forward column"),
    "a difference stands in the loss of another sheet": (4500019, "delta: factor"),
    "a slope of a cell on another sheet is missing": (4500013, "delta: factor"),
    "of two samples one doesn't depend on weights any more": (4400010, "pasted forward"),
    "an activation beside the way to the loss isn't to blame": (4400024, "delta: factor"),
    "the sum before an activation only repeats a cell": (5002531, "sum: factor"),
    "a sum that lost its weight is no longer one": (5000103, "sum: factor"),
    "squares are looked into": (5000726, "error: one target"),
    "a cell that only repeats another is like none": (5000030, "delta: factor"),
    "a power is a sigmoid, too": (5000227, "delta: factor"),
    "the sum stands on the sheet before": (5002595, "pasted forward column"),
    "the loss stands on another sheet than the weights": (5001504, "pasted forward column"),
    # what learns, and by which loss
    "an activation in a gradient without its error is no gradient": (52743, "text"),
    "nor is one in a gradient whose error lost its output": (86175, "delta: factor"),
    "an output that is compared with a target is no loss": (900102, "delta: factor"),
    "a sheet's title may stand in quotes or not": (900065, "activation"),
    "a loss has slopes": (701148, "delta: reference"),
    "updates are alike in any order": (701295, "sum: blank"),
    "a velocity stands in its update's row": (701188, "other gradient"),
}


@pytest.mark.filterwarnings("ignore:Unknown sheet name")
@for_each(("number", "kind"), ONCE_MISSED.values(), ids=ONCE_MISSED)
def test_what_was_once_missed(number, kind, tmp_path):
    outcome = tried(tmp_path / "mutant.xlsx", number)
    assert outcome is not None
    assert outcome.kind == kind
    assert outcome.found, outcome.words
    assert outcome.repaired, outcome.words
