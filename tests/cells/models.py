"""Ten small models of different fields, as people set them up in a spreadsheet.

Each has its inputs as typed numbers beside their labels, a result, and the cells whose slope isn't
what a nudge says, with the reason: counts, and what is rounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.audit.material.made import Content


@dataclass(frozen=True)
class Model:
    """The cells of a sheet, the cell of its result, and the cells whose slopes are held fixed."""

    cells: Mapping[str, Content]
    result: str
    fixed: Mapping[str, str] = field(default_factory=dict)


OPTION = Model(  # a call's price by Black and Scholes
    {
        **{"A1": "Spot", "B1": 100.0, "A2": "Strike", "B2": 105.0, "A3": "Rate", "B3": 0.03},
        **{"A4": "Volatility", "B4": 0.2, "A5": "Years", "B5": 0.75},
        "A6": "d1",
        "B6": "=(LN(B1/B2)+(B3+B4^2/2)*B5)/(B4*SQRT(B5))",
        "A7": "d2",
        "B7": "=B6-B4*SQRT(B5)",
        "A8": "Call",
        "B8": "=B1*NORM.S.DIST(B6,TRUE)-B2*EXP(-B3*B5)*NORM.S.DIST(B7,TRUE)",
    },
    "B8",
)
MORTGAGE = Model(  # what a loan costs in its first three years
    {
        **{"A1": "Loan", "B1": 250000.0, "A2": "Rate", "B2": 0.038, "A3": "Years", "B3": 25.0},
        **{"A4": "Monthly", "B4": "=-PMT(B2/12,B3*12,B1)"},
        **{"A6": "Month", "B6": "Interest", "C6": "Principal", "D6": "Balance", "D7": "=B1"},
        "B8:B19": "=D7*$B$2/12",
        "C8:C19": "=$B$4-B8",
        "D8:D19": "=D7-C8",
        **{"A21": "Fee", "B21": 0.01, "A22": "Cost", "B22": "=SUM(B8:B19)+B21*D19"},
    },
    "B22",
)
MATERIALS = Model(  # the price of a bicycle by its parts, with a discount from a quantity on
    {
        **{"A1": "frame", "A2": "wheel", "A3": "brake", "A4": "bell"},
        **{"B1": 1.0, "B2": 2.0, "B3": 2.0, "B4": 1.0},
        **{"C1": 180.0, "C2": 65.5, "C3": 22.0, "C4": 4.9},
        **{"D1": "steel", "D2": "steel", "D3": "alloy", "D4": "alloy"},
        "E1:E4": "=B1*C1",
        **{"A6": "Pieces", "B6": 120.0, "A7": "From", "B7": 100.0, "A8": "Discount", "B8": 0.05},
        **{"A9": "Steel", "B9": '=SUMIF(D1:D4,"steel",E1:E4)', "A10": "Duty", "B10": 0.04},
        "B11": "=SUMPRODUCT(B1:B4,C1:C4)+B9*B10+VLOOKUP(\"bell\",A1:E4,5,FALSE)",
        "B12": "=B6*B11*IF(B6>=B7,1-B8,1)",
    },
    "B12",
)
DOSE = Model(  # the concentration of a medicine after three doses
    {
        **{"A1": "Dose", "B1": 400.0, "A2": "Volume", "B2": 35.0, "A3": "Half-life", "B3": 6.0},
        **{"A4": "Share taken up", "B4": 0.8, "A5": "Uptake per hour", "B5": 1.1},
        "B6": "=LN(2)/B3",
        **{"D1": 0.0, "D2": 8.0, "D3": 16.0, "A7": "Hour", "B7": 20.0},
        "E1:E3": "=IF($B$7>D1,EXP(-$B$6*($B$7-D1))-EXP(-$B$5*($B$7-D1)),0)",
        "B8": "=B4*B1/B2*B5/(B5-B6)*SUM(E1:E3)",
    },
    "B8",
)
BEAM = Model(  # the stress of a beam, the worse of two loads
    {
        **{"A1": "Length", "B1": 4.2, "A2": "Width", "B2": 0.12, "A3": "Height", "B3": 0.24},
        **{"A4": "Load per metre", "B4": 3200.0, "A5": "Point load", "B5": 5400.0},
        **{"A6": "Modulus", "B6": 1.1e10, "B7": "=B2*B3^3/12", "B8": "=B4*B1^2/8"},
        **{"B9": "=B5*B1/4", "B10": "=MAX(B8,B9)/(B7/(B3/2))"},
        **{"B11": "=5*B4*B1^4/(384*B6*B7)", "B12": "=B10/24000000+B11/(B1/300)"},
    },
    "B12",
)
TRIAL = Model(  # how sure one is that B is better than A
    {
        **{"A1": "Visitors A", "B1": 5200.0, "A2": "Orders A", "B2": 260.0},
        **{"A3": "Visitors B", "B3": 5100.0, "A4": "Orders B", "B4": 301.0},
        **{"B5": "=B2/B1", "B6": "=B4/B3", "B7": "=(B2+B4)/(B1+B3)"},
        "B8": "=(B6-B5)/SQRT(B7*(1-B7)*(1/B1+1/B3))",
        "B9": "=2*(1-NORMSDIST(ABS(B8)))",
    },
    "B9",
)
EPIDEMIC = Model(  # the ill at the peak, day by day
    {
        **{"F1": "Contacts", "G1": 0.42, "F2": "Recovery", "G2": 0.18, "F3": "People", "G3": 10000.0},
        **{"F4": "Step", "G4": 1.0, "A1": "Healthy", "B1": "Ill", "C1": "Recovered"},
        **{"A2": "=G3-B2-C2", "B2": 25.0, "C2": 0.0},
        "A3:A42": "=A2-$G$4*$G$1*A2*B2/$G$3",
        "B3:B42": "=B2+$G$4*($G$1*A2*B2/$G$3-$G$2*B2)",
        "C3:C42": "=C2+$G$4*$G$2*B2",
        "G6": "=MAX(B2:B42)",
    },
    "G6",
)
MIXTURE = Model(  # a metal of three ores, by matrices
    {
        **{"A1": 0.62, "B1": 0.31, "C1": 0.12, "A2": 0.2, "B2": 0.55, "C2": 0.28},
        **{"A3": 0.18, "B3": 0.14, "C3": 0.6, "E1": 40.0, "E2": 35.0, "E3": 25.0},
        **{"G1": "=SUMPRODUCT(A1:C1,TRANSPOSE(E1:E3))", "G2": "=MMULT(A2:C2,E1:E3)"},
        **{"G3": "=A3*E1+B3*E2+C3*E3", "I1": 4.1, "I2": 2.6, "I3": 7.0},
        "G5": "=SUMPRODUCT(G1:G3,I1:I3)/SUM(G1:G3)+SUMXMY2(G1:G3,I1:I3)/100",
    },
    "G5",
)
ENERGY = Model(  # what a house needs in a winter, and what its roof gives
    {
        **{"A1": "Wall", "B1": 140.0, "C1": 0.28, "A2": "Roof", "B2": 90.0, "C2": 0.2},
        **{"A3": "Window", "B3": 24.0, "C3": 1.1, "A4": "Inside", "B4": 20.5},
        **{"E1": 8.0, "E2": 3.5, "E3": -1.0, "E4": 1.5, "E5": 6.0, "E6": 21.0},
        "F1:F6": "=MAX(0,$B$4-E1)*30*24/1000*SUMPRODUCT($B$1:$B$3,$C$1:$C$3)",
        "A5": "Efficiency",
        "B5": 3.4,
        "A6": "Price",
        "B6": 0.31,
        "B7": "=SUM(F1:F6)/B5*B6",
        **{"A8": "Gain", "B8": 0.6, "B9": "=B7*(1-B8*STDEV(E1:E6)/AVERAGE(F1:F6))"},
    },
    "B9",
)
TOURNAMENT = Model(  # the chance of winning by Elo's numbers, and what three matches change
    {
        **{"A1": 1820.0, "A2": 1745.0, "A3": 1990.0, "B1": 1.0, "B2": 0.5, "B3": 0.0},
        **{"D1": "K", "E1": 24.0, "D2": "Own", "E2": 1800.0, "D3": "Scale", "E3": 400.0},
        "C1": "=1/(1+10^((A1-E2)/E3))",
        "C2:C3": "=1/(1+10^((A2-D5)/$E$3))",
        **{"D5": "=E2+E1*(B1-C1)", "D6": "=D5+E1*(B2-C2)", "E6": "=D6+E1*(B3-C3)"},
        **{"E7": "=RANK(E2,A1:A3)", "E8": "=E6+LARGE(A1:A3,2)/100+MEDIAN(A1:A3)/50+E7*0"},
    },
    "E8",
    {"E7": "a rank"},
)
MODELS = {
    "option pricing": OPTION,
    "a mortgage": MORTGAGE,
    "a bill of materials": MATERIALS,
    "a dose": DOSE,
    "a beam": BEAM,
    "an A/B test": TRIAL,
    "an epidemic by steps": EPIDEMIC,
    "a mixture": MIXTURE,
    "an energy balance": ENERGY,
    "a tournament": TOURNAMENT,
}
