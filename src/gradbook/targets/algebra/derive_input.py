"""Tells the derivation of a network of any size: its lines in matrices, one weight in numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gradbook.errors import UsageError
from gradbook.graph.window import Shape
from gradbook.net.parameters import Parameter, Role
from gradbook.net.work.at_work import AtWork
from gradbook.net.work.weight_names import named_weight
from gradbook.targets.algebra.notation.document import Document, Inline
from gradbook.targets.algebra.story.general import tell_in_general
from gradbook.targets.algebra.story.introduction import introduce_layers, title
from gradbook.targets.algebra.story.one_weight import OneWeight, tell_one_weight
from gradbook.targets.algebra.story.story import Story


def derive_input(one: OneWeight, about: Sequence[Inline]) -> Document:
    """The derivation of one weight on one input, which `about` tells of."""
    net = one.worked.net
    story = Story(title(net))
    introduce_layers(story, net)
    story.say(*about)
    tell_in_general(story, net)
    tell_one_weight(story, one)
    return story.document()


def weight_at_work(worked: AtWork, only: str | None) -> OneWeight:
    """The weight of that name, or the one of the first weights that the error hangs on most."""
    parameter, place = named_weight(worked.net, only) if only else most_telling_weight(worked)
    return OneWeight(worked, parameter, place)


def most_telling_weight(worked: AtWork) -> tuple[Parameter, Shape]:
    trained = [p for p in worked.net.parameters if p.role is Role.WEIGHT and not p.fixed]
    if not trained:
        raise UsageError("this network has no weights that are trained, so there is no gradient")
    slopes = worked.gradients[trained[0]]
    place = np.unravel_index(int(np.abs(slopes).argmax()), slopes.shape)
    return trained[0], tuple(map(int, place))
