"""The text says the plan and changes nothing."""

from __future__ import annotations

import re

from gradbook.net import builtin, parse
from gradbook.net.build import inference, training_step
from gradbook.targets.c.machine import machine
from gradbook.targets.c.source import source
from tests.cases import for_each
from tests.targets.c.networks import text

NETS = {
    "reference": builtin("reference"),
    "skips": parse(text("conv 8 3x3 pad 1", "gelu", "conv 8 3x3 pad 1", "silu", "add back 3")),
}


@for_each("name", NETS)
def test_every_function_and_member_is_written_once(name):
    made = source(training_step(NETS[name], batch=20), inference(NETS[name]), machine("avx2")).text
    functions = re.findall(r"^(?:static|ACROSS|INLINE) [^;=#]*?(\w+)\([^;]*\) \{$", made, re.M)
    generated = made[made.index("======== train") :]
    assert all(len(re.findall(rf"\b{one}\([^;]*\) {{$", generated, re.M)) <= 1 for one in functions)
    for kind in ("engine", "place"):
        lines = made.split(f"struct {kind} {{\n")[1].split("\n};")[0].split("\n")
        members = [re.split(r"[\[;]", line.split("/*")[0])[0].split()[-1] for line in lines]
        assert len(members) == len(set(members))


@for_each("layers", [1, 10, 40])
def test_every_part_is_there_and_has_a_bit(layers):
    net = parse(text(*["conv 8 3x3 pad 1", "relu"] * layers))
    made = source(training_step(net, batch=20), inference(net), machine("plain"))
    parts = {int(part) for part in re.findall(r"^#if IN_PART\((\d+)\)$", made.text, re.M)}
    assert parts == set(range(len(made.effort)))
    assert len(parts) < 63  # a preprocessor counts in 64 bits


def test_it_says_where_each_array_lies_that_is_read_from_outside():
    net = NETS["skips"]
    step = training_step(net, batch=20)
    arrays = source(step, inference(net), machine("plain")).arrays
    assert [array.name for array in arrays if array.is_carried] == [str(x.name) for x in step.start]
    assert len({array.symbol for array in arrays}) == len(arrays)
