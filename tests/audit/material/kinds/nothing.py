"""Right books in which nothing is to check: no network, no training, or a forward pass alone."""

from __future__ import annotations

from collections.abc import Mapping

from tests.audit.material.kinds.kind import Kind, Steps, Values, typed
from tests.audit.material.made import cells_of


def _plain(steps: Steps) -> Kind:
    return Kind(steps.table(), is_training=False)


HEBB = Steps(
    {
        "x1": [1.0, -1.0, 1.0], "x2": [1.0, 1.0, -1.0], "y": [1.0, -1.0, -1.0],
        "w1": (0.0, "={w1<}+{x1<}*{y<}"), "w2": (0.0, "={w2<}+{x2<}*{y<}"),
        "b": (0.0, "={b<}+{y<}"),
    },
)  # fmt: skip
OJA = Steps(
    {
        "x1": [0.8, -0.6, 0.9], "x2": [0.7, -0.8, 1.1],
        "w1": (0.3, "={w1<}+{$eta}*{y<}*({x1<}-{y<}*{w1<})"),
        "w2": (0.4, "={w2<}+{$eta}*{y<}*({x2<}-{y<}*{w2<})"),
        "y": "={w1}*{x1}+{w2}*{x2}",
    },
    {"eta": 0.1},
)  # fmt: skip
KOHONEN = Steps(  # the nearer of two moves towards the sample
    {
        "x": [0.1, 0.9, 0.2, 0.8],
        "c1": (0.4, "=IF({near<}=1,{c1<}+{$eta}*({x<}-{c1<}),{c1<})"),
        "c2": (0.6, "=IF({near<}=2,{c2<}+{$eta}*({x<}-{c2<}),{c2<})"),
        "near": "=IF(ABS({x}-{c1})<ABS({x}-{c2}),1,2)",
    },
    {"eta": 0.3},
)
SMOOTHED = Steps(
    {
        "sales": [120.0, 135.0, 128.0, 150.0],
        "level": (120.0, "={level<}+{$alpha}*({sales<}-{level<})"),
    },
    {"alpha": 0.3},
)
EPIDEMIC = Steps(
    {
        "day": (0.0, "={day<}+1"),
        "S": (990.0, "={S<}-{$beta}*{S<}*{I<}/1000"),
        "I": (10.0, "={I<}+{$beta}*{S<}*{I<}/1000-{$gamma}*{I<}"),
        "R": (0.0, "={R<}+{$gamma}*{I<}"),
    },
    {"beta": 0.4, "gamma": 0.1},
    20,
)
ROOT = Steps(  # sought by small steps; its slope only shows that they are small enough
    {
        "x": (0.1, "={x<}-{$alpha}*{f(x)<}"),
        "f(x)": "={x}^3+{x}-1",
        "f'(x)": "=3*{x}^2+1",
    },
    {"alpha": 0.3},
)
TD = Steps(  # values of two states
    {
        "r": [0.0, 1.0],
        "V1": (0.0, "={V1<}+{$alpha}*({r<}+{$gamma}*{V2<}-{V1<})"),
        "V2": (0.0, "={V2<}+{$alpha}*(1-{V2<})"),
    },
    {"alpha": 0.1, "gamma": 0.9},
)
ELO = Steps(
    {
        "won": [1.0, 0.0, 1.0],
        "A": (1500.0, "={A<}+{$K}*({won<}-{pA<})"),
        "B": (1400.0, "={B<}+{$K}*((1-{won<})-(1-{pA<}))"),
        "pA": "=1/(1+10^(({B}-{A})/400))",
    },
    {"K": 32.0},
)
PID = Steps(
    {
        "T": (20.0, "={T<}+0.1*({u<}-({T<}-15))"),
        "e": "={$goal}-{T}",
        "sum": ("={e}", "={sum<}+{e}"),
        "u": "={$kp}*{e}+{$ki}*{sum}",
    },
    {"goal": 22.0, "kp": 2.0, "ki": 0.1},
    15,
)
THERMOSTAT = Steps(  # the same; what is added up begins with a number
    {
        "Temp": (18.0, "={Temp<}+{$dt}*({Heat<}-0.2*({Temp<}-10))"),
        "Error": "={$Set}-{Temp}",
        "Integral": (0.0, "={Integral<}+{Error<}*{$dt}"),
        "Heat": "={$Kp}*{Error}+{$Ki}*{Integral}",
    },
    {"Set": 21.0, "dt": 0.5, "Kp": 1.2, "Ki": 0.2},
    15,
)
KALMAN = Steps(
    {
        "z": [1.1, 0.9, 1.2],
        "x": (0.0, "={x<}+{K<}*({z<}-{x<})"),
        "P": (1.0, "=(1-{K<})*{P<}+0.01"),
        "K": "={P}/({P}+0.1)",
    },
)
RNN = Steps(
    {
        "x": [0.5, -0.3, 0.8, 0.1],
        "h1": (0.0, "=TANH({$u1}*{x}+{$w11}*{h1<}+{$w12}*{h2<})"),
        "h2": (0.0, "=TANH({$u2}*{x}+{$w21}*{h1<}+{$w22}*{h2<})"),
        "y": "={$v1}*{h1}+{$v2}*{h2}",
    },
    {"u1": 0.4, "u2": -0.3, "w11": 0.5, "w12": 0.1, "w21": -0.2, "w22": 0.6, "v1": 0.7, "v2": 0.9},
    6,
)
GATES = {"i": (0.5, 0.1, 0.0), "f": (-0.4, 0.3, 1.0), "o": (0.6, -0.2, 0.1), "g": (0.9, 0.4, 0.0)}
LSTM = Steps(
    {
        "x": [0.5, -0.3, 0.8, 0.1],
        **{
            f"{gate}t": "="
            + ("TANH({z})" if gate == "g" else "1/(1+EXP(-({z})))").replace(
                "{z}", f"{{$w{gate}}}*{{x}}+{{$u{gate}}}*{{h<}}+{{$b{gate}}}"
            )
            for gate in GATES
        },
        "c": (0.0, "={ft}*{c<}+{it}*{gt}"),
        "h": (0.0, "={ot}*TANH({c})"),
    },
    {f"{p}{gate}": v for gate, line in GATES.items() for p, v in zip("wub", line, strict=True)},
    6,
)
LSTM_COLUMNS = {
    name: (0.0, content) if name.endswith("t") and isinstance(content, str) else content
    for name, content in LSTM.columns.items()
}
LSTM = Steps(LSTM_COLUMNS, LSTM.settings, LSTM.steps)
ATTENTION = {
    "A1": "X (a token a row)",
    "A2": 1.0, "B2": 0.5, "A3": -0.3, "B3": 0.8, "A4": 0.6, "B4": -0.9,
    "D1": "WQ", "D2": 0.2, "E2": 0.4, "D3": -0.5, "E3": 0.3,
    "G1": "WK", "G2": 0.7, "H2": -0.1, "G3": 0.2, "H3": 0.6,
    "J1": "WV", "J2": 0.5, "K2": 0.5, "J3": -0.2, "K3": 0.9,
    "A6": "Q", "A7": "{A7:B9=MMULT(A2:B4,D2:E3)}",
    "D6": "K", "D7": "{D7:E9=MMULT(A2:B4,G2:H3)}",
    "G6": "V", "G7": "{G7:H9=MMULT(A2:B4,J2:K3)}",
    "A11": "scores", "A12": "{A12:C14=MMULT(A7:B9,TRANSPOSE(D7:E9))/SQRT(2)}",
    "E11": "exp", "E12:G14": "=EXP(A12)",
    "I11": "sum", "I12:I14": "=SUM(E12:G12)",
    "K11": "attention weights", "K12:M14": "=E12/$I12",
    "A16": "output", "A17": "{A17:B19=MMULT(K12:M14,G7:H9)}",
}  # fmt: skip
EMBEDDING = {
    "A1": "word", "B1": "index", "A2": "the", "B2": 1.0, "A3": "cat", "B3": 3.0, "A4": "sat",
    "B4": 2.0,
    "D1": "embedding table", "D2": 0.1, "E2": 0.2, "D3": -0.4, "E3": 0.6, "D4": 0.9, "E4": -0.3,
    "G1": "embedded", "G2:G4": "=INDEX($D$2:$D$4,$B2)", "H2:H4": "=INDEX($E$2:$E$4,$B2)",
    "J1": "mean", "J2": "=AVERAGE(G2:G4)", "K2": "=AVERAGE(H2:H4)",
}  # fmt: skip
CONV1 = {
    "A1": "signal", **{f"A{k + 2}": v for k, v in enumerate((0.2, 0.8, -0.5, 1.0, 0.3, -0.7))},
    "C1": "kernel", "C2": 0.5, "C3": -1.0, "C4": 0.25,
    "E1": "convolved", "E2:E5": "=SUMPRODUCT(A2:A4,$C$2:$C$4)",
    "F1": "relu", "F2:F5": "=MAX(0,E2)", "G1": "pooled", "G2": "=MAX(F2:F3)", "G3": "=MAX(F4:F5)",
}  # fmt: skip
CONV2 = {
    **{f"{c}{r + 2}": (3 * r + 5 * k) % 7 / 7 for r in range(5) for k, c in enumerate("ABCDE")},
    "A1": "image", "G1": "filter", "G2": 1.0, "H2": 0.0, "G3": -0.5, "H3": 0.5, "G4": "bias",
    "H4": 0.1,
    "J1": "feature map", "J2:M5": "=SUMPRODUCT(A2:B3,$G$2:$H$3)+$H$4",
    "O1": "ReLU", "O2:R5": "=MAX(0,J2)",
    "T1": "max pool", "T2": "=MAX(O2:P3)", "U2": "=MAX(Q2:R3)", "T3": "=MAX(O4:P5)",
    "U3": "=MAX(Q4:R5)",
}  # fmt: skip
NORMS = {
    "A1": "batch", "A2": 1.0, "B2": 2.0, "A3": 3.0, "B3": -1.0, "A4": 0.5, "B4": 4.0,
    "D1": "mean", "D2": "=AVERAGE(A2:A4)", "E2": "=AVERAGE(B2:B4)",
    "D3": "variance", "D4": "=SUMXMY2(A2:A4,D2*{1;1;1})/3", "E4": "=SUMPRODUCT((B2:B4-E2)^2)/3",
    "G1": "gamma", "G2": 1.5, "H1": "beta", "H2": 0.2, "I1": "eps", "I2": 1e-5,
    "J1": "normalised", "J2:J4": "=$G$2*(A2-$D$2)/SQRT($D$4+$I$2)+$H$2",
    "K2:K4": "=$G$2*(B2-$E$2)/SQRT($E$4+$I$2)+$H$2",
}  # fmt: skip
NORMS["D4"] = "=SUMPRODUCT((A2:A4-D2)^2)/3"
LAYER_NORM = {
    "A1": "x", "A2": 1.0, "B2": 2.0, "C2": 3.5, "D2": -1.0, "A3": 0.4, "B3": 0.1, "C3": 0.9,
    "D3": -0.6,
    "F1": "mean", "F2:F3": "=AVERAGE(A2:D2)",
    "G1": "std", "G2:G3": "=SQRT(SUMPRODUCT((A2:D2-F2)^2)/4+0.00001)",
    "I1": "y", "I2:L3": "=(A2-$F2)/$G2",
}  # fmt: skip
MEANS = {  # two centres, three rounds
    "A1": "point", **{f"A{k + 2}": v for k, v in enumerate((0.1, 0.3, 0.2, 0.9, 1.1, 0.8))},
    "C1": "centre 1", "D1": "centre 2", "C2": 0.0, "D2": 0.5,
    "F2:F7": "=IF(ABS(A2-$C$2)<ABS(A2-$D$2),1,2)",
    "C3": "=AVERAGEIF(F2:F7,1,$A$2:$A$7)", "D3": "=AVERAGEIF(F2:F7,2,$A$2:$A$7)",
    "G2:G7": "=IF(ABS(A2-$C$3)<ABS(A2-$D$3),1,2)",
    "C4": "=AVERAGEIF(G2:G7,1,$A$2:$A$7)", "D4": "=AVERAGEIF(G2:G7,2,$A$2:$A$7)",
}  # fmt: skip
POWERS = Steps(  # of a matrix: its greatest eigenvector
    {
        "v1": (1.0, "=(2*{v1<}+1*{v2<})/{n<}"), "v2": (0.0, "=(1*{v1<}+3*{v2<})/{n<}"),
        "n": "=SQRT((2*{v1}+{v2})^2+({v1}+3*{v2})^2)",
    },
)  # fmt: skip
LEAST = {  # the normal equations
    "A1": "x", "B1": "y", **{f"A{k + 2}": float(k) for k in range(5)},
    **{f"B{k + 2}": 1.5 * k + (-0.2) ** k for k in range(5)},
    "D1": "slope", "D2": "=SLOPE(B2:B6,A2:A6)", "E1": "intercept", "E2": "=INTERCEPT(B2:B6,A2:A6)",
    "F1": "fitted", "F2:F6": "=$D$2*A2+$E$2", "G1": "residual", "G2:G6": "=B2-F2",
    "H1": "SSE", "H2": "=SUMSQ(G2:G6)",
}  # fmt: skip
FORWARD = {
    "A1": "x1", "B1": 0.3, "A2": "x2", "B2": 0.9,
    "D1": "w1", "E1": 0.2, "D2": "w2", "E2": -0.4, "D3": "w3", "E3": 0.5, "D4": "w4", "E4": 0.1,
    "D5": "v1", "E5": 0.7, "D6": "v2", "E6": -0.3,
    "G1": "h1", "H1": "=1/(1+EXP(-(B1*E1+B2*E2)))", "G2": "h2", "H2": "=1/(1+EXP(-(B1*E3+B2*E4)))",
    "G3": "y", "H3": "=1/(1+EXP(-(H1*E5+H2*E6)))",
}  # fmt: skip


MATRICES = {  # three samples, ReLU, softmax, as matrices
    "A1": "X", "A2": 1.0, "B2": -0.5, "A3": 0.2, "B3": 0.7, "A4": -0.3, "B4": 0.4,
    "D1": "W1", "D2": 0.6, "E2": -0.4, "F2": 0.1, "D3": 0.3, "E3": 0.9, "F3": -0.8,
    "H1": "b1", "H2": 0.1, "I2": -0.1, "J2": 0.2,
    "L1": "W2", "L2": 0.5, "M2": -0.3, "L3": 0.8, "M3": 0.2, "L4": -0.6, "M4": 0.7,
    "A6": "X·W1", "A7": "{A7:C9=MMULT(A2:B4,D2:F3)}", "E6": "ReLU", "E7:G9": "=MAX(0,A7+H$2)",
    "I6": "Z2", "I7": "{I7:J9=MMULT(E7:G9,L2:M4)}",
    "L6": "P", "L7:M9": "=EXP(I7)/SUM(EXP($I7),EXP($J7))",
}  # fmt: skip
CODED = {  # four numbers through two, and back
    "A1": "x", "A2": 0.9, "B2": 0.1, "C2": 0.8, "D2": 0.3,
    "F1": "encoder", "F2": 0.5, "G2": -0.3, "F3": 0.2, "G3": 0.8, "F4": -0.6, "G4": 0.4, "F5": 0.1,
    "G5": 0.7,
    "I1": "decoder", "I2": 0.4, "J2": 0.6, "K2": -0.2, "L2": 0.9, "I3": -0.5, "J3": 0.3, "K3": 0.8,
    "L3": 0.1,
    "A7": "code", "A8": "=TANH($A2*F2+$B2*F3+$C2*F4+$D2*F5)",
    "B8": "=TANH($A2*G2+$B2*G3+$C2*G4+$D2*G5)",
    "D7": "x again", "D8:G8": "=1/(1+EXP(-($A$8*I2+$B$8*I3)))",
}  # fmt: skip


def _block(values: Values, cells: str):  # type: ignore[no-untyped-def]
    """The numbers of a range as a tensor."""
    import torch

    (top, left), (bottom, right) = (cells_of(cell)[0] for cell in cells.split(":"))
    return torch.tensor(
        [
            [values[f"Sheet1!{chr(65 + c)}{r + 1}"] for c in range(left, right + 1)]
            for r in range(top, bottom + 1)
        ],
        dtype=torch.float64,
    )


def _as_block(numbers, first: str) -> Mapping[str, float]:  # type: ignore[no-untyped-def]
    """A tensor's numbers by the cells where they stand."""
    row, column = cells_of(first)[0]
    return {
        f"Sheet1!{chr(65 + column + c)}{row + 1 + r}": number
        for r, line in enumerate(numbers.tolist())
        for c, number in enumerate(line)
    }


def _attention(values: Values) -> Mapping[str, float]:
    import torch

    x, *weights = (_block(values, cells) for cells in ("A2:B4", "D2:E3", "G2:H3", "J2:K3"))
    q, k, v = (x @ weight for weight in weights)
    out = torch.nn.functional.scaled_dot_product_attention(q[None], k[None], v[None])[0]
    return _as_block(out, "A17")


def _perceptron(values: Values) -> Mapping[str, float]:
    x, w1, b1, w2 = (_block(values, cells) for cells in ("A2:B4", "D2:F3", "H2:J2", "L2:M4"))
    return _as_block(((x @ w1 + b1).relu() @ w2).softmax(1), "L7")


def _autoencoder(values: Values) -> Mapping[str, float]:
    x, encoder, decoder = (_block(values, cells) for cells in ("A2:D2", "F2:G5", "I2:L3"))
    return _as_block(((x @ encoder).tanh() @ decoder).sigmoid(), "D8")


def _long_memory(values: Values) -> Mapping[str, float]:
    """PyTorch's cell, which has its gates in the order i, f, g, o."""
    import torch

    cell = torch.nn.LSTMCell(1, 1, dtype=torch.float64)
    w, u, b = ([GATES[gate][k] for gate in "ifgo"] for k in range(3))
    with torch.no_grad():
        cell.weight_ih[:, 0], cell.weight_hh[:, 0], cell.bias_ih[:], cell.bias_hh[:] = (
            torch.tensor(numbers, dtype=torch.float64) for numbers in (w, u, b, [0.0] * 4)
        )
        state = torch.zeros(2, 1, 1, dtype=torch.float64).unbind()
        for step in range(1, LSTM.steps):
            x = torch.tensor([[values[LSTM.cell("x", step)]]], dtype=torch.float64)
            state = cell(x, state)
    last = LSTM.steps - 1
    return {LSTM.cell("h", last): state[0].item(), LSTM.cell("c", last): state[1].item()}


FORWARD_PASSES: dict[str, Kind] = {
    "a recurrent network, forward": _plain(RNN),
    "an LSTM, forward": Kind(LSTM.table(), claims=_long_memory, is_training=False),
    "attention, forward": Kind(typed(ATTENTION), claims=_attention, is_training=False),
    "an embedding, forward": Kind(typed(EMBEDDING), is_training=False),
    "a convolution, forward": Kind(typed(CONV1), is_training=False),
    "a convolution of an image, forward": Kind(typed(CONV2), is_training=False),
    "a perceptron of matrices, forward": Kind(
        typed(MATRICES), claims=_perceptron, is_training=False
    ),
    "an autoencoder, forward": Kind(typed(CODED), claims=_autoencoder, is_training=False),
    "a forward pass": Kind(typed(FORWARD), is_training=False),
}
NOTHING: dict[str, Kind] = {
    "a root, by small steps": _plain(ROOT),
    "Hebb's rule": _plain(HEBB),
    "Oja's rule": _plain(OJA),
    "a map that organises itself": _plain(KOHONEN),
    "exponential smoothing": _plain(SMOOTHED),
    "an epidemic": _plain(EPIDEMIC),
    "temporal differences": _plain(TD),
    "Elo's ratings": _plain(ELO),
    "a controller": _plain(PID),
    "a thermostat": _plain(THERMOSTAT),
    "Kalman's filter": _plain(KALMAN),
    "batch normalisation, forward": Kind(typed(NORMS), is_training=False),
    "layer normalisation, forward": Kind(typed(LAYER_NORM), is_training=False),
    "k means": Kind(typed(MEANS), is_training=False),
    "powers of a matrix": _plain(POWERS),
    "least squares": Kind(typed(LEAST), is_training=False),
    **FORWARD_PASSES,
}
