"""Networks as people write them in PyTorch: by name, what makes the module and what it takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

DIGIT = (1, 28, 28)


def made(torch: Any, name: str) -> tuple[Any, tuple[int, ...]]:
    """The module at work, trained a little so that normalisation has seen something; its input."""
    torch.manual_seed(3)
    make, shape = ARCHITECTURES[name]
    module = make(torch)
    with torch.no_grad():
        for _ in range(3):
            module(torch.rand(8, *shape) * 2 - 0.5)
    return module.eval(), shape


def _lenet(torch: Any, bend: Any, pool: Any, padding: int, *last: Any) -> Any:
    nn = torch.nn
    wide = 400 if padding else 256
    return nn.Sequential(
        *(nn.Conv2d(1, 6, 5, padding=padding), bend(), pool(2)),
        *(nn.Conv2d(6, 16, 5), bend(), pool(2), nn.Flatten()),
        *(nn.Linear(wide, 120), bend(), nn.Dropout(), nn.Linear(120, 10), *last),
    )


def _lenet_tanh(torch: Any) -> Any:
    return _lenet(torch, torch.nn.Tanh, torch.nn.AvgPool2d, 2)


def _lenet_relu(torch: Any) -> Any:
    return _lenet(torch, torch.nn.ReLU, torch.nn.MaxPool2d, 0, torch.nn.Softmax(1))


def _normalised(torch: Any, given: int, makes: int, size: int = 3, **more: Any) -> list[Any]:
    nn = torch.nn
    conv = nn.Conv2d(given, makes, size, bias=False, **more)
    return [conv, nn.BatchNorm2d(makes), nn.ReLU()]


def _depthwise(torch: Any) -> Any:
    nn = torch.nn

    def separable(given: int, makes: int) -> list[Any]:
        own = _normalised(torch, given, given, padding=1, groups=given)
        return [*own, *_normalised(torch, given, makes, 1)]

    return nn.Sequential(
        *_normalised(torch, 1, 8, stride=2, padding=1),
        *separable(8, 16),
        nn.MaxPool2d(2),
        *separable(16, 16),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10)),
    )


def _residual(torch: Any) -> Any:
    nn = torch.nn

    class Residual(nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Sequential(*_normalised(torch, 1, 6, padding=1))
            self.inner = nn.Sequential(
                *_normalised(torch, 6, 3, 1), *_normalised(torch, 3, 6, padding=1)[:2]
            )
            self.last = nn.Linear(6, 10)

        def forward(self, x: Any) -> Any:
            x = self.first(x)
            x = torch.relu(self.inner(x) + x)
            return torch.log_softmax(self.last(x.mean((2, 3))), 1)

    return Residual()


def _dense_block(torch: Any) -> Any:
    """Each layer reads what all before it made, as in DenseNet."""
    nn = torch.nn

    class Growing(nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self, given: int, grows: int) -> None:
            super().__init__()
            self.inner = nn.Sequential(
                nn.BatchNorm2d(given), nn.ReLU(), nn.Conv2d(given, grows, 3, padding=1)
            )

        def forward(self, x: Any) -> Any:
            return torch.cat([x, self.inner(x)], 1)

    return nn.Sequential(
        *_normalised(torch, 1, 4, stride=2),
        *(Growing(4, 3), Growing(7, 3), nn.Conv2d(10, 5, 1), nn.AvgPool2d(2)),
        *(nn.Flatten(), nn.Linear(180, 10)),
    )


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


def _viewed(torch: Any) -> Any:
    nn = torch.nn

    class Viewed(nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Linear(784, 30), nn.Linear(30, 10)

        def forward(self, x: Any) -> Any:
            return self.last(nn.functional.silu(self.first(x.view(-1, 784))))

    return Viewed()


def _numbers(torch: Any) -> Any:
    nn = torch.nn
    return nn.Sequential(nn.Linear(4, 9), nn.GELU("tanh"), nn.Linear(9, 1), nn.Sigmoid())


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


def _shortcut(torch: Any) -> Any:
    """A block of ResNet's, whose shortcut has a convolution and a normalisation of its own."""
    nn = torch.nn

    class Shortcut(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Sequential(*_normalised(torch, 1, 4, stride=2))
            inner = _normalised(torch, 4, 6, stride=2, padding=1)
            self.inner = nn.Sequential(*inner, *_normalised(torch, 6, 6, padding=1)[:2])
            self.shortcut = nn.Sequential(*_normalised(torch, 4, 6, 1, stride=2)[:2])
            self.last = nn.Linear(6, 10)

        def forward(self, x: Any) -> Any:
            x = self.first(x)
            x = torch.relu(self.inner(x) + self.shortcut(x))
            return self.last(x.mean((2, 3)))

    return Shortcut()


def _fire(torch: Any) -> Any:
    """SqueezeNet's module: two convolutions of what is squeezed, side by side."""
    nn = torch.nn

    class Fire(nn.Module):
        def __init__(self, given: int, squeezed: int, wide: int) -> None:
            super().__init__()
            self.squeeze = nn.Conv2d(given, squeezed, 1)
            self.one = nn.Conv2d(squeezed, wide, 1)
            self.three = nn.Conv2d(squeezed, wide, 3, padding=1)

        def forward(self, x: Any) -> Any:
            x = torch.relu(self.squeeze(x))
            return torch.cat([torch.relu(self.one(x)), torch.relu(self.three(x))], 1)

    return nn.Sequential(
        *(nn.Conv2d(1, 6, 3, stride=2), nn.ReLU(), Fire(6, 2, 3), nn.MaxPool2d(3, 2)),
        *(Fire(6, 3, 4), nn.Conv2d(8, 10, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    )


def _inception(torch: Any) -> Any:
    """Four branches of a map, one of which parts once more; called turn and turn about."""
    nn = torch.nn

    class Inception(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Sequential(*_normalised(torch, 1, 4, stride=3))
            self.one = nn.Conv2d(4, 3, 1)
            self.two, self.tall, self.wide = (
                nn.Conv2d(4, 2, 1),
                nn.Conv2d(2, 2, (3, 1), padding=(1, 0)),
                nn.Conv2d(2, 3, (1, 3), padding=(0, 1)),
            )
            self.three = nn.Sequential(*_normalised(torch, 4, 2, 1))
            self.five = nn.Sequential(*_normalised(torch, 2, 3, 5, padding=2))
            self.pooled = nn.Conv2d(4, 2, 1)
            self.last = nn.Linear(13, 10)

        def forward(self, x: Any) -> Any:
            x = self.first(x)
            one, two, three = self.one(x), self.two(x), self.three(x)
            pooled = nn.functional.max_pool2d(x, 3, 1, 1)
            two, three = torch.cat([self.tall(two), self.wide(two)], 1), self.five(three)
            x = torch.cat([torch.tanh(one), torch.tanh(two), three, self.pooled(pooled)], 1)
            return self.last(x.mean((2, 3)))

    return Inception()


ARCHITECTURES: dict[str, tuple[Callable[[Any], Any], tuple[int, ...]]] = {
    "LeNet-5 with tanh": (_lenet_tanh, DIGIT),
    "LeNet-5 with ReLU": (_lenet_relu, DIGIT),
    "depthwise": (_depthwise, DIGIT),
    "residual": (_residual, DIGIT),
    "dense block": (_dense_block, DIGIT),
    "normalised by itself": (_normalised_alone, DIGIT),
    "normalised place by place": (_places_normalised, DIGIT),
    "MLP of a viewed image": (_viewed, DIGIT),
    "MLP of numbers": (_numbers, (4,)),
    "normalised last": (_normalised_last, (3, 8, 8)),
    "wide pools": (_wide_pool, DIGIT),
    "dilated": (_dilated, DIGIT),
    "padded": (_padded, DIGIT),
    "bent": (_bent, DIGIT),
    "sloped": (_sloped, DIGIT),
    "applied again": (_applied_again, DIGIT),
    "ResNet's shortcut": (_shortcut, DIGIT),
    "SqueezeNet's fire": (_fire, DIGIT),
    "Inception's block": (_inception, DIGIT),
}
