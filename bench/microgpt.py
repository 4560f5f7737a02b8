"""microgpt, a transformer of 4,192 parameters: 1,000 lines learned here and in PyTorch.

    python bench/microgpt.py              # eager, and compiled where that works
    python bench/microgpt.py --steps 200

Both begin with the same weights and see the same names in the same order, one per step, so their
losses are equal up to rounding. They take turns, and the best turn of each is printed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from time import perf_counter

import numpy as np
import torch
from torch.nn import functional

from gradbook.engine.native import NativeEngine
from gradbook.lab.texts import TextLines, arrays, learning_order, usual_lines, usual_network
from gradbook.net import Net

HEADS, TURNS = 4, 5
Losses = list[float]


def weights_of(net: Net) -> dict[str, torch.Tensor]:
    """The start values by their purpose."""
    values = np.array(net.start_values()["w"])
    found = {}
    for parameter in net.parameters:
        name = f"{parameter.part or 'sums'}{parameter.layer}"
        if parameter.role == "w":
            own = values[parameter.first - 1 :][: parameter.size].reshape(parameter.shape[:2])
            found[name] = torch.tensor(own, dtype=torch.float32, requires_grad=True)
        else:
            found["places"] = torch.zeros(parameter.size, requires_grad=True)
    return found


def forward(own: dict[str, torch.Tensor], letters: torch.Tensor, rows: list[str]) -> torch.Tensor:
    """The network as one would write it in PyTorch, for the letters of one line."""
    embed, query, key, value, output, wide, narrow, say = (own[name] for name in rows)
    places = own["places"].reshape(embed.shape[0], -1)[:, : len(letters)].T
    size = (embed.shape[0],)
    x = functional.rms_norm(embed.T[letters] + places, size, eps=1e-5)
    y = functional.rms_norm(x, size, eps=1e-5)
    q, k, v = (
        (y @ w.T).reshape(len(letters), HEADS, -1).transpose(0, 1) for w in (query, key, value)
    )
    taken = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    x = x + taken.transpose(0, 1).reshape(len(letters), -1) @ output.T
    y = functional.rms_norm(x, size, eps=1e-5)
    x = x + functional.relu(y @ wide.T) @ narrow.T
    return x @ say.T


def in_torch(
    net: Net, lines: list[list[int]], run: Callable[..., torch.Tensor]
) -> tuple[float, Losses]:
    own = weights_of(net)
    rows = [name for name in own if name != "places"]
    optimizer = torch.optim.Adam(
        own.values(), lr=net.learning_rate, betas=(net.update.beta1, net.update.beta2)
    )
    losses, began = [], perf_counter()
    for step, tokens in enumerate(lines):
        for group in optimizer.param_groups:
            group["lr"] = net.learning_rate * (1 - step / len(lines))
        tokens_ = torch.tensor(tokens)
        loss = functional.cross_entropy(run(own, tokens_[:-1], rows), tokens_[1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return perf_counter() - began, losses


def here(lines: TextLines, engine: NativeEngine, steps: int) -> tuple[float, Losses]:
    start = {str(leaf.name): value for leaf, value in engine.step_graph.start.items()}
    engine.restore(start)
    rates = engine.net.learning_rate * (1 - np.arange(steps) / steps)
    began = perf_counter()
    given, wanted = arrays(learning_order(lines)[1][:steps], lines, engine.net.input[0])
    losses = engine.epoch(given, wanted, rates).losses
    return perf_counter() - began, [float(loss) for loss in losses]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--no-compile", action="store_true", help="only PyTorch's eager mode")
    asked = parser.parse_args()
    torch.set_num_threads(2)
    lines = usual_lines()
    net = usual_network(lines.tokens, 16)
    tokens = [lines.encode(line) for line in learning_order(lines)[1][: asked.steps]]
    engine = NativeEngine(net, 1, 1)
    modes: dict[str, Callable[..., torch.Tensor]] = {"eager": forward}
    if not asked.no_compile:
        modes["compiled"] = torch.compile(forward, dynamic=True)
        in_torch(net, tokens[:30], modes["compiled"])  # compiles
    best: dict[str, tuple[float, Losses]] = {}
    for _ in range(TURNS):
        turns = {"gradbook": here(lines, engine, len(tokens))}
        turns |= {mode: in_torch(net, tokens, run) for mode, run in modes.items()}
        for name, found in turns.items():
            best[name] = min(best.get(name, found), found, key=lambda it: it[0])
    seconds, losses = best["gradbook"]
    for name, (taken, own) in best.items():
        apart = max(abs(a - b) for a, b in zip(losses[:20], own[:20], strict=True))
        last = f"last 100 losses {np.mean(own[-100:]):.4f}, first 20 {apart:.1e} apart"
        print(f"{name:<10}{taken:7.3f} s  {taken / seconds:5.1f}×  {last}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
