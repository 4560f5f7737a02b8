"""Right sheets of kinds that people make by hand, each as one would type it and fill it down."""

from __future__ import annotations

from collections.abc import Mapping

from tests.audit.material.made import Content

Sheet = Mapping[str, Content]
DATA: Sheet = {
    "A1": "x",
    "B1": "y",
    **{f"A{k + 1}": float(k) for k in range(1, 6)},
    **{f"B{k + 1}": 2.02 * k + 0.1 for k in range(1, 6)},
}


def headed(words: str, first: str = "A", row: int = 1) -> dict[str, Content]:
    """Headings side by side."""
    start = ord(first)
    return {f"{chr(start + k)}{row}": word for k, word in enumerate(words.split())}


LINE = {
    **DATA,
    **headed("m c dm dc MSE", "D"),
    "K1": "learning rate",
    "L1": 0.01,
    "D2": 0.0,
    "E2": 0.0,
    "D3:D12": "=D2-$L$1*F2",
    "E3:E12": "=E2-$L$1*G2",
    "F2:F12": "=-2/5*SUMPRODUCT($A$2:$A$6,$B$2:$B$6-D2*$A$2:$A$6-E2)",
    "G2:G12": "=-2/5*SUMPRODUCT($B$2:$B$6-D2*$A$2:$A$6-E2)",
    "H2:H12": "=SUMPRODUCT(($B$2:$B$6-D2*$A$2:$A$6-E2)^2)/COUNT($A$2:$A$6)",
}
BY_INDEX = {
    **DATA,
    **headed("step x t w b y error E", "D"),
    "N1": "rate",
    "O1": 0.02,
    "D2": 0.0,
    "G2": 0.5,
    "H2": 0.1,
    "D3:D16": "=D2+1",
    "E2:E16": "=INDEX($A$2:$A$6,MOD(D2,5)+1)",
    "F2:F16": "=INDEX($B$2:$B$6,MOD(D2,5)+1)",
    "G3:G16": "=G2+$O$1*J2*E2",
    "H3:H16": "=H2+$O$1*J2",
    "I2:I16": "=G2*E2+H2",
    "J2:J16": "=F2-I2",
    "K2:K16": "=J2^2/2",
}
BY_OFFSET = {
    **DATA,
    **headed("x t w y delta dE/dw E", "D"),
    "F2": 0.5,
    "D2:D16": "=OFFSET($A$2,MOD(ROW()-2,5),0)",
    "E2:E16": "=OFFSET($B$2,MOD(ROW()-2,5),0)",
    "F3:F16": "=F2-0.02*I2",
    "G2:G16": "=TANH(F2*D2)",
    "H2:H16": "=(G2-E2)*(1-G2^2)",
    "I2:I16": "=H2*D2",
    "J2:J16": "=0.5*(E2-G2)^2",
}
ADAM = {
    **headed("t w loss g m v mhat vhat"),
    "J1": "lr",
    "K1": 0.1,
    "J2": "β1",
    "K2": 0.9,
    "J3": "β2",
    "K3": 0.999,
    "K4": 1e-8,
    "A2": 1.0,
    "A3:A12": "=A2+1",
    "B2": 3.0,
    "B3:B12": "=B2-$K$1*G2/(SQRT(H2)+$K$4)",
    "C2:C12": "=(B2-1)^2",
    "D2:D12": "=2*(B2-1)",
    "E2": "=(1-$K$2)*D2",
    "E3:E12": "=$K$2*E2+(1-$K$2)*D3",
    "F2": "=(1-$K$3)*D2^2",
    "F3:F12": "=$K$3*F2+(1-$K$3)*D3^2",
    "G2:G12": "=E2/(1-$K$2^A2)",
    "H2:H12": "=F2/(1-$K$3^A2)",
}
RMSPROP = {
    **headed("w J dJ/dw s"),
    "F1": "lr",
    "G1": 0.05,
    "F2": "decay",
    "G2": 0.9,
    "A2": 2.0,
    "A3:A12": "=A2-$G$1/SQRT(D2+0.00000001)*C2",
    "B2:B12": "=0.5*A2^2",
    "C2:C12": "=A2",
    "D2": "=(1-$G$2)*C2^2",
    "D3:D12": "=$G$2*D2+(1-$G$2)*C3^2",
}
RATE_OF_EVERY_STEP = {
    **headed("k w cost grad lr"),
    "A2": 0.0,
    "A3:A12": "=A2+1",
    "B2": 2.0,
    "E2:E12": "=0.3/(1+0.1*A2)",
    "B3:B12": "=B2-E2*D2",
    "C2:C12": "=LN(1+EXP(-B2*1.2))",
    "D2:D12": "=-1.2/(1+EXP(B2*1.2))",
}
WEIGHT_DECAY = {
    **headed("w loss grad lambda eta x t"),
    "D2": 0.01,
    "E2": 0.1,
    "F2": 0.7,
    "G2": 0.3,
    "A2": 1.0,
    "A3:A12": "=A2-$E$2*(C2+2*$D$2*A2)",
    "B2:B12": "=(A2*$F$2-$G$2)^2+$D$2*A2^2",
    "C2:C12": "=2*(A2*$F$2-$G$2)*$F$2",
}
HINGE = {
    **headed("x1 x2 y w1 w2 b margin hinge dw1 dw2 db"),
    "M1": "lr",
    "N1": 0.1,
    "D2": 0.1,
    "E2": 0.1,
    "F2": 0.1,
    "C2": -1.0,
    "C3:C12": "=-C2",
    **{f"A{k}": round(0.37 * k % 1.9 - 1, 2) for k in range(2, 13)},
    **{f"B{k}": round(0.71 * k % 1.7 - 1, 2) for k in range(2, 13)},
    **{f"{w}3:{w}12": f"={w}2-$N$1*{g}2" for w, g in zip("DEF", "IJK", strict=True)},
    "G2:G12": "=C2*(D2*A2+E2*B2+F2)",
    "H2:H12": "=MAX(0,1-G2)",
    "I2:I12": "=IF(G2<1,-C2*A2,0)",
    "J2:J12": "=IF(G2<1,-C2*B2,0)",
    "K2:K12": "=IF(G2<1,-C2,0)",
}
LOGISTIC = {
    **headed("x1 x2 y w1 w2 b z p loss dw1 dw2 db"),
    "N1": "lr",
    "O1": 0.5,
    "D2": 0.1,
    "E2": -0.2,
    "F2": 0.0,
    "C2": 0.0,
    "C3:C12": "=1-C2",
    **{f"A{k}": round(0.37 * k % 1, 2) for k in range(2, 13)},
    **{f"B{k}": round(0.71 * k % 1, 2) for k in range(2, 13)},
    **{f"{w}3:{w}12": f"={w}2-$O$1*{g}2" for w, g in zip("DEF", "JKL", strict=True)},
    "G2:G12": "=D2*A2+E2*B2+F2",
    "H2:H12": "=1/(1+EXP(-G2))",
    "I2:I12": "=IF(C2=1,-LN(H2),-LN(1-H2))",
    "J2:J12": "=(H2-C2)*A2",
    "K2:K12": "=(H2-C2)*B2",
    "L2:L12": "=H2-C2",
}
NO_LOSS_CELL = {
    **headed("x1 x2 t w11 w12 b1 v c z h o err d"),
    "P1": "lr",
    "Q1": 0.1,
    "D2": 0.5,
    "E2": -0.4,
    "F2": 0.1,
    "G2": 0.6,
    "H2": 0.05,
    **{f"A{k}": float(k // 2 % 2) for k in range(2, 14)},
    **{f"B{k}": float(k % 2) for k in range(2, 14)},
    "C2:C13": "=A2+B2-2*A2*B2",
    "D3:D13": "=D2-$Q$1*M2*A2",
    "E3:E13": "=E2-$Q$1*M2*B2",
    "F3:F13": "=F2-$Q$1*M2",
    "G3:G13": "=G2-$Q$1*L2*J2",
    "H3:H13": "=H2-$Q$1*L2",
    "I2:I13": "=D2*A2+E2*B2+F2",
    "J2:J13": "=MAX(0,I2)",
    "K2:K13": "=G2*J2+H2",
    "L2:L13": "=K2-C2",
    "M2:M13": "=L2*G2*(I2>0)",
}
CLIMBED = {
    "A1": "theta",
    "B1": "p",
    "C1": "log likelihood",
    "D1": "gradient",
    "F1": "step size",
    "G1": 0.1,
    "F2": "k",
    "G2": 7.0,
    "F3": "n",
    "G3": 10.0,
    "A2": 0.0,
    "A3:A12": "=A2+$G$1*D2",
    "B2:B12": "=1/(1+EXP(-A2))",
    "C2:C12": "=$G$2*LN(B2)+($G$3-$G$2)*LN(1-B2)",
    "D2:D12": "=$G$2-$G$3*B2",
}
MEASURED = {
    **headed("w E(w) E(w+h) slope"),
    "G1": "eta",
    "H1": 0.1,
    "G2": "h",
    "H2": 0.0001,
    "A2": 1.0,
    "A3:A12": "=A2-$H$1*D2",
    "B2:B12": "=(1/(1+EXP(-A2*0.8))-0.2)^2",
    "C2:C12": "=(1/(1+EXP(-(A2+$H$2)*0.8))-0.2)^2",
    "D2:D12": "=(C2-B2)/$H$2",
}
SOFTMAX = {
    **headed("x w1 w2 w3 z1 z2 z3 e1 e2 e3 p1 p2 p3 CE g1 g2 g3"),
    "S1": "lr",
    "T1": 0.3,
    "B2": 0.1,
    "C2": -0.2,
    "D2": 0.3,
    "A2:A12": 1.5,
    **{f"{w}3:{w}12": f"={w}2-$T$1*{g}2" for w, g in zip("BCD", "OPQ", strict=True)},
    **{f"{z}2:{z}12": f"={w}2*$A2" for w, z in zip("BCD", "EFG", strict=True)},
    **{f"{e}2:{e}12": f"=EXP({z}2)" for z, e in zip("EFG", "HIJ", strict=True)},
    **{f"{p}2:{p}12": f"={e}2/SUM($H2:$J2)" for e, p in zip("HIJ", "KLM", strict=True)},
    "N2:N12": "=-LN(L2)",
    "O2:O12": "=K2*A2",
    "P2:P12": "=(L2-1)*A2",
    "Q2:Q12": "=M2*A2",
}

RIGHT: dict[str, Sheet] = {
    "a line by SUMPRODUCT": LINE,
    "samples by INDEX and MOD": BY_INDEX,
    "samples by OFFSET and ROW": BY_OFFSET,
    "Adam": ADAM,
    "RMSprop": RMSPROP,
    "a rate for every step": RATE_OF_EVERY_STEP,
    "weight decay in the update": WEIGHT_DECAY,
    "hinge loss": HINGE,
    "logistic regression": LOGISTIC,
    "no loss cell": NO_LOSS_CELL,
    "a likelihood that is climbed": CLIMBED,
    "measured slopes": MEASURED,
    "softmax": SOFTMAX,
}
NO_TRAINING: dict[str, Sheet] = {
    "a loan": {
        **headed("month balance interest payment"),
        "F1": "rate",
        "G1": 0.01,
        "B2": 1000.0,
        "D2:D12": 60.0,
        "B3:B12": "=B2-(D2-C2)",
        "C2:C12": "=B2*$G$1",
    },
    "Newton's method": {
        "A1": "x",
        "B1": "f",
        "C1": "f prime",
        "A2": 2.0,
        "A3:A9": "=A2-B2/C2",
        "B2:B9": "=A2^2-2",
        "C2:C9": "=2*A2",
    },
}
