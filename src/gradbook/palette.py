"""The colours: one for each kind of quantity, the same in every picture, page and sheet.

Fills differ in hue and hardly in lightness, and every ink is readable on its fill (contrast
at least 5.5) and on the paper, so that colours only repeat what names already say.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Colour:
    """A pale fill with a strong ink for light paper, and both again for dark."""

    word: str  # its meaning, for a legend
    fill: str
    ink: str
    dark_fill: str
    dark_ink: str

    @property
    def key(self) -> str:
        """One word for style sheets."""
        return self.word.split()[-1]


INPUT = Colour("inputs", "#E0EFFE", "#005E9E", "#1D3449", "#85C4FF")
TARGET = Colour("targets", "#CDF6F8", "#00686C", "#0A393B", "#56D3DA")
WEIGHT = Colour("weights", "#FFEAC9", "#785302", "#412E0C", "#EAB357")
SUM = Colour("sums", "#E9EDF5", "#505B71", "#2E3239", "#B4BED2")
ACTIVATION = Colour("activations", "#DAF5DE", "#006E2F", "#1F3824", "#89D298")
ERROR = Colour("errors", "#FDE7E5", "#9D2E2D", "#482724", "#FEA199")
GRADIENT = Colour("gradients", "#F1E8FF", "#6C409D", "#372B47", "#CDABFB")
RATE = Colour("learning rate", "#FFE5F0", "#932E66", "#452735", "#F69EC8")
MEMORY = Colour("memory of the update", "#ECF0DA", "#596112", "#313420", "#BCC48B")

KINDS = (INPUT, TARGET, WEIGHT, SUM, ACTIVATION, ERROR, GRADIENT, RATE, MEMORY)

PAPER = Colour("paper", "#FFFEFB", "#23221F", "#17181C", "#E4E3DE")
QUIET = Colour("lines and remarks", "#E7E3D9", "#6B675E", "#3A3C43", "#A3A5AD")

_STEMS = {
    "i": INPUT,
    "t": TARGET,
    **dict.fromkeys("wWbγβαρ", WEIGHT),
    **dict.fromkeys("aâ", ACTIVATION),
    "E": ERROR,
    **dict.fromkeys("∂δgq", GRADIENT),
    "η": RATE,
    "k": MEMORY,
}


def colour_of(stem: str, owned: bool = False) -> Colour:
    """The colour of a name's kind, by its stem: w of w5, ∂ of ∂E/∂w5.

    `owned` distinguishes s_w5, Adam's memory of w5, from s, a batch's deviation.
    """
    if owned and stem in "vms":
        return MEMORY
    return _STEMS.get(stem, SUM)


# For the cells of a table, from slightly to strongly: those that raise a result, that lower it.
RAISING = (INPUT.fill, "#B3DAFF", INPUT.dark_ink)
LOWERING = (ERROR.fill, "#FEC9C3", ERROR.dark_ink)

# For families of curves, from the gentlest learning rate to the most violent. Their lightness
# alternates, so that neighbours differ in two ways; all are visible on white and on dark.
CURVES = (
    "#5088F2",
    "#077DB3",
    "#0F9DB4",
    "#008681",
    "#01A578",
    "#2C8B1A",
    "#879606",
    "#8C7202",
    "#C27A09",
    "#BE4C01",
    "#E05860",
    "#BC3E78",
    "#C55FBA",
)


def curve_colours(count: int) -> tuple[str, ...]:
    """Colours for that many curves, spread from gentle to violent."""
    last = len(CURVES) - 1
    return tuple(CURVES[round(k * last / max(count - 1, 1))] for k in range(count))
