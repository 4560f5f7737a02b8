"""Right passes worked once: recurrent networks, attention, embeddings, convolutions, norms."""

from __future__ import annotations

from tests.audit.material.kinds.kind import Kind, on, pairs, spoilt, typed

# A recurrent unit through three moments, and back through time
THROUGH_TIME = {
    "A1": "wx", "B1": 0.6, "A2": "wh", "B2": -0.4, "A3": "b", "B3": 0.1, "A4": "wy", "B4": 0.9,
    "A6": "time", "B6": "x", "C6": "h", "D6": "y", "E6": "target", "F6": "E", "G6": "dy",
    "H6": "dh", "I6": "dz",
    "A7": 0.0, "C7": 0.0,
    "A8:A10": "=A7+1", "B8": 0.5, "B9": -0.8, "B10": 0.3,
    "C8:C10": "=TANH($B$1*B8+$B$2*C7+$B$3)",
    "D8:D10": "=$B$4*C8", "E8": 0.2, "E9": -0.1, "E10": 0.4,
    "F8:F10": "=0.5*(D8-E8)^2", "F11": "=SUM(F8:F10)",
    "G8:G10": "=D8-E8",
    "H10": "=G10*$B$4", "H8:H9": "=G8*$B$4+I9*$B$2",
    "I8:I10": "=H8*(1-C8^2)",
    "A13": "dwx", "B13": "=SUMPRODUCT(I8:I10,B8:B10)", "A14": "dwh",
    "B14": "=SUMPRODUCT(I8:I10,C7:C9)",
    "A15": "db", "B15": "=SUM(I8:I10)", "A16": "dwy", "B16": "=SUMPRODUCT(G8:G10,C8:C10)",
}  # fmt: skip
ATTENDING = {  # one query over two keys, and back
    "A1": "q1", "A2": "q2", "B1": 0.5, "B2": -0.2,
    "D1": "K", "D2": 0.3, "E2": 0.8, "D3": -0.6, "E3": 0.4,
    "G1": "V", "G2": 1.0, "H2": 0.2, "G3": -0.5, "H3": 0.7,
    "J1": "target", "J2": 0.3, "K2": 0.4,
    "A5": "score", "A6:A7": "=$B$1*D2+$B$2*E2",
    "B5": "exp", "B6:B7": "=EXP(A6)", "C5": "alpha", "C6:C7": "=B6/SUM($B$6:$B$7)",
    "E5": "out", "E6": "=SUMPRODUCT($C$6:$C$7,G2:G3)", "F6": "=SUMPRODUCT($C$6:$C$7,H2:H3)",
    "H5": "loss", "H6": "=0.5*SUMXMY2(E6:F6,J2:K2)",
    "A9": "dout", "A10": "=E6-J2", "B10": "=F6-K2",
    "D9": "dV", "D10:D11": "=$C6*$A$10", "E10:E11": "=$C6*$B$10",
    "G9": "dalpha", "G10:G11": "=$A$10*G2+$B$10*H2",
    "I9": "dscore", "I10:I11": "=C6*(G10-SUMPRODUCT($C$6:$C$7,$G$10:$G$11))",
    "K9": "dK", "K10:K11": "=I10*$B$1", "L10:L11": "=I10*$B$2",
    "N9": "dq", "N10": "=SUMPRODUCT($I$10:$I$11,D2:D3)", "O10": "=SUMPRODUCT($I$10:$I$11,E2:E3)",
}  # fmt: skip
EMBEDDED = {  # a word as a hot row; the table's gradient has rows of noughts
    "A1": "one-hot", "A2": 0.0, "B2": 1.0, "C2": 0.0,
    "E1": "table", "E2": 0.1, "F2": 0.4, "E3": -0.3, "F3": 0.2, "E4": 0.7, "F4": -0.5,
    "H1": "W", "H2": 0.6, "H3": -0.8,
    "A6": "e", "A7": "=SUMPRODUCT(TRANSPOSE($A$2:$C$2),E2:E4)", "B7": "x",
    "D6": "y", "D7": "=1/(1+EXP(-(A7*H2+B7*H3)))", "F6": "target", "F7": 1.0,
    "H6": "loss", "H7": "=-(F7*LN(D7)+(1-F7)*LN(1-D7))",
    "A9": "dz", "A10": "=D7-F7", "C9": "dW", "C10": "=A10*A7", "C11": "=A10*B7",
    "E9": "de", "E10": "=$A$10*H2", "F10": "=$A$10*H3",
    "H9": "dtable", "H10:H12": "=0", "I10": 0.0,
}  # fmt: skip
EMBEDDED |= {
    "A7": "=$A$2*E2+$B$2*E3+$C$2*E4", "B7": "=$A$2*F2+$B$2*F3+$C$2*F4",
    "H10": "=$A$2*E10", "I10": "=$A$2*F10", "H11": "=$B$2*E10", "I11": "=$B$2*F10",
    "H12": "=$C$2*E10", "I12": "=$C$2*F10",
}  # fmt: skip
del EMBEDDED["H10:H12"]
CONVOLVED = {  # a kernel of two over five numbers, a mean, a target
    "A1": "x", **{f"A{k + 2}": v for k, v in enumerate((0.2, 0.8, -0.5, 1.0, 0.3))},
    "C1": "kernel", "C2": 0.5, "C3": -0.7, "C4": "bias", "C5": 0.1,
    "E1": "z", "E2:E5": "=A2*$C$2+A3*$C$3+$C$5", "F1": "a", "F2:F5": "=TANH(E2)",
    "H1": "v", "H2": 0.4, "H3": -0.6, "H4": 0.9, "H5": 0.3,
    "J1": "y", "J2": "=SUMPRODUCT(F2:F5,H2:H5)", "K1": "t", "K2": 0.5, "L1": "loss",
    "L2": "=0.5*(J2-K2)^2",
    "A8": "dy", "A9": "=J2-K2", "C8": "dv", "C9:C12": "=$A$9*F2",
    "E8": "dz", "E9:E12": "=$A$9*H2*(1-F2^2)",
    "G8": "dk", "G9": "=SUMPRODUCT($E$9:$E$12,A2:A5)", "G10": "=SUMPRODUCT($E$9:$E$12,A3:A6)",
    "H8": "db", "H9": "=SUM(E9:E12)",
}  # fmt: skip
NORMED = {  # layer normalisation of three numbers, and back
    "A1": "x", "A2": 0.5, "B2": -1.0, "C2": 2.0, "E1": "gamma", "E2": 1.2, "F2": 0.8, "G2": -0.5,
    "I1": "beta", "I2": 0.1, "J2": 0.0, "K2": 0.3, "M1": "t", "M2": 0.4, "N2": 0.2, "O2": -0.3,
    "A4": "mean", "A5": "=AVERAGE(A2:C2)", "B4": "var", "B5": "=SUMPRODUCT((A2:C2-A5)^2)/3",
    "C4": "s", "C5": "=SQRT(B5+0.001)",
    "E4": "n", "E5:G5": "=(A2-$A$5)/$C$5", "I4": "y", "I5:K5": "=E2*E5+I2",
    "M4": "loss", "M5": "=0.5*SUMXMY2(I5:K5,M2:O2)",
    "A7": "dy", "A8:C8": "=I5-M2", "E7": "dgamma", "E8:G8": "=A8*E5", "I7": "dbeta", "I8:K8": "=A8",
    "A10": "dn", "A11:C11": "=A8*E2",
    "E10": "dx", "E11:G11": "=(A11-SUM($A$11:$C$11)/3-E5*SUMPRODUCT($A$11:$C$11,$E$5:$G$5)/3)/$C$5",
}  # fmt: skip
MATRICES = {  # four samples, ReLU, a softmax of two; matrices by MMULT and TRANSPOSE
    "A1": "X", "A2": 0.5, "B2": -0.3, "A3": 0.9, "B3": 0.4, "A4": -0.7, "B4": 0.8, "A5": 0.1,
    "B5": 0.6,
    "D1": "W1", "D2": 0.4, "E2": -0.6, "F2": 0.9, "D3": 0.7, "E3": 0.2, "F3": -0.3,
    "H1": "W2", "H2": 0.5, "I2": -0.2, "H3": -0.4, "I3": 0.8, "H4": 0.3, "I4": 0.6,
    "K1": "Y", "K2": 1.0, "L2": 0.0, "K3": 0.0, "L3": 1.0, "K4": 1.0, "L4": 0.0, "K5": 0.0,
    "L5": 1.0,
    "A7": "Z1", "A8": "{A8:C11=MMULT(A2:B5,D2:F3)}", "E7": "A1", "E8:G11": "=MAX(A8,0)",
    "I7": "Z2", "I8": "{I8:J11=MMULT(E8:G11,H2:I4)}", "L7": "P",
    "L8:M11": "=EXP(I8)/(EXP($I8)+EXP($J8))",
    "O7": "loss", "O8:O11": "=-SUMPRODUCT(K2:L2,LN(L8:M8))", "O12": "=AVERAGE(O8:O11)",
    "A14": "dZ2", "A15:B18": "=(L8-K2)/4", "D14": "dW2",
    "D15": "{D15:E17=MMULT(TRANSPOSE(E8:G11),A15:B18)}",
    "G14": "dA1", "G15": "{G15:I18=MMULT(A15:B18,TRANSPOSE(H2:I4))}",
    "K14": "dZ1", "K15:M18": "=IF(A8>0,G15,0)", "O14": "dW1",
    "O15": "{O15:Q16=MMULT(TRANSPOSE(A2:B5),K15:M18)}",
}  # fmt: skip
LAST = {  # softmax; only the last layer is updated
    "A1": "x1", "B1": 0.4, "A2": "x2", "B2": -0.7,
    "D1": "W1", "D2": 0.3, "E2": -0.5, "D3": 0.8, "E3": 0.2, "G1": "W2", "G2": 0.6, "H2": -0.1,
    "G3": -0.4, "H3": 0.9,
    "J1": "rate", "J2": 0.5, "K1": "target", "K2": 0.0, "L2": 1.0,
    "A5": "z1", "A6": "=B1*D2+B2*D3", "B6": "=B1*E2+B2*E3", "D5": "h", "D6:E6": "=1/(1+EXP(-A6))",
    "G5": "z2", "G6": "=$D$6*G2+$E$6*G3", "H6": "=$D$6*H2+$E$6*H3", "J5": "p",
    "J6:K6": "=EXP(G6)/(EXP($G$6)+EXP($H$6))",
    "M5": "loss", "M6": "=-(K2*LN(J6)+L2*LN(K6))",
    "A9": "dz2", "A10:B10": "=J6-K2", "D9": "dW2", "D10:E10": "=$D$6*A10", "D11:E11": "=$E$6*A10",
    "G9": "new W2", "G10:H11": "=G2-$J$2*D10",
}  # fmt: skip
GATED = {  # one moment of a gated unit, and back
    "A1": "x", "B1": 0.7, "A2": "c0", "B2": -0.4, "A3": "t", "B3": 0.3,
    "D1": "wi", "E1": 0.5, "D2": "wf", "E2": -0.6, "D3": "wo", "E3": 0.8, "D4": "wg", "E4": 0.9,
    "A6": "i", "B6": "=1/(1+EXP(-E1*B1))", "A7": "f", "B7": "=1/(1+EXP(-E2*B1))",
    "A8": "o", "B8": "=1/(1+EXP(-E3*B1))", "A9": "g", "B9": "=TANH(E4*B1)",
    "A10": "c", "B10": "=B7*B2+B6*B9", "A11": "h", "B11": "=B8*TANH(B10)", "A12": "loss",
    "B12": "=0.5*(B11-B3)^2",
    "D6": "dh", "E6": "=B11-B3", "D7": "do", "E7": "=E6*TANH(B10)", "D8": "dc",
    "E8": "=E6*B8*(1-TANH(B10)^2)",
    "D9": "di", "E9": "=E8*B9", "D10": "df", "E10": "=E8*B2", "D11": "dg", "E11": "=E8*B6",
    "G6": "dwi", "H6": "=E9*B6*(1-B6)*B1", "G7": "dwf", "H7": "=E10*B7*(1-B7)*B1",
    "G8": "dwo", "H8": "=E7*B8*(1-B8)*B1", "G9": "dwg", "H9": "=E11*(1-B9^2)*B1",
}  # fmt: skip

COLUMNS = {  # a line through five samples; what is gathered of whole columns
    "A1": "x", "B1": "t", "C1": "y", "D1": "e", "E1": "e*x", "G1": "w", "H1": "b", "J1": "eta",
    **{f"A{k + 2}": v for k, v in enumerate((0.2, 0.8, -0.5, 1.0, 0.3))},
    **{f"B{k + 2}": v for k, v in enumerate((0.1, 0.9, -0.2, 1.3, 0.6))},
    "C2:C6": "=$G$2*A2+$H$2", "D2:D6": "=C2-B2", "E2:E6": "=D2*A2",
    "G2": 0.4, "H2": -0.1, "J2": 0.1, "L1": "loss", "L2": "=SUMSQ(D:D)/COUNT(D:D)/2",
    "N1": "dw", "N2": "=AVERAGE(E:E)", "O1": "db", "O2": "=AVERAGE(D1:D1048576)",
    "G3": "=G2-$J$2*N2", "H3": "=H2-$J$2*O2",
}  # fmt: skip


def _kind(cells, loss, slopes, **wrong) -> Kind:  # type: ignore[no-untyped-def]
    table = typed(cells)
    mistakes = {name: spoilt(table, changed) for name, changed in wrong.items()}
    return Kind(table, loss, slopes, mistakes=mistakes)


WORKED: dict[str, Kind] = {
    "back through time": _kind(
        THROUGH_TIME, "F11", on({"B13": "B1", "B14": "B2", "B15": "B3", "B16": "B4"}),
        index={"B14": "=SUMPRODUCT(I8:I10,C8:C10)"},
        term={"H8:H9": "=G8*$B$4"},
        weight={"H8:H9": "=G8*$B$4+I9*$B$1"},
    ),
    "attention, backward": _kind(
        ATTENDING, "H6",
        pairs("D10:E11", "G2:H3") | pairs("K10:L11", "D2:E3") | on({"N10": "B1", "O10": "B2"}),
        term={"I10:I11": "=C6*G10"},
        index={"L10:L11": "=I10*$B$1"},
        weight={"N10": "=SUMPRODUCT($I$10:$I$11,E2:E3)"},
    ),
    "an embedding, backward": _kind(
        EMBEDDED, "H7", pairs("H10:I12", "E2:F4") | on({"C10": "H2", "C11": "H3"}),
        index={"F10": "=$A$10*H2"},
        sign={"A10": "=F7-D7*D7"},
        input={"C11": "=A10*A7"},
    ),
    "a convolution, backward": _kind(
        CONVOLVED, "L2", pairs("C9:C12", "H2:H5") | on({"G9": "C2", "G10": "C3", "H9": "C5"}),
        range={"G10": "=SUMPRODUCT($E$9:$E$12,A2:A5)"},
        slope={"E9:E12": "=$A$9*H2*(1-F2)^2"},
    ),
    "layer normalisation, backward": _kind(
        NORMED, "M5", pairs("E8:G8", "E2:G2") | pairs("I8:K8", "I2:K2") | pairs("E11:G11", "A2:C2"),
        input={"E8:G8": "=A8*A2"},
        term={"E11:G11": "=(A11-SUM($A$11:$C$11)/3)/$C$5"},
    ),
    "matrices, softmax, backward": _kind(
        MATRICES, "O12", pairs("O15:Q16", "D2:F3") | pairs("D15:E17", "H2:I4"),
        mask={"K15:M18": "=G15"},
        matrix={"D15": "{D15:E17=MMULT(TRANSPOSE(A8:C11),A15:B18)}"},
    ),
    "softmax, the last layer updated once": _kind(
        LAST, "M6", pairs("D10:E11", "G2:H3"),
        index={"D11:E11": "=$D$6*A10"},
        sign={"A10": "=J6+K2", "B10": "=K6+L2"},
    ),
    "a line, by whole columns": _kind(
        COLUMNS, "L2", on({"N2": "G2", "O2": "H2"}),
        column={"N2": "=AVERAGE(D:D)"},
        factor={"E2:E6": "=D2*B2"},
    ),
    "a gated unit, backward": _kind(
        GATED, "B12", on({"H6": "E1", "H7": "E2", "H8": "E3", "H9": "E4"}),
        slope={"H9": "=E11*(1-B9)*B1"},
        gate={"E10": "=E8*B6"},
        term={"E8": "=E6*B8"},
    ),
}  # fmt: skip
