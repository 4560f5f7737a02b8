"""Up to which learning rate a network trains: a search on one fixed grid of rates.

The border is often ragged: above the first rate that fails others still train. So what is found is
a range, and it is the same whichever rates a sweep was asked for. A page searches the same grid in
the same order, by this table of numbers and in these words (`limit_table`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gradbook.amounts import counted

DEFINITION = (
    "A rate still trains if loss and gradient stay numbers, the loss is lower than at the start "
    "in all of the last tenth of the epochs, and it isn't saturated."
)

Place = int  # on the grid: the rate 10^(place / DECADE)

DECADE = 500  # places: two that are neighbours differ by 0.46 %
DECADES = 12  # looked at upwards from 1, or down from there, until one fails or trains
ROW = 12  # neighbours that go alike, beyond which the border is left behind
STRIDE = 9  # places between the rates tried farther away, up to double and down to half
FAR = 150  # places: a factor of two
PATIENCE = 200  # rates tried: then the search ends, however ragged the border
RATE_DIGITS = 4  # of a rate that is tried, so that it can be typed
SAID_DIGITS = 2  # of a rate that is spoken of: a ragged border has no more

WORDS: Mapping[str, str] = MappingProxyType(
    {
        "none tried": "No rate was tried for being too large: there is no gradient to begin with.",
        "none": "None of the {tried} rates tried trains for {epochs}, down to {low:g}.",
        "all": "Every rate tried trains for {epochs}, up to {rate:g}.",
        "clear": "Rates up to about {reliable:g} train for {epochs}; none of those tried above "
        "does.",
        "near": "Rates up to about {rate:g} train for {epochs}. The border is ragged: close to it "
        "some rates train and others fail.",
        "ragged": "Rates up to about {reliable:g} train for {epochs}. Above that the border is "
        "ragged: some rates still train and others fail, up to about {rate:g}.",
        "patchy": "Some rates up to about {rate:g} train for {epochs}, and others fail.",
    }
)


@dataclass(frozen=True)
class Limit:
    """What the search found: a range, in which the border lies."""

    rate: float | None  # the largest that trains; none: no rate tried does
    beyond: float | None  # the next larger one tried, which doesn't; none: none was found
    failing: tuple[float, ...] = ()  # those tried that don't, though a larger one does
    tried: int = 0
    reliable: float | None = None  # every rate tried up to this one trains

    def words(self, epochs: int) -> str:
        """The finding in a sentence or two."""
        values: dict[str, object] = {"epochs": counted(epochs, "epoch"), "tried": self.tried}
        if self.rate is None:
            kind = "none" if self.tried else "none tried"
            return WORDS[kind].format(**values, low=self.beyond)
        if self.beyond is None:
            return WORDS["all"].format(**values, rate=self.rate)
        rate = _about(self.rate)
        if self.reliable is None:
            return WORDS["patchy"].format(**values, rate=rate)
        reliable = _about(self.reliable, down=True)
        kind = "clear" if not self.failing else "near" if reliable == rate else "ragged"
        return WORDS[kind].format(**values, reliable=reliable, rate=rate)


def _about(rate: float, down: bool = False) -> float:
    """In as few digits as a ragged border has; rounded down, where all below is spoken of."""
    mantissa, power = f"{rate:.{RATE_DIGITS - 1}e}".split("e")
    unit = 10 ** (RATE_DIGITS - SAID_DIGITS)
    shown = (int(mantissa.replace(".", "")) + (0 if down else unit // 2)) // unit
    return float(f"{shown}e{int(power) - SAID_DIGITS + 1}")


def limit_table() -> dict[str, object]:
    """What a page searches by."""
    return {
        "decade": DECADE,
        "decades": DECADES,
        "row": ROW,
        "stride": STRIDE,
        "far": FAR,
        "patience": PATIENCE,
        "rateDigits": RATE_DIGITS,
        "saidDigits": SAID_DIGITS,
        "words": dict(WORDS),
    }


def rate_at(place: Place) -> float:
    return float(f"{10 ** (place / DECADE):.{RATE_DIGITS}g}")


def largest(trains: Callable[[float], bool]) -> Limit:
    """The range in which rates cease to train, as far as trying tells."""
    search = _Search(trains)
    border = search.first_border()
    if border is not None:
        search.look_above(border)
        search.look_below(border)
    return search.limit()


class _Search:
    """The places tried so far, and how each went."""

    def __init__(self, trains: Callable[[float], bool]) -> None:
        self.trains = trains
        self.tried: dict[Place, bool] = {}

    def try_(self, place: Place) -> bool:
        if place not in self.tried:
            self.tried[place] = self.trains(rate_at(place))
        return self.tried[place]

    @property
    def is_patient(self) -> bool:
        return len(self.tried) < PATIENCE

    def first_border(self) -> Place | None:
        """The place of a rate that trains, of which the next one doesn't."""
        up = self.try_(0)
        for decade in range(1, DECADES + 1):
            place = decade * DECADE if up else -decade * DECADE
            if self.try_(place) is not up:
                good = place - DECADE if up else place
                return self.between(good, good + DECADE)
        return None

    def between(self, good: Place, bad: Place) -> Place:
        """By halving, from a rate that trains and a larger one that doesn't."""
        while bad - good > 1:
            middle = (good + bad) // 2
            if self.try_(middle):
                good = middle
            else:
                bad = middle
        return good

    def look_above(self, border: Place) -> None:
        """Neighbour after neighbour until a row of them fails; then farther away."""
        top = border
        while self.is_patient:
            place = top + 1
            while place <= top + ROW and not self.try_(place):
                place += 1
            if place <= top + ROW:
                top = place
                continue
            far = range(top + FAR, top + ROW, -STRIDE)
            found = next((place for place in far if self.try_(place)), None)
            if found is None:
                return
            next_one = found + STRIDE
            top = next_one if self.try_(next_one) else self.between(found, next_one)

    def look_below(self, border: Place) -> None:
        """Likewise down, until a row of them trains."""
        bottom = border
        while self.is_patient:
            place = bottom
            while place > bottom - ROW and self.try_(place):
                place -= 1
            if place > bottom - ROW:
                bottom = self.below(place)
                continue
            far = range(bottom - FAR, bottom - ROW, STRIDE)
            found = next((place for place in far if not self.try_(place)), None)
            if found is None:
                return
            bottom = self.below(found)

    def below(self, failing: Place) -> Place:
        """The place of the next rate below that trains."""
        good = failing - 1
        while not self.try_(good):
            good -= STRIDE
            if not self.is_patient:
                return good
        return self.between(good, failing)

    def limit(self) -> Limit:
        good = [place for place, trains in self.tried.items() if trains]
        bad = [place for place, trains in self.tried.items() if not trains]
        if not good:
            return Limit(None, rate_at(min(bad)), tried=len(self.tried))
        top = max(good)
        beyond = min((place for place in bad if place > top), default=None)
        failing = sorted(place for place in bad if place < top)
        below = max((place for place in good if place < min(bad, default=top + 1)), default=None)
        return Limit(
            rate_at(top),
            None if beyond is None else rate_at(beyond),
            tuple(map(rate_at, failing)),
            len(self.tried),
            None if below is None else rate_at(below),
        )
