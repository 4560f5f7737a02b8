"""What to write smaller: the largest number that fits, and one more doesn't."""

import re

import pytest

from gradbook.errors import LimitError
from gradbook.net import Net
from gradbook.net.lower import MOST_SCALARS, scalar_step, scalars_of
from gradbook.net.smaller import what_fits
from gradbook.targets.excel.plan.workbook_plan import MOST_COLUMNS, fitting_rates
from tests.cases import for_each

ADAM = "update adam; loss half squared error; seed 1"


def refused(text: str) -> str:
    """What is said of a network that a workbook has no room for."""
    with pytest.raises(LimitError) as caught:
        fitting_rates(scalar_step(Net.parse(text)), 2, None, ())
    return str(caught.value)


@for_each(
    ("text", "told"),
    [
        ("input 784; dense 30; relu; dense 10", "'dense 12' in place of 'dense 30' would fit"),
        (
            "input 200x4; gru 8; dense 3",
            "'gru 3' in place of 'gru 8' or 67 of the 200 steps would fit",
        ),
        (
            "input 30x8; conv1d 16 1; attention; add back 1; conv1d 8 1; flatten; dense 3",
            "'conv1d 10 1' in place of 'conv1d 16 1' or 13 of the 30 steps would fit",
        ),
        ("input 1x28x28; conv 8 3x3; relu; conv 8 3x3; flatten; dense 10", "images of 8 x 8"),
        ("input 3x20x40; conv 1 1x1; relu; conv 60 20x20; flatten; dense 1", "'conv 1 20x20'"),
        ("input 5000; dense 10", "951 of the 5,000 inputs would fit"),
    ],
)
def test_the_largest_number_that_fits_is_said(text, told):
    assert told in refused(text)
    for wanted, said in re.findall(r"'([^']*)' in place of '([^']*)'", refused(text)):
        name, number = re.match(r"(\w+) (\d+)", wanted).groups()
        one_more = wanted.replace(number, str(int(number) + 1), 1)
        assert name in said
        assert scalars_of(Net.parse(text.replace(said, wanted))) <= MOST_SCALARS
        assert scalars_of(Net.parse(text.replace(said, one_more))) > MOST_SCALARS


@for_each(
    "text",
    [
        f"input 20; dense 200; relu; dense 4; {ADAM}",
        f"input 1x12x12; conv 4 3x3; relu; flatten; dense 10; {ADAM}",
    ],
)
def test_so_is_what_leaves_enough_columns(text):
    refusal = refused(text)
    ((wanted, said),) = re.findall(r"'([^']*)' in place of '([^']*)'", refusal)
    assert f"a sheet has {MOST_COLUMNS:,} columns" in refusal
    fitting_rates(scalar_step(Net.parse(text.replace(said, wanted))), 2, None, ())
    number = re.search(r"\d+", wanted)[0]
    one_more = wanted.replace(number, str(int(number) + 1), 1)
    if one_more != said:
        refused(text.replace(said, one_more))


def test_nothing_is_promised_where_nothing_fits():
    net = Net.parse("input 2; dense 2; dense 3")
    assert what_fits(net, lambda _: 9.0, 8) == "use a smaller network"
