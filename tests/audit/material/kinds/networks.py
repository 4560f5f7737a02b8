"""Right trainings of small networks, laid out as people do."""

from __future__ import annotations

from tests.audit.material.kinds.kind import (
    Kind,
    Steps,
    by_optimiser,
    pairs,
    spoilt,
    training,
    typed,
)
from tests.audit.material.made import Content

# A sample a row, no loss cell: two hidden tanh, one sigmoid
XOR = {"x1": [0.0, 0.0, 1.0, 1.0], "x2": [0.0, 1.0, 0.0, 1.0], "t": [0.0, 1.0, 1.0, 0.0]}
STARTS = {
    "w11": 0.5,
    "w12": -0.6,
    "w21": 0.3,
    "w22": 0.8,
    "b1": 0.1,
    "b2": -0.2,
    "v1": 0.7,
    "v2": -0.4,
    "c": 0.2,
}
SLOPES = {
    "w11": "{d1<}*{x1<}", "w12": "{d1<}*{x2<}", "w21": "{d2<}*{x1<}", "w22": "{d2<}*{x2<}",
    "b1": "{d1<}", "b2": "{d2<}", "v1": "{d<}*{h1<}", "v2": "{d<}*{h2<}", "c": "{d<}",
}  # fmt: skip
ROW_PER_SAMPLE = Steps(
    {
        **XOR,
        **{w: (start, f"={{{w}<}}+{{$eta}}*{SLOPES[w]}") for w, start in STARTS.items()},
        "h1": "=TANH({w11}*{x1}+{w12}*{x2}+{b1})",
        "h2": "=TANH({w21}*{x1}+{w22}*{x2}+{b2})",
        "y": "=1/(1+EXP(-({v1}*{h1}+{v2}*{h2}+{c})))",
        "err": "={t}-{y}",
        "d": "={err}*{y}*(1-{y})",
        "d1": "={d}*{v1}*(1-{h1}^2)",
        "d2": "={d}*{v2}*(1-{h2}^2)",
    },
    {"eta": 0.5},
    16,
)
LAYERS = Steps(  # a sheet for each pass
    {
        "i1": 0.05, "i2": 0.1, "t1": 0.01, "t2": 0.99,
        **{f"w{k}": (0.1 + 0.05 * k, f"={{w{k}<}}-{{$η}}*{{dw{k}<}}") for k in range(1, 9)},
        "h1": "=1/(1+EXP(-({w1}*{i1}+{w2}*{i2})))",
        "h2": "=1/(1+EXP(-({w3}*{i1}+{w4}*{i2})))",
        "o1": "=1/(1+EXP(-({w5}*{h1}+{w6}*{h2})))",
        "o2": "=1/(1+EXP(-({w7}*{h1}+{w8}*{h2})))",
        "E": "=0.5*(({t1}-{o1})^2+({t2}-{o2})^2)",
        "do1": "=({o1}-{t1})*{o1}*(1-{o1})",
        "do2": "=({o2}-{t2})*{o2}*(1-{o2})",
        "dh1": "=({do1}*{w5}+{do2}*{w7})*{h1}*(1-{h1})",
        "dh2": "=({do1}*{w6}+{do2}*{w8})*{h2}*(1-{h2})",
        "dw1": "={dh1}*{i1}", "dw2": "={dh1}*{i2}", "dw3": "={dh2}*{i1}", "dw4": "={dh2}*{i2}",
        "dw5": "={do1}*{h1}", "dw6": "={do1}*{h2}", "dw7": "={do2}*{h1}", "dw8": "={do2}*{h2}",
    },
    {"η": 0.5},
    elsewhere={
        "Forward": ("h1", "h2", "o1", "o2", "E"),
        "Backward": ("do1", "do2", "dh1", "dh2", *(f"dw{k}" for k in range(1, 9))),
    },
)  # fmt: skip
HOT = Steps(  # softmax of three sums, one sample in turn
    {
        "x": [0.5, -1.0, 0.8], "y1": [1.0, 0.0, 0.0], "y2": [0.0, 1.0, 0.0], "y3": [0.0, 0.0, 1.0],
        **{f"w{k}": (0.1 * k, f"={{w{k}<}}-{{$lr}}*{{gw{k}<}}") for k in (1, 2, 3)},
        **{f"b{k}": (0.0, f"={{b{k}<}}-{{$lr}}*{{gb{k}<}}") for k in (1, 2, 3)},
        **{f"e{k}": f"=EXP({{w{k}}}*{{x}}+{{b{k}}})" for k in (1, 2, 3)},
        "S": "=SUM({e1}:{e3})",
        **{f"p{k}": f"={{e{k}}}/{{S}}" for k in (1, 2, 3)},
        "loss": "=-({y1}*LN({p1})+{y2}*LN({p2})+{y3}*LN({p3}))",
        **{f"gb{k}": f"={{p{k}}}-{{y{k}}}" for k in (1, 2, 3)},
        **{f"gw{k}": f"={{gb{k}}}*{{x}}" for k in (1, 2, 3)},
    },
    {"lr": 0.3},
    12,
)  # fmt: skip
RELU = Steps(  # IF for the activation and for its slope, names for columns, across
    {
        "x": [0.4, -0.7, 1.2], "t": [0.3, 0.9, -0.2],
        "w1": (0.6, "={w1<}-{$α}*{∂w1<}"), "w2": (-0.5, "={w2<}-{$α}*{∂w2<}"),
        "b1": (0.1, "={b1<}-{$α}*{∂b1<}"), "b2": (0.1, "={b2<}-{$α}*{∂b2<}"),
        "v1": (0.4, "={v1<}-{$α}*{∂v1<}"), "v2": (0.9, "={v2<}-{$α}*{∂v2<}"),
        "z1": "={w1}*{x}+{b1}", "z2": "={w2}*{x}+{b2}",
        "a1": "=IF({z1}>0,{z1},0)", "a2": "=IF({z2}>0,{z2},0)",
        "y": "={v1}*{a1}+{v2}*{a2}",
        "loss": "=({y}-{t})^2",
        "∂y": "=2*({y}-{t})",
        "∂v1": "={∂y}*{a1}", "∂v2": "={∂y}*{a2}",
        "∂b1": "={∂y}*{v1}*IF({z1}>0,1,0)", "∂b2": "={∂y}*{v2}*IF({z2}>0,1,0)",
        "∂w1": "={∂b1}*{x}", "∂w2": "={∂b2}*{x}",
    },
    {"α": 0.05},
    12,
    across=True,
)  # fmt: skip
AUTO = Steps(  # two numbers through one and back
    {
        "x1": [0.2, 0.9, 0.4], "x2": [0.7, 0.1, 0.5],
        "e1": (0.3, "={e1<}-{$lr}*{ge1<}"), "e2": (0.5, "={e2<}-{$lr}*{ge2<}"),
        "d1": (0.6, "={d1<}-{$lr}*{gd1<}"), "d2": (-0.2, "={d2<}-{$lr}*{gd2<}"),
        "code": "={e1}*{x1}+{e2}*{x2}",
        "r1": "={d1}*{code}", "r2": "={d2}*{code}",
        "loss": "=({r1}-{x1})^2+({r2}-{x2})^2",
        "gd1": "=2*({r1}-{x1})*{code}", "gd2": "=2*({r2}-{x2})*{code}",
        "dcode": "=2*({r1}-{x1})*{d1}+2*({r2}-{x2})*{d2}",
        "ge1": "={dcode}*{x1}", "ge2": "={dcode}*{x2}",
    },
    {"lr": 0.1},
)  # fmt: skip

# A block of nine rows a step: four samples from row f to l, weights in rows w and u, the block
# before has them in v and t
OF_A_BLOCK: dict[str, str] = {
    "D{f}:D{l}": "=1/(1+EXP(-(A{f}*$A${w}+B{f}*$B${w}+$C${w})))",
    "E{f}:E{l}": "=1/(1+EXP(-(A{f}*$A${u}+B{f}*$B${u}+$C${u})))",
    "F{f}:F{l}": "=1/(1+EXP(-(D{f}*$D${w}+E{f}*$E${w}+$F${w})))",
    "G{f}:G{l}": "=(F{f}-C{f})^2/2",
    "H{f}:H{l}": "=(F{f}-C{f})*F{f}*(1-F{f})",
    "I{f}:I{l}": "=H{f}*$D${w}*D{f}*(1-D{f})",
    "J{f}:J{l}": "=H{f}*$E${w}*E{f}*(1-E{f})",
    "G{s}": "=SUM(G{f}:G{l})",
    "H{w}": "=SUMPRODUCT($I{f}:$I{l},A{f}:A{l})",
    "I{w}": "=SUMPRODUCT($I{f}:$I{l},B{f}:B{l})",
    "J{w}": "=SUM($I{f}:$I{l})",
    "H{u}": "=SUMPRODUCT($J{f}:$J{l},A{f}:A{l})",
    "I{u}": "=SUMPRODUCT($J{f}:$J{l},B{f}:B{l})",
    "J{u}": "=SUM($J{f}:$J{l})",
    "K{w}": "=SUMPRODUCT($H{f}:$H{l},D{f}:D{l})",
    "L{w}": "=SUMPRODUCT($H{f}:$H{l},E{f}:E{l})",
    "M{w}": "=SUM($H{f}:$H{l})",
}
OF_ITS_WEIGHTS: dict[str, tuple[float, str]] = {
    "A{w}": (0.5, "=A{v}-$M$1*H{v}"),
    "B{w}": (0.3, "=B{v}-$M$1*I{v}"),
    "C{w}": (0.1, "=C{v}-$M$1*J{v}"),
    "A{u}": (-0.4, "=A{t}-$M$1*H{t}"),
    "B{u}": (0.9, "=B{t}-$M$1*I{t}"),
    "C{u}": (-0.1, "=C{t}-$M$1*J{t}"),
    "D{w}": (0.7, "=D{v}-$M$1*K{v}"),
    "E{w}": (-0.6, "=E{v}-$M$1*L{v}"),
    "F{w}": (0.2, "=F{v}-$M$1*M{v}"),
}


def _rows(block: int) -> dict[str, int]:
    top = 3 + 9 * block
    rows = zip("fswu", (1, 5, 6, 7), strict=True)
    return {letter: top + k for letter, k in rows} | {"l": top + 4, "v": top - 3, "t": top - 2}


def _blocks() -> dict[str, Content]:
    cells: dict[str, Content] = {"L1": "rate", "M1": 0.8}
    for k in range(6):
        at = _rows(k)
        words = ["x1", "x2", "t", "h1", "h2", "y", "E", "do", "dh1", "dh2"]
        cells |= {f"{chr(65 + c)}{at['f'] - 1}": word for c, word in enumerate(words)}
        for s, sample in enumerate(((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0))):
            given = zip("ABC", sample, strict=True)
            cells |= {f"{column}{at['f'] + s}": float(number) for column, number in given}
        cells |= {area.format(**at): said.format(**at) for area, said in OF_A_BLOCK.items()}
        for area, (start, update) in OF_ITS_WEIGHTS.items():
            cells[area.format(**at)] = update.format(**at) if k else start
    return cells


BLOCKS = typed(_blocks())


def _in_blocks(area: str, formula: str) -> dict[str, str]:
    """A formula in every block."""
    return {area.format(**_rows(k)): formula.format(**_rows(k)) for k in range(6)}


NETWORKS: dict[str, Kind] = {
    "tanh and sigmoid, a sample a row, no loss": training(
        ROW_PER_SAMPLE, "(0.5*({t}-{y})^2)", {},
        {"d1": "={d}*{v2}*(1-{h1}^2)", "d2": "={d}*{v2}*(1-{h2})^2", "d": "={err}*{y}*(1+{y})"},
        claims=by_optimiser("SGD", ROW_PER_SAMPLE, {}, lr=0.5),
    ),
    "a sheet for each pass": training(
        LAYERS, "{E}", {f"dw{k}": f"w{k}" for k in range(1, 9)},
        {
            "dh1": "=({do1}*{w5}+{do2}*{w6})*{h1}*(1-{h1})",
            "do2": "=({o2}-{t2})*{o2}*1-{o2}",
            "dw4": "={dh1}*{i2}",
        },
        claims=by_optimiser("SGD", LAYERS, {f"w{k}": f"dw{k}" for k in (1, 8)}, lr=0.5),
    ),
    "softmax, LN, samples in turn": training(
        HOT, "{loss}", {f"g{w}{k}": f"{w}{k}" for w in "wb" for k in (1, 2, 3)},
        {"gb2": "={y2}-{p2}", "gw3": "={gb2}*{x}", "gb1": "=({p1}-{y1})*{p1}*(1-{p1})"},
        claims=by_optimiser("SGD", HOT, {"w1": "gw1", "b3": "gb3"}, lr=0.3),
    ),
    "ReLU by IF, across": training(
        RELU, "{loss}", {f"∂{w}{k}": f"{w}{k}" for w in "wbv" for k in (1, 2)},
        {"∂b1": "={∂y}*{v1}", "∂b2": "={∂y}*{v1}*IF({z2}>0,1,0)", "∂v1": "={∂y}*{z1}"},
        claims=by_optimiser("SGD", RELU, {"w1": "∂w1", "v2": "∂v2"}, lr=0.05),
    ),
    "an autoencoder": training(
        AUTO, "{loss}", {f"g{w}{k}": f"{w}{k}" for w in "ed" for k in (1, 2)},
        {"dcode": "=2*({r1}-{x1})*{d1}-2*({r2}-{x2})*{d2}", "ge2": "={dcode}*{x1}",
        "gd1": "=2*({r1}-{x1})*{d1}"},
        claims=by_optimiser("SGD", AUTO, {"e1": "ge1", "d2": "gd2"}, lr=0.1),
    ),
    "a block of nine rows a step": Kind(
        BLOCKS, "G17", pairs("H18:J19", "A18:C19") | pairs("K18:M18", "D18:F18"),
        mistakes={
            "index": spoilt(BLOCKS, _in_blocks("I{w}", "=SUMPRODUCT($I{f}:$I{l},A{f}:A{l})")),
            "range": spoilt(BLOCKS, _in_blocks("K{w}", "=SUMPRODUCT($H{f}:$H{l},E{f}:E{l})")),
        },
    ),
}  # fmt: skip
