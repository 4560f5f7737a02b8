"""Letters with what stands below them, and numbers, in MathML."""

from __future__ import annotations

from html import escape
from math import isfinite, isnan

from gradbook.graph.names import Name
from gradbook.palette import colour_of
from gradbook.targets.algebra.decimals import digits
from gradbook.targets.algebra.math import Symbol

SQUARE = "²"  # σ² is a letter with its square
MINUS = '<mo form="prefix">−</mo>'


def symbol_of(symbol: Symbol) -> str:
    """A letter with its subscript: the h of a_h1 slanted, its number and 'total' upright."""
    kind, letter, below = _parts(symbol)
    if symbol.name.stem.endswith(SQUARE):
        return raised(symbol, "<mn>2</mn>")
    return f'<msub class="{kind}">{letter}<mrow>{below}</mrow></msub>' if below else letter


def raised(symbol: Symbol, exponent: str) -> str:
    """The exponent stands above the subscript."""
    kind, letter, below = _parts(symbol)
    if not below:
        return f"<msup>{letter}{exponent}</msup>"
    return f'<msubsup class="{kind}">{letter}<mrow>{below}</mrow>{exponent}</msubsup>'


def _parts(symbol: Symbol) -> tuple[str, str, str]:
    """The class of its kind, its letter, and what stands below the line."""
    name = symbol.name
    kind = f"k-{colour_of(name.stem, owned=name.of is not None).key}"
    looks = f'class="{kind} bold" mathvariant="normal"' if symbol.bold else f'class="{kind}"'
    return kind, f"<mi {looks}>{name.stem.removesuffix(SQUARE)}</mi>", _below(name)


def _below(name: Name) -> str:
    if name.of:
        return f"<mi>{name.of.stem}</mi>{_below(name.of)}"
    word = f"<mtext>{escape(name.word)}</mtext>" if name.word else ""
    numbers = ([] if name.layer is None else [name.layer]) + list(name.index)
    return word + (f"<mn>{','.join(map(str, numbers))}</mn>" if numbers else "")


def number_of(value: float) -> str:
    """0.0141, or with a power of ten where zeros would hide it."""
    minus = MINUS if value < 0 else ""
    if not isfinite(value):
        return "<mtext>undefined</mtext>" if isnan(value) else f"{minus}<mi>∞</mi>"
    mantissa, _, exponent = digits(abs(value)).partition("e")
    if not exponent:
        return f"{minus}<mn>{mantissa}</mn>"
    power = f"<msup><mn>10</mn><mrow>{number_of(int(exponent))}</mrow></msup>"
    return f"{minus}{power}" if mantissa == "1" else f"{minus}<mn>{mantissa}</mn><mo>·</mo>{power}"
