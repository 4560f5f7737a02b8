"""Networks drawn at random from every card that is registered, by the fields of its statements.

`network(number)` is one around two statements of the list, so that half as many numbers in a row as
there are statements draw all of them: also one that is added later, by itself. They have branches,
joins of several values, layers that are applied again, and inputs of every kind: numbers, pictures,
sequences and tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from random import Random
from typing import Any

from gradbook.errors import NetTextError, ShapeError, UsageError
from gradbook.graph.names import is_sequence
from gradbook.graph.window import SAME
from gradbook.layers import ACTIVATIONS, KINDS, Embedding, StatementForm
from gradbook.layers.fields import (
    BothField,
    FlagField,
    FlagOption,
    NumberField,
    PadOption,
    PairOption,
    PhraseField,
    PlacesField,
    SizesField,
    TextField,
    WholeField,
    WholeOption,
    WholesField,
    plain,
)
from gradbook.net import (
    Activation,
    Again,
    Concat,
    Conv,
    Dense,
    Flatten,
    GoBack,
    Layer,
    Loss,
    Net,
    Shape,
)
from gradbook.net.description import misfit, owners, unfit_weights, unread

Card = tuple[type[Layer], StatementForm]
MOST_VALUES = 80  # of a layer
MOST_WEIGHTS = 400
DEEPEST = 8  # layers before the last ones
TRIES = 400
PATIENCE = 30  # with the numbers of a statement that is wanted


def cards() -> list[Card]:
    """Every statement for a layer, with the card that it fills in."""
    activations = ((Activation, card.form) for card in ACTIVATIONS.values())
    return [*((kind, form) for kind in KINDS for form in kind.forms), *activations]


def network(number: int) -> Net:
    """The network of this number."""
    every, random = cards(), Random(f"network {number}")
    wanted = [every[k % len(every)] for k in (number, number + len(every) // 2)]
    for _ in range(TRIES):
        draft = Draft.begun(random, wanted)
        try:
            net = draft.net()
            if not draft.wanted and Net.parse(str(net)) == net:
                return net
        except (ShapeError, UsageError, NetTextError):
            pass  # such as steps that see later ones
    raise AssertionError(f"no network has {' and '.join(form.words for _, form in wanted)}")


# A layer ------------------------------------------------------------------------------


def layer_of(card: Card, random: Random, shape: Shape, index: int) -> Layer | None:
    """The card, filled in at random for a layer at this index whose input has this shape; None if
    that makes no sense."""
    kind, form = card
    if form.takes and len(shape) != 3:
        return None
    values = {**form.preset, **dict.fromkeys(form.per_channel, shape[0])}
    for part in plain(form.fields):
        values[part.name] = value_of(part, random, shape, index)
        if isinstance(part, BothField) and values[part.name] is None:
            break
    try:
        return kind(**{name: value for name, value in values.items() if value is not USUAL})
    except (ShapeError, UsageError):
        return None


USUAL = object()


def value_of(part: TextField, random: Random, shape: Shape, index: int) -> Any:  # noqa: PLR0911, PLR0912
    """A value of this field, or USUAL."""
    several = random.randint(1, 3)
    side = random.randint(1, 3)
    match part:
        case PlacesField():
            return tuple(random.randint(0, max(shape)) for _ in range(several))
        case WholesField():
            return (*(random.randint(0, max(1, index)) for _ in range(several)),)
        case SizesField():
            return factors(random, prod(shape))
        case WholeField(name="back"):
            return random.randint(1, max(1, index))
        case WholeField():
            return random.choice((1, 2, 3, 4, 4, 5, 8))
        case NumberField(usual=usual):
            drawn = random.randint(-1000, 1000) / 1000
            return drawn if usual is None or random.random() < 0.5 else usual
        case FlagField() | FlagOption():
            return random.random() < 0.3
        case PhraseField(among=among):
            return random.choice(among) if random.random() < 0.5 else USUAL
        case BothField(everything=everything, row=row):
            if everything and random.random() < 0.2:
                return None
            return side if row else (side, random.choice((side, random.randint(1, 3))))
        case PairOption(row=row):
            if random.random() < 0.5:
                return USUAL
            return side if row else (side, random.choice((side, random.randint(1, 3))))
        case PadOption(row=row):
            if random.random() < 0.4:
                return USUAL
            ends = [random.randint(0, 2) for _ in range(2 if row else 4)]
            return random.choice((SAME, (ends[0],) * 4, tuple(ends)))
        case WholeOption():
            return USUAL if random.random() < 0.4 else random.choice((1, 2, 4, 8))
    raise AssertionError(f"nobody knows the values of {part}: say here how they are drawn")


def factors(random: Random, count: int) -> Shape:
    """Three whole numbers whose product is this one."""
    first = random.choice([k for k in range(1, count + 1) if count % k == 0])
    rest = count // first
    second = random.choice([k for k in (1, *range(1, rest + 1)) if rest % k == 0])
    return (first, second, rest // second)


# A network ----------------------------------------------------------------------------


@dataclass
class Draft:
    """The layers so far, and the statements that are still wanted."""

    random: Random
    input: Shape
    shapes: list[Shape]
    wanted: list[Card]
    tokens: bool = False
    layers: list[Layer] = field(default_factory=list)
    again: list[Again] = field(default_factory=list)

    @staticmethod
    def begun(random: Random, wanted: Sequence[Card]) -> Draft:
        """The input: numbers, a picture, steps of numbers or of tokens."""
        sides = [random.randint(1, 5) for _ in range(3)]
        draft = Draft(random, (sides[0],), [(sides[0],)], [*wanted])
        kind = random.choice(("numbers", "picture", "sequence", "tokens"))
        if kind == "picture":
            draft.input = (random.randint(1, 3), *sides[:2])
            draft.shapes = [draft.input]
        elif kind != "numbers":
            draft.tokens = kind == "tokens"
            features = random.randint(2, 5) if draft.tokens else random.choice((1, 1, 2, 3))
            draft.input = (random.randint(2, 8), features)
            draft.shapes = [(features, 1, draft.input[0])]
            if draft.tokens and random.random() < 0.7:
                draft.add(Embedding(random.randint(1, 4)))
        return draft

    def net(self) -> Net:
        """The whole network; it may turn out that its parts don't fit."""
        depth = self.random.randint(2, DEEPEST)
        for _ in range(TRIES):
            if len(self.layers) >= depth and (not self.wanted or len(self.layers) > DEEPEST):
                break
            self.grow()
        self.join()
        loss = self.end()
        return Net(self.input, self.layers, loss, again=self.again, tokens=self.tokens)

    def grow(self) -> None:
        """Add a layer, or apply the last ones again."""
        random, joins = self.random, [it for it in cards() if is_join(it)]
        if random.random() < 0.1:
            self.repeat()
            return
        pools = [cards()]
        pools += [self.wanted] * 2 if self.wanted else []
        pools += [joins] * (3 if unread(self.layers) is not None else 1)
        card = random.choice(random.choice(pools))
        for _ in range(PATIENCE if card in self.wanted else 1):
            layer = layer_of(card, random, self.shapes[-1], len(self.layers))
            if layer and self.add(layer):
                self.wanted = [one for one in self.wanted if one != card]
                break

    def add(self, layer: Layer) -> bool:
        """Add this layer, if it fits and stays small."""
        try:
            read = [self.shapes[k] for k in layer.reads(len(self.layers))]
            shape = layer.output(*read)
            weights = sum(prod(spec.shape) for spec in layer.parameters(read[0]))
        except (ShapeError, UsageError):
            return False
        if prod(shape) > MOST_VALUES or weights > MOST_WEIGHTS:
            return False
        layers, shapes = [*self.layers, layer], [*self.shapes, shape]
        if layer.ties and unfit_weights(layers, shapes, owners(layers, self.again)):
            return False
        self.layers, self.shapes = layers, shapes
        return True

    def repeat(self) -> None:
        """Apply some of the last layers again, where their weights fit again."""
        kept = [*self.layers], [*self.shapes]
        free = len(self.layers) - max((one.end for one in self.again), default=0)
        if not free:
            return
        count = self.random.randint(1, free)
        one = Again(len(self.layers) - count, count, 2)
        again = [*self.again, one]
        fits = all(self.add(self.layers[owner]) for _, owner in one.uses())
        if (
            not fits
            or misfit(self.layers, again)
            or unfit_weights(self.layers, self.shapes, owners(self.layers, again))
        ):
            self.layers, self.shapes = kept
            return
        self.again = again

    # The end.

    def join(self) -> None:
        """Put whatever is read by nothing beside the rest, as flat values."""
        if unread(self.layers) is not None:
            self.flatten()
        while (index := unread(self.layers)) is not None:
            before = len(self.layers)
            self.must(GoBack(before - index - 1))
            self.flatten()
            back = len(self.layers) - before
            self.must(Concat(self.random.choice(((0, back), (back, 0)))))

    def flatten(self) -> None:
        if len(self.shapes[-1]) > 1:
            self.must(Flatten())

    def must(self, layer: Layer) -> None:
        if not self.add(layer):
            raise ShapeError(f"{layer} doesn't fit {self.shapes[-1]}")

    def end(self) -> Loss:
        """End in classes, a chance or numbers, perhaps at each step."""
        random, width = self.random, self.random.randint(1, 4)
        if len(self.shapes[-1]) == 3 and is_sequence(self.shapes[-1]) and random.random() < 0.2:
            self.must(Conv(width, (1, 1), row=True))
        elif random.random() < 0.9 or len(self.shapes[-1]) > 1:
            self.flatten()
            self.must(Dense(width))
        match random.choice(("classes", "chance", "numbers")):
            case "classes":
                self.must(Activation(random.choice(("softmax", "log softmax"))))
                return Loss.CROSS
            case "chance":
                self.must(Activation("sigmoid"))
                return Loss.BINARY
        return Loss.SQUARED


def is_join(card: Card) -> bool:
    """Whether it reads values from farther back."""
    return any(part.name == "back" for part in plain(card[1].fields))
