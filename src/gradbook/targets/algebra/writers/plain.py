"""A formula as plain text, in one line."""

from __future__ import annotations

from math import isfinite
from typing import ClassVar

from gradbook.targets.algebra.notation.forms import (
    HALF,
    BigSum,
    Bracket,
    Cases,
    Comparison,
    Derived,
    Factors,
    Form,
    Fraction,
    Function,
    Minus,
    Numeral,
    Partial,
    Power,
    Root,
    Symbol,
    Terms,
    Transposed,
    Words,
    digits,
)
from gradbook.targets.algebra.writers.printer import (
    PRODUCT_BREAK,
    SUM_BREAK,
    Level,
    Printer,
    deeper,
    unmarked,
)

RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def spell(form: Form) -> str:
    """A formula in one line."""
    return unmarked(TextPrinter().write(form))


class TextPrinter(Printer):
    before_sum: ClassVar[str] = "·"
    levels: ClassVar[dict[type, Level]] = {
        Comparison: Level.COMPARISON,
        Terms: Level.SUM,
        Minus: Level.MINUS,
        Fraction: Level.FRACTION,
        BigSum: Level.FRACTION,
        Derived: Level.FRACTION,
        Factors: Level.PRODUCT,
        Partial: Level.POWER,
        Power: Level.POWER,
        Transposed: Level.POWER,
    }

    def level(self, form: Form) -> Level:
        if form == HALF:
            return Level.ATOM
        if isinstance(form, Numeral) and form.value >= 0 and "·" in decimal(form.value):
            return Level.PRODUCT
        return super().level(form)

    def write_symbol(self, form: Symbol) -> str:
        return str(form.name)

    def write_numeral(self, form: Numeral) -> str:
        return decimal(form.value)

    def write_words(self, form: Words) -> str:
        return form.text

    def write_partial(self, form: Partial) -> str:
        return f"∂{self.write(form.of)}/∂{self.write(form.to)}"

    def write_derived(self, form: Derived) -> str:
        return f"∂/∂{self.write(form.to)} {self.part(form.of, Level.POWER)}"

    def write_minus(self, form: Minus) -> str:
        return f"−{self.part(form.of, Level.FRACTION)}"

    def write_terms(self, form: Terms) -> str:
        return self.terms(form)

    def write_factors(self, form: Factors) -> str:
        return self.factors(form, {"·": "·", "": " "}.get(form.sign, f" {form.sign} "))

    def write_fraction(self, form: Fraction) -> str:
        if form == HALF:
            return "½"
        top, bottom = self.part(form.top, Level.PRODUCT), self.part(form.bottom, Level.POWER)
        return f"{top}{PRODUCT_BREAK}/{bottom}"

    def write_power(self, form: Power) -> str:
        base, exponent = self.part(form.base, Level.ATOM), form.exponent
        if isinstance(exponent, Numeral) and float(exponent.value).is_integer():
            return base + decimal(exponent.value).replace("−", "-").translate(RAISED)
        return f"{base}^{self.part(exponent, Level.ATOM)}"

    def write_root(self, form: Root) -> str:
        return f"√{self.part(form.of, Level.ATOM)}"

    def write_transposed(self, form: Transposed) -> str:
        return f"{self.part(form.of, Level.ATOM)}ᵀ"

    def write_function(self, form: Function) -> str:
        arguments = f",{SUM_BREAK} ".join(map(self.write, form.arguments))
        return f"{form.function}({deeper(arguments)})"

    def write_bracket(self, form: Bracket) -> str:
        return f"[{deeper(self.write(form.relation))}]"

    def write_cases(self, form: Cases) -> str:
        *conditional, (otherwise, _) = form.rows
        said = [f"{self.write(value)} if {self.write(when)}" for value, when in conditional]
        return deeper(f"{{{', '.join(said)}, else {self.write(otherwise)}}}")

    def write_bigsum(self, form: BigSum) -> str:
        over = "" if form.over == "samples" else f"_{form.over}"  # what Σ alone is said to be
        return f"Σ{over} {self.part(form.of, Level.FRACTION)}"

    def write_comparison(self, form: Comparison) -> str:
        return f"{self.write(form.left)}{SUM_BREAK} {form.sign} {self.write(form.right)}"


def decimal(value: float) -> str:
    """The number with as many digits as we print: 0.5, −0.01288082, 3.2·10⁻⁷."""
    if not isfinite(value):
        return {"inf": "∞", "-inf": "−∞"}.get(str(value), "undefined")
    mantissa, _, exponent = digits(value).partition("e")
    mantissa = mantissa.replace("-", "−")
    if not exponent:
        return mantissa
    power = f"10{str(int(exponent)).translate(RAISED)}"
    return {"1": power, "−1": f"−{power}"}.get(mantissa, f"{mantissa}·{power}")
