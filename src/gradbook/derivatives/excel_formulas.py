"""The text of a derivative's formula as Excel accepts it: products, prefixes of names, limits."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gradbook.cells.formula.expression import rename_cells
from gradbook.cells.formula.function_table import plain_name
from gradbook.cells.formula.pattern import Pattern
from gradbook.cells.formula.simplify import ONE, times, with_sign_first
from gradbook.cells.formula.syntax import (
    LONGEST_FORMULA,
    Expression,
    Reference,
    write,
)
from gradbook.cells.slopes import Term
from gradbook.errors import LimitError

LONGEST_SUM = LONGEST_FORMULA - 200  # characters of terms that are added up in one cell
MOST_TERMS = 100  # in one cell: more can't be read
DEEPEST_CALLS = 64  # in Excel

FILE_PREFIX = "_xlfn."
NEWER_FUNCTIONS = frozenset(
    """
ACOT ACOTH AGGREGATE ARABIC BASE BETA.DIST BETA.INV BINOM.DIST BINOM.DIST.RANGE BINOM.INV BYCOL
BYROW CEILING.MATH CEILING.PRECISE CHISQ.DIST CHISQ.DIST.RT CHISQ.INV CHISQ.INV.RT CHISQ.TEST
CHOOSECOLS CHOOSEROWS COMBINA CONCAT CONFIDENCE.NORM CONFIDENCE.T COT COTH COVARIANCE.P
COVARIANCE.S CSC CSCH DAYS DECIMAL DROP EXPAND EXPON.DIST F.DIST F.DIST.RT F.INV F.INV.RT
FLOOR.MATH FLOOR.PRECISE FORECAST.LINEAR GAMMA GAMMA.DIST GAMMA.INV GAMMALN.PRECISE GAUSS HSTACK
HYPGEOM.DIST IFNA IFS ISFORMULA ISOWEEKNUM LAMBDA LET LOGNORM.DIST LOGNORM.INV MAKEARRAY MAP MAXIFS
MINIFS MODE.MULT MODE.SNGL MUNIT NEGBINOM.DIST NORM.DIST NORM.INV NORM.S.DIST NORM.S.INV
NUMBERVALUE PDURATION PERCENTILE.EXC PERCENTILE.INC PERCENTRANK.EXC PERCENTRANK.INC PERMUTATIONA
PHI POISSON.DIST QUARTILE.EXC QUARTILE.INC RANDARRAY RANK.AVG RANK.EQ REDUCE RRI SCAN SEC SECH
SEQUENCE SHEET SHEETS SKEW.P SORTBY STDEV.P STDEV.S SWITCH T.DIST T.DIST.2T T.DIST.RT T.INV
T.INV.2T TAKE TEXTAFTER TEXTBEFORE TEXTJOIN TEXTSPLIT TOCOL TOROW UNIQUE VAR.P VAR.S VSTACK
WEIBULL.DIST WRAPCOLS WRAPROWS XLOOKUP XMATCH XOR Z.TEST
""".split()  # noqa: SIM905 - a list of that many words isn't readable
)
"""Functions that came after the file format: it writes their names with a prefix."""
SHEET_FUNCTIONS = frozenset(("FILTER", "SORT"))  # which have a second prefix

MARK = "\x01"  # around a reference
_CALLED = re.compile(r'"(?:[^"]|"")*"|\'(?:[^\']|\'\')*\'|(?<![\w.])([A-Za-z_][\w.]*)\(')


def formula_text(expression: Expression) -> str:
    """A formula, without its =, as the file format spells it."""
    return spelled_in_file(write(expression))


def spelled_in_file(formula: str) -> str:
    """A formula's text with the names of functions as the file format spells them."""
    return _CALLED.sub(_spelled, formula)


def _spelled(match: re.Match[str]) -> str:
    if not match[1]:
        return match[0]
    bare = plain_name(match[1].upper())
    prefix = FILE_PREFIX if bare in NEWER_FUNCTIONS or bare in SHEET_FUNCTIONS else ""
    if match[1].upper().startswith("_XLFN."):
        prefix = FILE_PREFIX
    return f"{prefix}{'_xlws.' if bare in SHEET_FUNCTIONS else ''}{bare}("


class SlopeTexts:
    """The texts of slopes times partial slopes; those of a formula's copies are written once."""

    def __init__(self) -> None:
        self._known: dict[tuple[Pattern, bool], tuple[str, ...]] = {}

    def text(self, outer: str, term: Term) -> str:
        """The product of a slope, if one is given, and of the term's partial slope."""
        key = term.pattern, bool(outer)
        if key not in self._known:
            self._known[key] = self._pieces(term.pattern, bool(outer))
        pieces = list(self._known[key])
        for place in range(1, len(pieces), 2):
            word = pieces[place]
            pieces[place] = term.name(word) if word else outer
        return "".join(pieces)

    def _pieces(self, pattern: Pattern, has_outer: bool) -> tuple[str, ...]:
        """The text between references, and in turn each of them; '' is the slope."""
        expression = pattern.expression
        assert expression is not None
        marked = rename_cells(expression, lambda part: f"{MARK}{part.text}{MARK}")
        outer = Reference(MARK * 2) if has_outer else ONE
        return tuple(formula_text(with_sign_first(times(outer, marked))).split(MARK))


def sum_of(terms: Sequence[str]) -> str:
    """The sum of these formulas, as text."""
    first, *others = terms
    return first + "".join(term if term.startswith("-") else f"+{term}" for term in others)


def require_writable(text: str, cell: str) -> None:
    """Refuse a formula that Excel wouldn't take."""
    if len(text) > LONGEST_SUM:
        raise LimitError(
            f"the derivative by {cell} would take {len(text):,} characters, but a cell holds "
            f"{LONGEST_FORMULA:,}: split the formulas that use it into several cells"
        )
    if text.count("(") > DEEPEST_CALLS and depth_of_calls(text) > DEEPEST_CALLS:
        raise LimitError(
            f"the derivative by {cell} is nested more deeply than Excel allows: split the formulas "
            "that use it into several cells"
        )


def depth_of_calls(text: str) -> int:
    """How deeply the parentheses of a formula are nested."""
    depth = deepest = 0
    quoted = ""
    for letter in text:
        if quoted:
            quoted = "" if letter == quoted else quoted
        elif letter in "\"'":
            quoted = letter
        else:
            depth += (letter == "(") - (letter == ")")
            deepest = max(deepest, depth)
    return deepest
