"""How wide a formula in TeX will be, about."""

from __future__ import annotations

import re

WORD = re.compile(r"\\(?:text|mathrm|mathbf|boldsymbol|mathsf)\{([^{}]*)\}")
RAISED = re.compile(r"[_^]\{([^{}]*)\}")
FRACTION = re.compile(r"\\t?frac\{([^{}]*)\}\{([^{}]*)\}")
SPACED = re.compile(r"[-+=]|\\(?:cdot|approx|odot|star|ast|leftarrow|sum)(?![A-Za-z])")
NAMED = re.compile(r"\\(tanh|exp|ln|max|sinh|cosh)(?![A-Za-z])")
SILENT = re.compile(r"\\(?:Big[lr]|quad)(?![A-Za-z])")
COMMAND = re.compile(r"\\(?:[A-Za-z]+|.)")
UNSEEN = re.compile(r"[{} ]")


def width(tex: str) -> float:
    """About how many characters wide the formula is when it is set."""
    before = ""
    while before != tex:
        before = tex
        tex = WORD.sub(r"\1", tex)
        tex = RAISED.sub(lambda found: "x" * round(0.7 * width(found[1])), tex)
        tex = FRACTION.sub(lambda found: max(found[1], found[2], key=width), tex)
    tex = NAMED.sub(r"\1", SPACED.sub("xxx", SILENT.sub("", tex)))
    return len(UNSEEN.sub("", COMMAND.sub("x", tex)))
