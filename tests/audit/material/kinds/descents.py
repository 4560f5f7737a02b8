"""Right books in which a few numbers descend: functions, regressions, rules of going on."""

from __future__ import annotations

from collections.abc import Mapping

from tests.audit.material.kinds.kind import (
    Kind,
    Steps,
    Values,
    by_optimiser,
    on,
    spoilt,
    training,
    typed,
)

SIGMOID = "1/(1+EXP(-{z}))"
X, T = [0.2, 0.9, 0.5, 0.7], [0.4, 0.1, 0.8, 0.3]

PARABOLA = Steps(
    {
        "step": (0.0, "={step<}+1"),
        "x": (4.0, "={x<}-{$alpha}*{f'(x)<}"),
        "f(x)": "={x}^2-4*{x}+5",
        "f'(x)": "=2*{x}-4",
    },
    {"alpha": 0.1},
)
BOWL = Steps(
    {
        "x": (2.0, "={x<}-{$step size}*{df/dx<}"),
        "y": (-1.5, "={y<}-{$step size}*{df/dy<}"),
        "f": "=({x}-1)^2+10*({y}-{x}^2)^2",
        "df/dx": "=2*({x}-1)-40*{x}*({y}-{x}^2)",
        "df/dy": "=20*({y}-{x}^2)",
    },
    {"step size": 0.002},
    across=True,
)
CUBIC = Steps(
    {
        "x": X,
        "y": T,
        "a": (0.1, "={a<}-{$rate}*{da<}"),
        "b": (0.2, "={b<}-{$rate}*{db<}"),
        "c": (-0.1, "={c<}-{$rate}*{dc<}"),
        "d": (0.0, "={d<}-{$rate}*{dd<}"),
        "fit": "={a}*{x}^3+{b}*{x}^2+{c}*{x}+{d}",
        "error": "={fit}-{y}",
        "sq": "={error}^2",
        "da": "=2*{error}*{x}^3",
        "db": "=2*{error}*{x}^2",
        "dc": "=2*{error}*{x}",
        "dd": "=2*{error}",
    },
    {"rate": 0.1},
    12,
)
LOGISTIC = Steps(  # two samples in a step, side by side
    {
        "w": (0.3, "={w<}-{$η}*{dw<}"),
        "b": (-0.1, "={b<}-{$η}*{db<}"),
        "z1": "={w}*0.5+{b}",
        "z2": "={w}*1.5+{b}",
        "p1": "=1/(1+EXP(-{z1}))",
        "p2": "=1/(1+EXP(-{z2}))",
        "LogLoss": "=-(LN(1-{p1})+LN({p2}))/2",
        "dw": "=({p1}*0.5+({p2}-1)*1.5)/2",
        "db": "=({p1}+{p2}-1)/2",
    },
    {"η": 0.5},
    across=True,
)
NEURON = {
    "x": X,
    "t": T,
    "w": (0.5, "={w<}-{$lr}*{dw<}"),
    "b": (0.1, "={b<}-{$lr}*{db<}"),
    "z": "={w}*{x}+{b}",
    "a": "=1/(1+EXP(-{z}))",
    "E": "=({t}-{a})^2",
    "delta": "=({a}-{t})*{a}*(1-{a})",
    "dw": "={delta}*{x}",
    "db": "={delta}",
}
WITHOUT_TWO = Steps(NEURON, {"lr": 0.5})
CHAIN = Steps(  # each factor of the chain in a column, a constant 1 among them
    {
        "x": X,
        "t": T,
        "w": (0.5, "={w<}-{$lr}*{dE/dw<}"),
        "b": (0.1, "={b<}-{$lr}*{dE/db<}"),
        "z": "={w}*{x}+{b}",
        "a": "=1/(1+EXP(-{z}))",
        "E": "=0.5*({t}-{a})^2",
        "dE/da": "={a}-{t}",
        "da/dz": "={a}*(1-{a})",
        "dz/dw": "={x}",
        "dz/db": 1.0,
        "dE/dw": "={dE/da}*{da/dz}*{dz/dw}",
        "dE/db": "={dE/da}*{da/dz}*{dz/db}",
    },
    {"lr": 0.5},
)
MOMENTUM = Steps(
    {
        **NEURON,
        "w": (0.5, "={w<}-{$lr}*{vw<}"),
        "b": (0.1, "={b<}-{$lr}*{vb<}"),
        "vw": ("={2dw}", "={$mu}*{vw<}+{2dw}"),
        "vb": ("={2db}", "={$mu}*{vb<}+{2db}"),
        "2dw": "=2*{dw}",
        "2db": "=2*{db}",
    },
    {"lr": 0.1, "mu": 0.9},
    elsewhere={"Momentum": ("2dw", "2db", "vw", "vb")},
)
FULL = {
    "x": X,
    "t": T,
    "z": "={w}*{x}+{b}",
    "a": "=TANH({z})",
    "E": "=({t}-{a})^2/2",
    "dw": "=({a}-{t})*(1-{a}^2)*{x}",
    "db": "=({a}-{t})*(1-{a}^2)",
}
RMS = Steps(
    {
        **FULL,
        "w": (0.5, "={w<}-{$lr}*{dw<}/(SQRT({sw<})+{$eps})"),
        "b": (0.1, "={b<}-{$lr}*{db<}/(SQRT({sb<})+{$eps})"),
        "sw": ("=(1-{$rho})*{dw}^2", "={$rho}*{sw<}+(1-{$rho})*{dw}^2"),
        "sb": ("=(1-{$rho})*{db}^2", "={$rho}*{sb<}+(1-{$rho})*{db}^2"),
    },
    {"lr": 0.05, "rho": 0.9, "eps": 1e-8},
    across=True,
)
ANNEALED = Steps(  # Adam; all that is smoothed stands on a sheet of its own, as do the settings
    {
        **FULL,
        "k": (1.0, "={k<}+1"),
        "lr": "={$alpha}*{$decay}^({k}-1)",
        "w": (0.5, "={w<}-{lr<}*{mw^<}/(SQRT({vw^<})+{$eps})"),
        "b": (0.1, "={b<}-{lr<}*{mb^<}/(SQRT({vb^<})+{$eps})"),
        "mw": ("=(1-{$b1})*{dw}", "={$b1}*{mw<}+(1-{$b1})*{dw}"),
        "vw": ("=(1-{$b2})*{dw}^2", "={$b2}*{vw<}+(1-{$b2})*{dw}^2"),
        "mb": ("=(1-{$b1})*{db}", "={$b1}*{mb<}+(1-{$b1})*{db}"),
        "vb": ("=(1-{$b2})*{db}^2", "={$b2}*{vb<}+(1-{$b2})*{db}^2"),
        "mw^": "={mw}/(1-{$b1}^{k})",
        "vw^": "={vw}/(1-{$b2}^{k})",
        "mb^": "={mb}/(1-{$b1}^{k})",
        "vb^": "={vb}/(1-{$b2}^{k})",
    },
    {"alpha": 0.1, "decay": 0.95, "b1": 0.9, "b2": 0.999, "eps": 1e-8},
    elsewhere={"Adam": ("k", "lr", "mw", "vw", "mb", "vb", "mw^", "vw^", "mb^", "vb^")},
    settings_on="Settings",
)
EVE = Steps(  # Adam whose rate is divided by how much the loss goes up and down
    {
        **FULL,
        "k": (1.0, "={k<}+1"),
        "r": (1.0, "=ABS({E}-{E<})/MIN({E},{E<})"),
        "d": (1.0, "=0.999*{d<}+0.001*MIN(10,MAX(0.1,{r}))"),
        "w": (0.5, "={w<}-{$alpha}/{d<}*({mw<}/(1-0.9^{k<}))/(SQRT({vw<}/(1-0.999^{k<}))+1E-8)"),
        "b": (0.1, "={b<}-{$alpha}/{d<}*({mb<}/(1-0.9^{k<}))/(SQRT({vb<}/(1-0.999^{k<}))+1E-8)"),
        "mw": ("=0.1*{dw}", "=0.9*{mw<}+0.1*{dw}"),
        "vw": ("=0.001*{dw}^2", "=0.999*{vw<}+0.001*{dw}^2"),
        "mb": ("=0.1*{db}", "=0.9*{mb<}+0.1*{db}"),
        "vb": ("=0.001*{db}^2", "=0.999*{vb<}+0.001*{db}^2"),
    },
    {"alpha": 0.02},
)
RATE_DRIFTS_HALTED = Steps(  # a rate of every step, typed
    {
        "lr": [0.5, 0.4, 0.3, 0.2, 0.1],
        **NEURON,
        "w": (0.5, "={w<}-{lr<}*{dw<}"),
        "b": (0.1, "={b<}-{lr<}*{db<}"),
    },
)
HUBER = Steps(
    {
        "x": X,
        "y": [2.4, 0.1, 0.8, 5.3],
        "w": (0.5, "={w<}-{$lr}*{gw<}"),
        "c": (0.1, "={c<}-{$lr}*{gc<}"),
        "r": "={w}*{x}+{c}-{y}",
        "loss": "=IF(ABS({r})<=1,0.5*{r}^2,ABS({r})-0.5)",
        "gw": "=IF(ABS({r})<=1,{r},SIGN({r}))*{x}",
        "gc": "=IF(ABS({r})<=1,{r},SIGN({r}))",
    },
    {"lr": 0.1},
)
LASSO = Steps(
    {
        "u": X,
        "v": [1.0, -0.5, 0.3],
        "y": T,
        "w1": (0.5, "={w1<}-{$lr}*{g1<}"),
        "w2": (-0.7, "={w2<}-{$lr}*{g2<}"),
        "e": "={w1}*{u}+{w2}*{v}-{y}",
        "J": "={e}^2+{$lambda}*(ABS({w1})+ABS({w2}))",
        "g1": "=2*{e}*{u}+{$lambda}*SIGN({w1})",
        "g2": "=2*{e}*{v}+{$lambda}*SIGN({w2})",
    },
    {"lr": 0.1, "lambda": 0.02},
)
ADALINE = Steps(  # Widrow and Hoff's rule: the error of the sum
    {
        "x1": [0.0, 0.0, 1.0, 1.0],
        "x2": [0.0, 1.0, 0.0, 1.0],
        "d": [-1.0, -1.0, -1.0, 1.0],
        "w0": (0.1, "={w0<}+{$mu}*{e<}"),
        "w1": (0.2, "={w1<}+{$mu}*{e<}*{x1<}"),
        "w2": (-0.3, "={w2<}+{$mu}*{e<}*{x2<}"),
        "y": "={w0}+{w1}*{x1}+{w2}*{x2}",
        "e": "={d}-{y}",
        "y>0": "=IF({y}>0,1,-1)",
    },
    {"mu": 0.2},
    16,
)
FACTORS = Steps(  # a rating as the product of two pairs
    {
        "rating": [4.0, 3.5],
        "u1": (0.8, "={u1<}-{$lr}*{du1<}"),
        "u2": (0.9, "={u2<}-{$lr}*{du2<}"),
        "m1": (1.1, "={m1<}-{$lr}*{dm1<}"),
        "m2": (0.7, "={m2<}-{$lr}*{dm2<}"),
        "guess": "=SUMPRODUCT({u1}:{u2},{m1}:{m2})",
        "err": "={rating}-{guess}",
        "E": "={err}^2",
        "du1": "=-2*{err}*{m1}",
        "du2": "=-2*{err}*{m2}",
        "dm1": "=-2*{err}*{u1}",
        "dm2": "=-2*{err}*{u2}",
    },
    {"lr": 0.02},
)
BATCHES = Steps(  # two of six samples in each step
    {
        "k": (0.0, "={k<}+1"),
        "xa": "=INDEX(Data!$A$2:$A$7,MOD(2*{k},6)+1)",
        "xb": "=INDEX(Data!$A$2:$A$7,MOD(2*{k},6)+2)",
        "ya": "=INDEX(Data!$B$2:$B$7,MOD(2*{k},6)+1)",
        "yb": "=INDEX(Data!$B$2:$B$7,MOD(2*{k},6)+2)",
        "w": (0.2, "={w<}-{$lr}*{dw<}"),
        "b": (0.0, "={b<}-{$lr}*{db<}"),
        "ea": "={w}*{xa}+{b}-{ya}",
        "eb": "={w}*{xb}+{b}-{yb}",
        "MSE": "=({ea}^2+{eb}^2)/2",
        "dw": "={ea}*{xa}+{eb}*{xb}",
        "db": "={ea}+{eb}",
    },
    {"lr": 0.1},
    12,
)
DATA = {"A1": "x", "B1": "y"} | {
    f"{c}{r + 2}": v
    for c, line in zip(
        "AB", ((0.5, 1.0, 1.5, 2.0, 2.5, 3.0), (1.1, 1.8, 3.2, 3.9, 5.1, 6.2)), strict=True
    )
    for r, v in enumerate(line)
}
SUMMED = Steps(  # the cost is a sum, the gradients are means
    {
        "m": (0.0, "={m<}-{$rate}*{dm<}"),
        "q": (0.0, "={q<}-{$rate}*{dq<}"),
        "cost": "=SUMPRODUCT(({m}*$I$2:$I$5+{q}-$J$2:$J$5)^2)/2",
        "dm": "=SUMPRODUCT({m}*$I$2:$I$5+{q}-$J$2:$J$5,$I$2:$I$5)/4",
        "dq": "=SUMPRODUCT({m}*$I$2:$I$5+{q}-$J$2:$J$5)/4",
    },
    {"rate": 0.2},
)


def _with_data(kind: Kind, sheet: str, cells: Mapping[str, object]) -> Kind:
    """The book with numbers beside it."""
    from dataclasses import replace

    from tests.audit.material.small import filled

    def more(table):  # type: ignore[no-untyped-def]
        sheets = {**table.sheets}
        sheets[sheet] = {**filled(cells), **sheets.get(sheet, {})}  # type: ignore[arg-type]
        return replace(table, sheets=sheets)

    mistakes = {name: more(table) for name, table in kind.mistakes.items()}
    return replace(kind, table=more(kind.table), mistakes=mistakes)


BESIDE = {"I1": "x", "J1": "y"} | {
    f"{c}{r + 2}": v
    for c, line in zip("IJ", ((0.5, 1.0, 1.5, 2.0), (1.1, 1.8, 3.2, 3.9)), strict=True)
    for r, v in enumerate(line)
}
WB = {"dw": "w", "db": "b"}


def _eve(values: Values) -> Mapping[str, float]:
    """Its own recursion, from the sheet's gradients and losses."""
    found: dict[str, float] = {}
    for weight, gradient in (("w", "dw"), ("b", "db")):
        one, m, v, d, before = values[EVE.cell(weight, 0)], 0.0, 0.0, 1.0, 0.0
        for k in range(EVE.steps - 1):
            loss, g = values[EVE.cell("E", k)], values[EVE.cell(gradient, k)]
            if k:
                d = 0.999 * d + 0.001 * min(10, max(0.1, abs(loss - before) / min(loss, before)))
            before, m, v = loss, 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
            smooth, spread = m / (1 - 0.9 ** (k + 1)), v / (1 - 0.999 ** (k + 1))
            one -= 0.02 / d * smooth / (spread**0.5 + 1e-8)
            found[EVE.cell(weight, k + 1)] = one
    return found


BY_HAND = {  # x after x, typed
    "A1": "x",
    "B1": "f(x)",
    "C1": "f'(x)",
    "D1": "new x",
    "F1": "rate",
    "F2": 0.1,
    **{f"A{k + 2}": x for k, x in enumerate((3.0, 2.6, 2.28, 2.024, 1.8192))},
    "B2:B6": "=(A2-1)^2",
    "C2:C6": "=2*(A2-1)",
    "D2:D6": "=A2-$F$2*C2",
}
ONE_UPDATE = {
    "A1": "x",
    "B1": 0.6,
    "A2": "target",
    "B2": 0.9,
    "A3": "learning rate",
    "B3": 0.5,
    "A5": "w",
    "B5": 0.4,
    "A6": "b",
    "B6": 0.2,
    "A7": "z",
    "B7": "=B5*B1+B6",
    "A8": "a",
    "B8": "=1/(1+EXP(-B7))",
    "A9": "E",
    "B9": "=0.5*(B2-B8)^2",
    "A11": "dE/da",
    "B11": "=-(B2-B8)",
    "A12": "da/dz",
    "B12": "=B8*(1-B8)",
    "A13": "dE/dw",
    "B13": "=B11*B12*B1",
    "A14": "dE/db",
    "B14": "=B11*B12",
    "A16": "new w",
    "B16": "=B5-B3*B13",
    "A17": "new b",
    "B17": "=B6-B3*B14",
}
ITERATED = {  # each recalculation is a step; B1 set to 1 starts anew
    "A1": "reset",
    "B1": 0.0,
    "A2": "rate",
    "B2": 0.1,
    "A3": "x",
    "B3": 0.7,
    "A4": "t",
    "B4": 0.2,
    "A6": "w",
    "B6": "=IF(B1=1,0.5,B6-B2*B11)",
    "A7": "b",
    "B7": "=IF(B1=1,0.1,B7-B2*B12)",
    "A8": "y",
    "B8": "=TANH(B6*B3+B7)",
    "A9": "E",
    "B9": "=(B8-B4)^2/2",
    "A10": "delta",
    "B10": "=(B8-B4)*(1-B8^2)",
    "A11": "dE/dw",
    "B11": "=B10*B3",
    "A12": "dE/db",
    "B12": "=B10",
}
UNWOUND = {**ITERATED, "B6": 0.3, "B7": 0.15}
ONE, CIRCLE = typed(ONE_UPDATE), typed(ITERATED)

DESCENTS: dict[str, Kind] = {
    "a parabola": training(
        PARABOLA,
        "{f(x)}",
        {"f'(x)": "x"},
        {"f'(x)": "=2*{x}+4", "x": "={x<}-{$alpha}*{f(x)<}"},
        claims=by_optimiser("SGD", PARABOLA, {"x": "f'(x)"}, lr=0.1),
    ),
    "a bowl of two numbers, across": training(
        BOWL,
        "{f}",
        {"df/dx": "x", "df/dy": "y"},
        {"df/dx": "=2*({x}-1)-20*{x}*({y}-{x}^2)", "df/dy": "=20*({y}-{x})"},
        claims=by_optimiser("SGD", BOWL, {"x": "df/dx", "y": "df/dy"}, lr=0.002),
    ),
    "a cubic": training(
        CUBIC,
        "{sq}",
        {"da": "a", "db": "b", "dc": "c", "dd": "d"},
        {"da": "=2*{error}*{x}^2", "dc": "={error}*{x}", "dd": "=2*{error}*{x}"},
        claims=by_optimiser("SGD", CUBIC, {"a": "da", "d": "dd"}, lr=0.1),
    ),
    "logistic regression, across": training(
        LOGISTIC,
        "{LogLoss}",
        WB,
        {"dw": "=({p1}*1.5+({p2}-1)*1.5)/2", "db": "=({p1}+{p2})/2"},
        claims=by_optimiser("SGD", LOGISTIC, {"w": "dw"}, lr=0.5),
    ),
    "no two before the error": training(
        WITHOUT_TWO,
        "{E}",
        WB,
        {"dw": "={delta}*{t}", "delta": "=({a}-{t})*{z}*(1-{z})"},
        factor=0.5,
        claims=by_optimiser("SGD", WITHOUT_TWO, {"w": "dw", "b": "db"}, lr=0.5),
    ),
    "the chain in columns, with a 1": training(
        CHAIN,
        "{E}",
        {"dE/dw": "w", "dE/db": "b"},
        {"da/dz": "={a}*(1+{a})", "dE/dw": "={dE/da}*{dz/dw}", "dz/dw": "={t}"},
        claims=by_optimiser("SGD", CHAIN, {"w": "dE/dw", "b": "dE/db"}, lr=0.5),
    ),
    "momentum on another sheet": training(
        MOMENTUM,
        "{E}",
        {"2dw": "w", "2db": "b"},
        {"dw": "={delta}*{z}", "w": "={w<}-{$lr}*{vb<}"},
        claims=by_optimiser("SGD", MOMENTUM, {"w": "2dw", "b": "2db"}, lr=0.1, momentum=0.9),
    ),
    "RMSprop, across": training(
        RMS,
        "{E}",
        WB,
        {"dw": "=({a}-{t})*(1-{a})*{x}", "sw": "={$rho}*{sw<}+(1-{$rho})*{dw}"},
        claims=by_optimiser("RMSprop", RMS, {"w": "dw", "b": "db"}, lr=0.05, alpha=0.9, eps=1e-8),
    ),
    "Adam with an annealed rate, on other sheets": training(
        ANNEALED,
        "{E}",
        WB,
        {"dw": "=({a}-{t})*(1-{a}^2)*{t}", "db": "=({t}-{a})*(1-{a}^2)"},
        claims=by_optimiser(
            "Adam", ANNEALED, {"w": "dw", "b": "db"}, lambda k: 0.1 * 0.95**k, eps=1e-8
        ),
    ),
    "Eve": training(
        EVE,
        "{E}",
        WB,
        {"dw": "=({a}-{t})*(1-{a}^2)", "db": "=({a}+{t})*(1-{a}^2)"},
        claims=_eve,
    ),
    "rates typed for every step": training(
        RATE_DRIFTS_HALTED,
        "{E}",
        WB,
        {"delta": "=({a}-{t})*{a}*1-{a}", "w": "={w<}-{lr<}*{db<}"},
        factor=0.5,
    ),
    "Huber's loss": training(
        HUBER,
        "{loss}",
        {"gw": "w", "gc": "c"},
        {"gw": "=IF(ABS({r})<=1,{r},1)*{x}", "gc": "=IF(ABS({r})<=1,{r},SIGN({r}))*{y}"},
        claims=by_optimiser("SGD", HUBER, {"w": "gw", "c": "gc"}, lr=0.1),
    ),
    "lasso": training(
        LASSO,
        "{J}",
        {"g1": "w1", "g2": "w2"},
        {"g1": "=2*{e}*{u}+{$lambda}*{w1}", "g2": "=2*{e}*{u}+{$lambda}*SIGN({w2})"},
        claims=by_optimiser("SGD", LASSO, {"w1": "g1", "w2": "g2"}, lr=0.1),
    ),
    "Widrow and Hoff's rule": training(
        ADALINE,
        "",
        {},
        {"w2": "={w2<}+{$mu}*{e<}*{x1<}", "w0": "={w0<}-{$mu}*{e<}"},
        claims=lambda values: {
            ADALINE.cell(w, k + 1): values[ADALINE.cell(w, k)]
            + 0.2
            * (values[ADALINE.cell("d", k)] - values[ADALINE.cell("y", k)])
            * (values[ADALINE.cell(x, k)] if x else 1)
            for w, x in (("w0", ""), ("w1", "x1"), ("w2", "x2"))
            for k in range(ADALINE.steps - 1)
        },
    ),
    "a rating as a product": training(
        FACTORS,
        "{E}",
        {"du1": "u1", "du2": "u2", "dm1": "m1", "dm2": "m2"},
        {"du1": "=-2*{err}*{u1}", "dm2": "=2*{err}*{u2}"},
        claims=by_optimiser("SGD", FACTORS, {"u1": "du1", "m2": "dm2"}, lr=0.02),
    ),
    "batches of two": _with_data(
        training(
            BATCHES,
            "{MSE}",
            WB,
            {"dw": "={ea}*{xa}+{eb}*{xa}", "db": "={ea}-{eb}"},
            claims=by_optimiser("SGD", BATCHES, {"w": "dw", "b": "db"}, lr=0.1),
        ),
        "Data",
        DATA,
    ),
    "mean gradients of a summed cost": _with_data(
        training(
            SUMMED,
            "{cost}",
            {"dm": "m", "dq": "q"},
            {
                "dm": "=SUMPRODUCT({m}*$I$2:$I$5+{q}+$J$2:$J$5,$I$2:$I$5)/4",
                "dq": "=SUMPRODUCT({m}*$I$2:$I$5-$J$2:$J$5)/4",
            },
            factor=0.25,
            claims=by_optimiser("SGD", SUMMED, {"m": "dm", "q": "dq"}, lr=0.2),
        ),
        "Sheet1",
        BESIDE,
    ),
    "one x after another, typed": Kind(typed(BY_HAND), "(A4-1)^2", on({"C4": "A4"})),
    "one neuron, one update": Kind(
        ONE,
        "B9",
        on({"B13": "B5", "B14": "B6"}),
        mistakes={
            "slope": spoilt(ONE, {"B12": "=B8*(1-B7)"}),
            "no slope": spoilt(ONE, {"B14": "=B11"}),
            "update": spoilt(ONE, {"B16": "=B5-B3*B14"}),
        },
    ),
    "one neuron, a circle that is meant": Kind(
        CIRCLE,
        "B9",
        on({"B11": "B6", "B12": "B7"}),
        mistakes={
            "slope": spoilt(CIRCLE, {"B10": "=(B8-B4)*(1-B8)^2"}),
            "input": spoilt(CIRCLE, {"B11": "=B10*B4"}),
            "update": spoilt(CIRCLE, {"B6": "=IF(B1=1,0.5,B6-B2*B12)"}),
        },
        iterates=True,
    ),
}
