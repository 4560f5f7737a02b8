"""Small modules in many styles, by functions, by modules, by views and by hand, each with an
example of its input: what people write that no well-known architecture has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - everybody's name for it

Forward = Callable[[Any, torch.Tensor], torch.Tensor]


class Written(nn.Module):
    """The forward function of a style, with its parts."""

    def __init__(self, forward: Forward, **parts: Any):
        super().__init__()
        self.run = forward
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x):
        return self.run(self, x)


@dataclass(frozen=True)
class Style:
    make: Callable[[], nn.Module]
    shape: tuple[int, ...]
    tokens: int = 0


def written(forward: Forward, **parts: Callable[[], Any]) -> Callable[[], nn.Module]:
    return lambda: Written(forward, **{name: make() for name, make in parts.items()})


ROW, IMAGE, WAVE, WORD = (6,), (2, 6, 6), (7, 3), (6,)


def lin(given: int, makes: int, **more: Any) -> Callable[[], nn.Module]:
    return lambda: nn.Linear(given, makes, **more)


def conv(given: int, makes: int, size: int = 3, **more: Any) -> Callable[[], nn.Module]:
    return lambda: nn.Conv2d(given, makes, size, **more)


def number(*shape: int) -> Callable[[], nn.Parameter]:
    return lambda: nn.Parameter(torch.randn(*shape))


def _highway(m, x):
    t = torch.sigmoid(m.gate(x))
    return m.out(t * torch.tanh(m.new(x)) + (1 - t) * x)


def _masked(m, x):
    """A causal mask that is built in forward."""
    q, k, v = m.q(x), m.k(x), m.v(x)
    att = q @ k.transpose(1, 2) / 4**0.5
    mask = torch.tril(torch.ones_like(att))
    att = att.masked_fill(mask == 0, float("-inf"))
    return m.out((att.softmax(-1) @ v)[:, -1])


def _unflattened(m, x):
    x = F.relu(m.up(x)).view(-1, 4, 3, 3)
    return m.last(F.interpolate(x, scale_factor=2))


def _einsum(m, x):
    return m.out(torch.einsum("nf,hf->nh", x, m.weight).abs())


def _spatial_gate(m, x):
    x = m.first(x)
    return m.out((x * torch.sigmoid(m.gate(x))).flatten(1))


def _windows(m, x):
    """Patches by views and a permutation, without a convolution."""
    n = x.shape[0]
    x = x.reshape(n, 2, 3, 2, 3, 2).permute(0, 2, 4, 1, 3, 5).reshape(n, 9, 8)
    return m.out(F.gelu(m.embed(x)).mean(1))


def _steps_of_two(m, x):
    return m.out(F.relu(m.first(x[:, ::2])).flatten(1))


STYLES: dict[str, Style] = {
    "h - f(h)": Style(
        written(
            lambda m, x: m.out((h := m.first(x)) - torch.tanh(m.inner(h))),
            first=lin(6, 5),
            inner=lin(5, 5),
            out=lin(5, 2),
        ),
        ROW,
    ),
    "highway": Style(written(_highway, gate=lin(6, 6), new=lin(6, 6), out=lin(6, 2)), ROW),
    "slices of maps": Style(
        written(
            lambda m, x: m.second((h := F.relu(m.first(x)))[:, 1:4] * h[:, 4:]).flatten(1),
            first=conv(2, 7),
            second=conv(3, 1, 4),
        ),
        IMAGE,
    ),
    "chunked gate": Style(
        written(
            lambda m, x: m.out(
                torch.mul(
                    *[
                        f(p)
                        for f, p in zip(
                            (torch.tanh, torch.sigmoid), m.first(x).chunk(2, 1), strict=True
                        )
                    ]
                )
            ),
            first=lin(6, 8),
            out=lin(4, 2),
        ),
        ROW,
    ),
    "GLU of maps": Style(
        lambda: nn.Sequential(nn.Conv2d(2, 6, 3), nn.GLU(1), nn.Flatten(), nn.Linear(48, 2)), IMAGE
    ),
    "SwiGLU": Style(
        written(
            lambda m, x: m.down(F.silu(m.gate(x)) * m.up(x))[:, -1],
            gate=lin(3, 5),
            up=lin(3, 5),
            down=lin(5, 2),
        ),
        WAVE,
    ),
    "nn.ChannelShuffle": Style(
        lambda: nn.Sequential(
            nn.Conv2d(2, 6, 3),
            nn.ChannelShuffle(3),
            nn.Conv2d(6, 4, 1, groups=2),
            nn.Flatten(),
            nn.Linear(64, 2),
        ),
        IMAGE,
    ),
    "space to depth": Style(
        lambda: nn.Sequential(
            nn.Conv2d(2, 2, 1), nn.PixelUnshuffle(2), nn.Conv2d(8, 1, 3), nn.Flatten()
        ),
        IMAGE,
    ),
    "flipped": Style(
        written(
            lambda m, x: m.out(torch.flip(m.first(x), dims=[3]).flatten(1)),
            first=conv(2, 2),
            out=lin(32, 2),
        ),
        IMAGE,
    ),
    "rolled": Style(
        written(
            lambda m, x: m.second(torch.roll(m.first(x), shifts=(1, -1), dims=(2, 3))).flatten(1),
            first=conv(2, 2),
            second=conv(2, 1),
        ),
        IMAGE,
    ),
    "cropped": Style(
        written(
            lambda m, x: m.second(m.first(x)[:, :, 1:-1, 1:]).flatten(1),
            first=conv(2, 3, padding=1),
            second=conv(3, 1),
        ),
        IMAGE,
    ),
    "reflecting pad": Style(
        lambda: nn.Sequential(
            nn.Conv2d(2, 3, 1),
            nn.ReflectionPad2d(2),
            nn.Conv2d(3, 2, 3),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(128, 2),
        ),
        IMAGE,
    ),
    "replicating pad": Style(
        lambda: nn.Sequential(
            nn.Conv2d(2, 3, 1), nn.ReplicationPad2d((1, 0, 2, 1)), nn.Conv2d(3, 2, 3), nn.Flatten()
        ),
        IMAGE,
    ),
    "circular convolution": Style(
        lambda: nn.Sequential(
            nn.Conv2d(2, 2, 1),
            nn.Conv2d(2, 3, 3, padding=1, padding_mode="circular"),
            nn.Flatten(),
            nn.Linear(108, 2),
        ),
        IMAGE,
    ),
    "padded and added": Style(
        written(
            lambda m, x: m.out((F.pad(m.first(x), (1, 1, 1, 1)) + m.skip(x)).flatten(1)),
            first=conv(2, 2),
            skip=conv(2, 2, 1),
            out=lin(72, 2),
        ),
        IMAGE,
    ),
    "channels padded": Style(
        written(
            lambda m, x: m.out((m.wide(x) + F.pad(m.thin(x), (0, 0, 0, 0, 1, 1))).flatten(1)),
            wide=conv(2, 4),
            thin=conv(2, 2),
            out=lin(64, 2),
        ),
        IMAGE,
    ),
    "SELU": Style(
        lambda: nn.Sequential(nn.Linear(6, 5), nn.SELU(), nn.AlphaDropout(0.1), nn.Linear(5, 2)),
        ROW,
    ),
    "CELU": Style(lambda: nn.Sequential(nn.Linear(6, 5), nn.CELU(0.5), nn.Linear(5, 2)), ROW),
    "clips": Style(
        written(
            lambda m, x: m.out(torch.clamp(F.hardtanh(m.first(x)) * 2, min=-0.5)),
            first=lin(6, 5),
            out=lin(5, 2),
        ),
        ROW,
    ),
    "log sigmoid": Style(
        written(lambda m, x: m.out(F.logsigmoid(m.first(x))), first=lin(6, 5), out=lin(5, 2)), ROW
    ),
    "tanhshrink": Style(
        lambda: nn.Sequential(nn.Linear(6, 5), nn.Tanhshrink(), nn.Linear(5, 2)), ROW
    ),
    "causal mask in forward": Style(
        written(_masked, q=lin(3, 3), k=lin(3, 3), v=lin(3, 3), out=lin(3, 2)), WAVE
    ),
    "GRU both ways, two layers": Style(
        written(
            lambda m, x: m.out(m.rnn(x)[0][:, -1]),
            out=lin(8, 2),
            rnn=lambda: nn.GRU(3, 4, 2, batch_first=True, bidirectional=True),
        ),
        WAVE,
    ),
    "middle steps": Style(
        written(
            lambda m, x: m.out(m.rnn(m.first(x)[:, 2:5])[1][0]),
            first=lin(3, 4),
            rnn=lambda: nn.GRU(4, 3, batch_first=True),
            out=lin(3, 2),
        ),
        WAVE,
    ),
    "every second step": Style(written(_steps_of_two, first=lin(3, 4), out=lin(16, 2)), WAVE),
    "steps joined": Style(
        written(
            lambda m, x: m.out(torch.cat((m.one(x[:, :3]), m.two(x[:, 2:])), 1).amax(1)),
            one=lin(3, 4),
            two=lin(3, 4),
            out=lin(4, 2),
        ),
        WAVE,
    ),
    "mean over features": Style(
        written(lambda m, x: m.out(F.relu(m.first(x)).mean(-1)), first=lin(3, 5), out=lin(7, 2)),
        WAVE,
    ),
    "decoder": Style(written(_unflattened, up=lin(6, 36), last=conv(4, 1)), ROW),
    "einsum": Style(written(_einsum, weight=number(5, 6), out=lin(5, 2)), ROW),
    "one map gates all": Style(
        written(_spatial_gate, first=conv(2, 3), gate=conv(3, 1, 1), out=lin(48, 2)), IMAGE
    ),
    "patches by views": Style(written(_windows, embed=lin(8, 5), out=lin(5, 2)), IMAGE),
    "shifted maps": Style(
        written(
            lambda m, x: m.out((m.first(x) + torch.roll(m.first(x), 1, 1)).mean((2, 3))),
            first=conv(2, 4),
            out=lin(4, 2),
        ),
        IMAGE,
    ),
    "negative slope": Style(
        written(
            lambda m, x: m.out(-F.leaky_relu(-m.first(x), 0.2) + 1), first=lin(6, 5), out=lin(5, 2)
        ),
        ROW,
    ),
    "rows as channels": Style(
        written(
            lambda m, x: m.second(m.first(x).permute(0, 2, 1, 3)).flatten(1),
            first=conv(2, 3),
            second=conv(4, 2, 3),
        ),
        IMAGE,
    ),
    "softmax over channels": Style(
        written(
            lambda m, x: m.out(F.softmax(m.first(x), dim=1).flatten(2).mean(2)),
            first=conv(2, 4),
            out=lin(4, 2),
        ),
        IMAGE,
    ),
    "a mean beside": Style(
        written(
            lambda m, x: m.out(torch.stack([m.one(x), m.two(x)], dim=1).mean(1)),
            one=lin(6, 4),
            two=lin(6, 4),
            out=lin(4, 2),
        ),
        ROW,
    ),
    "more steps cut off than padded": Style(
        written(
            lambda m, x: m.out(m.two(m.one(x.transpose(1, 2))[..., :-2])[..., :-1].flatten(1)),
            one=lambda: nn.Conv1d(3, 3, 3, padding=1),
            two=lambda: nn.Conv1d(3, 2, 3, stride=2, padding=1),
            out=lin(4, 2),
        ),
        WAVE,
    ),
}
