"""Whatever a PyTorch operator is given: it is read, or refused, and never passed over."""

from __future__ import annotations

import pytest

import gradbook as gb
from gradbook.errors import GradbookError
from gradbook.formats.torch.read import OPERATORS
from tests.cases import for_each

pytestmark = pytest.mark.witness("torch")


@for_each("word", sorted(OPERATORS))
def test_an_argument_of_any_overload_is_listed_or_refused(torch, word):
    packet = getattr(torch.ops.aten, word)
    schemas = [getattr(packet, overload)._schema for overload in packet.overloads()]
    names = {argument.name for schema in schemas for argument in schema.arguments}
    settings = OPERATORS[word].settings
    for name in names - {*settings.kinds, "self", "input"}:
        with pytest.raises(GradbookError, match=f"its {name} can't be read"):
            settings.read_whole({name: 1})


BENT = {
    "a quotient that is rounded": lambda torch, x: torch.div(x, 0.3, rounding_mode="floor"),
    "a cast to whole numbers": lambda torch, x: x.to(torch.int32).to(torch.float32),
    "dropout in attention": lambda torch, x: torch.nn.functional.scaled_dot_product_attention(
        *(x.reshape(-1, 2, 3),) * 3, dropout_p=0.5
    ).flatten(1),
    "the larger of two": lambda torch, x: torch.max(x, 2 * x),
    "states of two layers": None,
}


@for_each("name", BENT)
def test_what_changes_values_is_refused(torch, name):
    class Bent(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.last = torch.nn.Linear(6, 6), torch.nn.Linear(6, 2)
            self.gru = torch.nn.GRU(6, 3, num_layers=2, batch_first=True)

        def forward(self, x):
            if BENT[name] is None:
                _, states = self.gru(x[:, None])
                return self.last(states.permute(1, 0, 2).flatten(1))
            return self.last(BENT[name](torch, self.first(x)))

    with pytest.raises(GradbookError):
        gb.from_torch(Bent().eval(), torch.rand(1, 6), task="numbers")
