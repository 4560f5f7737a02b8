"""A formula as plain text, in one line."""

from __future__ import annotations

from typing import ClassVar

from gradbook.targets.algebra.notation import forms
from gradbook.targets.algebra.notation.forms import HALF, Form
from gradbook.targets.algebra.writers.printer import (
    PRODUCT_BREAK,
    SUM_BREAK,
    Decimals,
    Level,
    Printer,
    deeper,
    unmarked,
)

RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
decimal = Decimals("−", "∞", "undefined", "·", lambda exponent: f"10{_raised(exponent)}")


def spell(form: Form) -> str:
    """A formula in one line."""
    return unmarked(TextPrinter().write(form))


def _raised(number: int) -> str:
    return str(number).translate(RAISED)


class TextPrinter(Printer):
    before_sum: ClassVar[str] = "·"
    levels: ClassVar[dict[type, Level]] = {**Printer.levels, forms.Fraction: Level.FRACTION}

    def level(self, form: Form) -> Level:
        if isinstance(form, forms.Numeral) and form.value >= 0 and "·" not in decimal(form.value):
            return Level.ATOM
        return Level.ATOM if form == HALF else super().level(form)

    def write_symbol(self, form: forms.Symbol) -> str:
        return str(form.name)

    def write_numeral(self, form: forms.Numeral) -> str:
        return decimal(form.value)

    def write_words(self, form: forms.Words) -> str:
        return form.text

    def write_partial(self, form: forms.Partial) -> str:
        return f"∂{self.write(form.of)}/∂{self.write(form.to)}"

    def write_derived(self, form: forms.Derived) -> str:
        return f"∂/∂{self.write(form.to)} {self.part(form.of, Level.POWER)}"

    def write_minus(self, form: forms.Minus) -> str:
        return f"−{self.part(form.of, Level.FRACTION)}"

    def write_terms(self, form: forms.Terms) -> str:
        return self.terms(form)

    def write_factors(self, form: forms.Factors) -> str:
        return self.factors(form, {"·": "·", "": " "}.get(form.sign, f" {form.sign} "))

    def write_fraction(self, form: forms.Fraction) -> str:
        if form == HALF:
            return "½"
        top, bottom = self.part(form.top, Level.PRODUCT), self.part(form.bottom, Level.POWER)
        return f"{top}{PRODUCT_BREAK}/{bottom}"

    def write_power(self, form: forms.Power) -> str:
        base, exponent = self.part(form.base, Level.ATOM), form.exponent
        if isinstance(exponent, forms.Numeral) and float(exponent.value).is_integer():
            return base + _raised(int(exponent.value))
        return f"{base}^{self.part(exponent, Level.ATOM)}"

    def write_root(self, form: forms.Root) -> str:
        return f"√{self.part(form.of, Level.ATOM)}"

    def write_transposed(self, form: forms.Transposed) -> str:
        return f"{self.part(form.of, Level.ATOM)}ᵀ"

    def write_function(self, form: forms.Function) -> str:
        arguments = f",{SUM_BREAK} ".join(map(self.write, form.arguments))
        return f"{form.function}({deeper(arguments)})"

    def write_bracket(self, form: forms.Bracket) -> str:
        return f"[{deeper(self.write(form.relation))}]"

    def write_cases(self, form: forms.Cases) -> str:
        *conditional, (otherwise, _) = form.rows
        said = [f"{self.write(value)} if {self.write(when)}" for value, when in conditional]
        return deeper(f"{{{', '.join(said)}, else {self.write(otherwise)}}}")

    def write_bigsum(self, form: forms.BigSum) -> str:
        over = "" if form.over == "samples" else f"_{form.over}"  # what Σ alone is said to be
        return f"Σ{over} {self.part(form.of, Level.FRACTION)}"

    def write_comparison(self, form: forms.Comparison) -> str:
        return f"{self.write(form.left)}{SUM_BREAK} {form.sign} {self.write(form.right)}"
