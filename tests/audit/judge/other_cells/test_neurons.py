"""A layer that nothing trains: its neurons are held against each other."""

from __future__ import annotations

import pytest

from gradbook.audit.check import check
from tests.audit.material.small import saved

SUMS = {
    "M2": "=A2*C2+B2*G2",
    "N2": "=(A2*D2)+(B2*H2)",
    "O2": "=(A2*E2)+(B2*I2)",
    "P2": "=(A2*F2)+(B2*J2)",
}
WEIGHTS = (0.2, 0.5, 0.4, 0.8, 0.6, 0.7, 0.9, 0.3)


def told(path, **sums):
    """What is said of a hidden layer of four, whose weights C2:J2 stay, below an output whose four,
    V:Y, are trained; the sums in M2:P2 may be others."""
    sheet = {
        "A2": 0.5,
        "B2": 1.0,
        "K2": 0.1,
        "L2": 0.7,
        **{f"{letter}2": value for letter, value in zip("CDEFGHIJ", WEIGHTS, strict=True)},
        **SUMS,
        **sums,
        "Q2:T2": "=1/(1+EXP(-M2))",
        "V1": "v1",
        "W1": "v2",
        "X1": "v3",
        "Y1": "v4",
        **dict.fromkeys(("V2", "W2", "X2", "Y2"), 0.3),
        "V3:V8": "=V2-$K$2*AC2",
        "W3:W8": "=W2-$K$2*AD2",
        "X3:X8": "=X2-$K$2*AE2",
        "Y3:Y8": "=Y2-$K$2*AF2",
        "Z2:Z8": "=$Q$2*V2+$R$2*W2+$S$2*X2+$T$2*Y2",
        "AA1": "E",
        "AA2:AA8": "=0.5*(Z2-$L$2)^2",
        "AB2:AB8": "=Z2-$L$2",
        "AC2:AC8": "=AB2*$Q$2",
        "AD2:AD8": "=AB2*$R$2",
        "AE2:AE8": "=AB2*$S$2",
        "AF2:AF8": "=AB2*$T$2",
    }
    report = check(saved(path, sheet))
    return report.verdict, [(f.cells, f.formula, f.expected) for f in report.findings]


def test_a_neuron_that_takes_anothers_weight_is_told(path):
    wrong = "=(A2*I2)+(B2*J2)"
    assert told(path, P2=wrong) == ("wrong", [("P2", wrong, "=(A2*F2)+(B2*J2)")])
    wrong = "=(A2*E2)+(B2*H2)"
    assert told(path, O2=wrong) == ("wrong", [("O2", wrong, SUMS["O2"])])


@pytest.mark.parametrize(
    "sums",
    [
        {},
        {"P2": "=(A2*F2)+(A2*J2)"},  # an input twice: that may be meant
        {"P2": "=(A2*F2)+(B2*J2)+1"},
        {"P2": "=F2+J2"},
        {"M2": "=A2*I2+B2*J2", "P2": "=A2*C2+B2*G2"},  # in another order
    ],
)
def test_neurons_that_take_every_weight_once_are_right(sums, path):
    assert told(path, **sums) == ("right", [])
