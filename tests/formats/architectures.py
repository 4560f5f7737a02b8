"""Networks of PyTorch that have what none of the wide list has: what makes each, what it takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

DIGIT = (1, 28, 28)


def _normalised_alone(torch: Any) -> Any:
    """Each image by itself: by groups, channels and layers."""
    nn = torch.nn
    return nn.Sequential(
        *(nn.Conv2d(1, 6, 3, stride=2), nn.GroupNorm(3, 6), nn.ReLU()),
        *(nn.Conv2d(6, 4, 3, stride=2), nn.InstanceNorm2d(4, affine=True), nn.ReLU()),
        *(nn.LayerNorm([4, 6, 6]), nn.AvgPool2d(2), nn.Flatten(), nn.LayerNorm(36)),
        nn.Linear(36, 10),
    )


def _places_normalised(torch: Any) -> Any:
    """Channels last for a while, as in ConvNeXt."""
    nn = torch.nn

    class Last(nn.LayerNorm):  # type: ignore[name-defined, misc]
        def forward(self, x: Any) -> Any:
            return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)

    class Block(nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self, channels: int) -> None:
            super().__init__()
            self.depthwise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
            self.norm = nn.LayerNorm(channels, eps=1e-6)
            self.wide, self.narrow = nn.Linear(channels, 9), nn.Linear(9, channels)

        def forward(self, x: Any) -> Any:
            inner = self.norm(self.depthwise(x).movedim(1, -1))
            inner = self.narrow(nn.functional.gelu(self.wide(inner)))
            return x + inner.permute(0, 3, 1, 2)

    return nn.Sequential(
        *(nn.Conv2d(1, 6, 4, stride=4), Last(6, eps=1e-6), Block(6), Last(6)),
        *(nn.Conv2d(6, 8, 2, stride=2), Block(8), nn.AdaptiveAvgPool2d(1), Last(8)),
        *(nn.Flatten(), nn.Linear(8, 10)),
    )


def _normalised_last(torch: Any) -> Any:
    nn = torch.nn
    return nn.Sequential(
        *(nn.Conv2d(3, 4, 3), nn.LeakyReLU(0.2), nn.BatchNorm2d(4), nn.Flatten()),
        *(nn.Linear(144, 5), nn.BatchNorm1d(5), nn.Softplus(), nn.Linear(5, 3)),
    )


def _wide_pool(torch: Any) -> Any:
    nn = torch.nn
    return nn.Sequential(
        *(nn.Conv2d(1, 4, (3, 5)), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Conv2d(4, 10, 3)),
        *(nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.LogSoftmax(1)),
    )


def _dilated(torch: Any) -> Any:
    nn = torch.nn
    return nn.Sequential(
        *(nn.Conv2d(1, 4, 3, padding=2, dilation=2), nn.ReLU()),
        *(nn.Conv2d(4, 4, (3, 5), (2, 1), (1, 0), (1, 2)), nn.ReLU(), nn.MaxPool2d((2, 3))),
        *(nn.MaxPool2d(2, 1, dilation=2), nn.AvgPool2d((3, 1), (1, 2)), nn.Flatten()),
        nn.LazyLinear(10),
    )


def _padded(torch: Any) -> Any:
    """ResNet's stem, and pools as Inception and SqueezeNet have them."""
    nn = torch.nn
    uneven = [nn.ZeroPad2d((1, 0, 2, 1)), nn.Conv2d(8, 10, 3), nn.MaxPool2d(2, ceil_mode=True)]
    return nn.Sequential(
        *(nn.Conv2d(1, 6, 7, 2, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(3, 2, 1)),
        *(nn.Conv2d(6, 8, (3, 1), padding="same"), nn.Tanh(), nn.AvgPool2d(3, 1, 1)),
        *(nn.AvgPool2d(2, ceil_mode=True, count_include_pad=False), *uneven, nn.Flatten()),
        nn.LazyLinear(10),
    )


def _applied_again(torch: Any) -> Any:
    """One convolution with its normalisation three times, one linear layer twice."""
    nn = torch.nn

    class Again(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.again = nn.Conv2d(1, 6, 5, 2), nn.Conv2d(6, 6, 3)
            self.norm, self.line, self.last = nn.BatchNorm2d(6), nn.Linear(6, 6), nn.Linear(6, 10)

        def forward(self, x: Any) -> Any:
            x = self.first(x).relu()
            for _ in range(3):
                x = self.norm(self.again(x)).relu()
            x = torch.nn.functional.adaptive_avg_pool2d(x, 1).flatten(1)
            return self.last(torch.tanh(self.line(torch.tanh(self.line(x)))))

    return Again()


def _bent(torch: Any) -> Any:
    """Each activation that mobile networks and transformers have."""
    nn = torch.nn
    return nn.Sequential(
        *(nn.Conv2d(1, 6, 5, 3), nn.ReLU6(), nn.Conv2d(6, 8, 3, 2), nn.Hardswish(), nn.Flatten()),
        *(nn.LazyLinear(12), nn.GELU(), nn.Linear(12, 12), nn.ELU(), nn.Linear(12, 10)),
    )


def _sloped(torch: Any) -> Any:
    """Slopes that were learned: one for all, one for each channel, one for each value."""
    nn = torch.nn
    return nn.Sequential(
        *(nn.Conv2d(1, 6, 5, 3), nn.PReLU(), nn.Conv2d(6, 8, 3, 2), nn.PReLU(8, 0.4)),
        *(nn.Flatten(), nn.LazyLinear(12), nn.PReLU(12, -0.1), nn.Linear(12, 10)),
    )


ODD: dict[str, tuple[Callable[[Any], Any], tuple[int, ...]]] = {
    "normalised by itself": (_normalised_alone, DIGIT),
    "normalised place by place": (_places_normalised, DIGIT),
    "normalised last": (_normalised_last, (3, 8, 8)),
    "wide pools": (_wide_pool, DIGIT),
    "dilated": (_dilated, DIGIT),
    "padded": (_padded, DIGIT),
    "bent": (_bent, DIGIT),
    "sloped": (_sloped, DIGIT),
    "applied again": (_applied_again, DIGIT),
}


def made(torch: Any, name: str) -> tuple[Any, tuple[int, ...]]:
    """One of these or of the wide list, after normalisation has seen something; its input."""
    from tests.formats.wide.listed import ARCHITECTURES

    torch.manual_seed(3)
    if name in ODD:
        make, shape = ODD[name]
        module = make(torch)
    else:
        module, shape = ARCHITECTURES[name].make(), ARCHITECTURES[name].shape
    with torch.no_grad():
        for _ in range(3):
            module(torch.rand(8, *shape) * 2 - 0.5)
    return module.eval(), shape
