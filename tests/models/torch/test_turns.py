"""Where PyTorch's turns put axes, also those of a file that nobody exported."""

import pytest

from gradbook.models.imported import CHANNELS_FIRST, CHANNELS_LAST
from gradbook.models.torch.content import AtenCall
from gradbook.models.torch.turns import turned_axes


@pytest.mark.parametrize(
    ("operator", "told", "axes"),
    [
        ("permute", {"dims": [0, 2, 3, 1]}, CHANNELS_LAST),
        ("permute", {"dims": [0, -1, 1, 2]}, CHANNELS_FIRST),
        ("movedim", {"source": 1, "destination": -1}, CHANNELS_LAST),
        ("movedim", {"source": [3], "destination": [1]}, CHANNELS_FIRST),
        ("transpose", {"dim0": 1, "dim1": -1}, (0, 3, 2, 1)),
        ("transpose", {"dim0": 0, "dim1": 7}, ()),
        ("movedim", {"source": [1, 1], "destination": [2, 3]}, ()),
        ("movedim", {"source": [1, 2], "destination": 3}, ()),
    ],
)
def test_each_axis_comes_from_somewhere_or_the_turn_is_none(operator, told, axes):
    assert turned_axes(AtenCall(operator, told, "y"), 4) == axes
