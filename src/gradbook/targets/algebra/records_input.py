"""The derivation on one input for programs: the weight, the products, the way to the error.

    {
      "network": the text form,
      "error": E_total of this input,
      "outputs": what the network makes of it,
      "weight": {"name", "layer" (from 0), "place", "value", "gradient", "measured"},
      "products": [{"value", "slope", "factor", "product"}, …],   the largest first
      "way": [{"value", "slope", "feeds": [{"value", "slope", "arriving"}, …]}, …]
    }

Values are called as the derivation calls them. "slope" of a value is ∂E_total/∂it; of what it
feeds it is how that changes with it, and "arriving" how the error changes with that.
"""

from __future__ import annotations

from gradbook.graph.window import Shape
from gradbook.net.network import Net
from gradbook.net.work.weight_names import weight_name
from gradbook.targets.algebra.records import Record
from gradbook.targets.algebra.story.one_weight import OneWeight, value_symbol


def records_of_input(one: OneWeight) -> Record:
    """All that is told of one weight on one input."""
    worked, net = one.worked, one.worked.net
    made = one.parameter.layer + 1
    return {
        "network": str(net),
        "error": worked.error,
        "outputs": worked.said.tolist(),
        "weight": {
            "name": weight_name(one.parameter, one.place),
            "layer": one.parameter.layer,
            "place": list(one.place),
            "value": one.value,
            "gradient": one.gradient,
            "measured": one.measured(),
        },
        "products": [
            {
                "value": _called(net, made, part.place),
                "slope": part.slope,
                "factor": part.factor,
                "product": part.product,
            }
            for part in one.parts
        ],
        "way": [
            {
                "value": _called(net, step.value, step.place),
                "slope": step.slope,
                "feeds": [
                    {
                        "value": _called(net, feed.value, feed.place),
                        "slope": feed.slope,
                        "arriving": feed.arriving,
                    }
                    for feed in step.fed
                ],
            }
            for step in one.way
        ],
    }


def _called(net: Net, value: int, place: Shape) -> str:
    return str(value_symbol(net, value, place).name)
