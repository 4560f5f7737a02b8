"""Right lines fitted by all kinds of optimisers, where no cell holds the loss."""

from __future__ import annotations

import math
from collections.abc import Mapping

from tests.audit.material.kinds.kind import Kind, Steps, Values, by_optimiser, training
from tests.audit.material.made import Content

WEIGHTS = {"a": 0.5, "b": 0.1}  # and their starts
LINE = {
    "x": [0.2, 0.9, 0.5, 0.7],
    "y": [0.4, 0.1, 0.8, 0.3],
    "de/db": "=2*({a}*{x}+{b}-{y})",
    "de/da": "={de/db}*{x}",
}


def _optimised(
    name: str,
    update: str,
    remembered: Mapping[str, tuple[str, str]],
    mistakes: Mapping[str, Content],
    settings: Mapping[str, float],
    elsewhere: bool = False,
    **torch: object,
) -> Kind:
    """Both weights by one rule: @ is the weight, # its gradient."""
    columns: dict[str, Content | tuple[Content, Content] | list[float]] = {**LINE}
    for weight, start in WEIGHTS.items():

        def of(words: str, own: str = weight) -> str:
            return words.replace("@", own).replace("#", f"de/d{own}")

        columns[weight] = (start, of(update))
        columns |= {of(column): (of(a), of(b)) for column, (a, b) in remembered.items()}
    apart = [column for column in columns if column not in LINE and column not in WEIGHTS]
    steps = Steps(columns, settings, 12, elsewhere={"Moments": apart} if elsewhere else {})
    return training(
        steps,
        "({a}*{x}+{b}-{y})^2",
        {"de/da": "a", "de/db": "b"},
        mistakes,
        claims=by_optimiser(name, steps, {"a": "de/da", "b": "de/db"}, **torch),
    )


SQUARES = ("=0.1*{#}^2", "=0.9*{s@<}+0.1*{#}^2")  # typed factors, as most people have them
ADDED = ("={#}^2", "={s@<}+{#}^2")
VELOCITY = ("={#}", "=0.9*{v@<}+{#}")
BY_ROOT = "={@<}-{$lr}*{#<}/(SQRT({s@<})+1E-8)"
CORRECTED = "={@<}-{$lr}*({m@<}/(1-0.9^{k@<}))/(SQRT({s@<}/(1-0.99^{k@<}))+1E-8)"
ADAM = {
    "k@": ("=1", "={k@<}+1"),
    "m@": ("=0.1*{#}", "=0.9*{m@<}+0.1*{#}"),
    "s@": ("=0.01*{#}^2", "=0.99*{s@<}+0.01*{#}^2"),
}
BY_SIGN = Steps(
    {
        **LINE,
        "a": (0.5, "={a<}-{$lr}*SIGN({de/da<})"),
        "b": (0.1, "={b<}-{$lr}*SIGN({de/db<})"),
    },
    {"lr": 0.01},
    12,
)


def _by_sign(values: Values) -> Mapping[str, float]:
    return {
        BY_SIGN.cell(w, k + 1): values[BY_SIGN.cell(w, k)]
        - math.copysign(0.01, values[BY_SIGN.cell(f"de/d{w}", k)])
        for w in WEIGHTS
        for k in range(BY_SIGN.steps - 1)
    }


OPTIMISERS: dict[str, Kind] = {
    "Adagrad": _optimised(
        "Adagrad",
        BY_ROOT,
        {"s@": ADDED},
        {
            "sa": "={sa<}+{de/da}",
            "sb": "={sb<}+{de/da}^2",
            "a": "={a<}-{$lr}*{de/da<}/(SQRT({sb<})+1E-8)",
        },
        {"lr": 0.1},
        lr=0.1,
        eps=1e-8,
    ),
    "RMSprop, factors typed": _optimised(
        "RMSprop",
        BY_ROOT,
        {"s@": SQUARES},
        {"sa": "=0.9*{sa<}+0.1*{de/da}", "sb": "=0.9*{sa<}+0.1*{de/db}^2"},
        {"lr": 0.05},
        lr=0.05,
        alpha=0.9,
        eps=1e-8,
    ),
    "Adam, factors typed, on another sheet": _optimised(
        "Adam",
        CORRECTED,
        ADAM,
        {
            "ma": "=0.9*{ma<}+0.1*{de/db}",
            "sb": "=0.99*{sb<}+0.01*{de/db}",
            "sa": "=0.99*{sa<}+0.01*{de/db}^2",
            "de/da": "={de/db}*{y}",
        },
        {"lr": 0.05},
        elsewhere=True,
        lr=0.05,
        betas=(0.9, 0.99),
        eps=1e-8,
    ),
    "AdamW": _optimised(
        "AdamW",
        CORRECTED.replace("={@<}", "={@<}*(1-{$lr}*0.1)"),
        ADAM,
        {"mb": "=0.9*{mb<}+0.1*{de/da}"},
        {"lr": 0.05},
        lr=0.05,
        betas=(0.9, 0.99),
        eps=1e-8,
        weight_decay=0.1,
    ),
    "Nesterov's momentum": _optimised(
        "SGD",
        "={@<}-{$lr}*({#<}+0.9*{v@<})",
        {"v@": VELOCITY},
        {"va": "=0.9*{va<}+{de/db}", "vb": "=0.9*{va<}+{de/db}"},
        {"lr": 0.05},
        lr=0.05,
        momentum=0.9,
        nesterov=True,
    ),
    "Adadelta": _optimised(
        "Adadelta",
        "={@<}-{d@<}",
        {
            "s@": SQUARES,
            "d@": (
                "=SQRT(1E-6)/SQRT({s@}+1E-6)*{#}",
                "=SQRT({u@<}+1E-6)/SQRT({s@}+1E-6)*{#}",
            ),
            "u@": ("=0.1*{d@}^2", "=0.9*{u@<}+0.1*{d@}^2"),
        },
        {"sa": "=0.9*{sa<}+0.1*{de/da}", "de/da": "={de/db}*{y}"},
        {},
        lr=1.0,
        rho=0.9,
        eps=1e-6,
    ),
    "the sign of the gradient": training(
        BY_SIGN,
        "({a}*{x}+{b}-{y})^2",
        {"de/da": "a", "de/db": "b"},
        {"de/da": "={de/db}*{y}"},
        claims=_by_sign,
    ),
}
