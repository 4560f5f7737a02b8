"""The text of a derivative's formula as Excel accepts it: products, prefixes of names, limits."""

from __future__ import annotations

import re

from gradbook.cells.formula.expression import parts
from gradbook.cells.formula.functions import plain_name
from gradbook.errors import LimitError
from gradbook.targets.excel.language import (
    LONGEST_FORMULA,
    Call,
    Expression,
    write,
)

LONGEST_SUM = LONGEST_FORMULA - 200  # characters of terms that are added up in one cell
MOST_TERMS = 100  # in one cell: more can't be read
MOST_ARGUMENTS, DEEPEST_CALLS = 255, 64

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

_CALLED = re.compile(r'"(?:[^"]|"")*"|\'(?:[^\']|\'\')*\'|([A-Za-z_][\w.]*)\(')


def formula_text(expression: Expression) -> str:
    """A formula, without its =, as the file format spells it."""
    return _CALLED.sub(_spelled, write(expression))


def _spelled(found: re.Match[str]) -> str:
    if not found[1]:
        return found[0]
    bare = plain_name(found[1].upper())
    prefix = FILE_PREFIX if bare in NEWER_FUNCTIONS or bare in SHEET_FUNCTIONS else ""
    if found[1].upper().startswith("_XLFN."):
        prefix = FILE_PREFIX
    return f"{prefix}{'_xlws.' if bare in SHEET_FUNCTIONS else ''}{bare}("


def require_writable(text: str, expression: Expression, cell: str) -> None:
    """Refuse a formula that Excel wouldn't take."""
    if len(text) > LONGEST_SUM:
        raise LimitError(
            f"the derivative by {cell} would take {len(text):,} characters, but a cell holds "
            f"{LONGEST_FORMULA:,}: split the formulas that use it into several cells"
        )
    most = max((len(p.arguments) for p in parts(expression) if isinstance(p, Call)), default=0)
    if most > MOST_ARGUMENTS or depth_of_calls(text) > DEEPEST_CALLS:
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
