"""Small versions of well-known networks of images, as a person writes them in PyTorch."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - everybody's name for it


def normed(given: int, makes: int, size: int = 3, act: type | None = nn.ReLU, **more: int):
    """A convolution with its normalisation, and an activation unless there is none."""
    more.setdefault("padding", size // 2)
    conv = nn.Conv2d(given, makes, size, bias=False, **more)
    return nn.Sequential(conv, nn.BatchNorm2d(makes), *([act()] if act else []))


def pooled(channels: int, classes: int = 10) -> list[nn.Module]:
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes)]


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = F.avg_pool2d(torch.tanh(self.conv1(x)), 2)
        x = F.avg_pool2d(torch.tanh(self.conv2(x)), 2)
        x = torch.flatten(x, 1)
        return self.fc3(torch.tanh(self.fc2(torch.tanh(self.fc1(x)))))


class AlexNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            *(nn.Conv2d(3, 8, 5, stride=2, padding=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2)),
            *(nn.Conv2d(8, 12, 3, padding=1), nn.ReLU(inplace=True)),
            *(nn.Conv2d(12, 8, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2)),
        )
        self.avgpool = nn.AdaptiveAvgPool2d(3)
        self.classifier = nn.Sequential(
            *(nn.Dropout(), nn.Linear(72, 32), nn.ReLU(inplace=True)),
            *(nn.Dropout(), nn.Linear(32, 10)),
        )

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


def vgg() -> nn.Module:
    layers: list[nn.Module] = []
    channels = 3
    for width in (6, "M", 8, 8, "M", 10, 10, "M"):
        if width == "M":
            layers.append(nn.MaxPool2d(2, 2))
        else:
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
            channels = width
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(160, 10))


class BasicBlock(nn.Module):
    def __init__(self, given, makes, stride=1):
        super().__init__()
        self.first = normed(given, makes, stride=stride)
        self.second = normed(makes, makes, act=None)
        self.shortcut = nn.Identity()
        if stride != 1 or given != makes:
            self.shortcut = normed(given, makes, 1, None, stride=stride)

    def forward(self, x):
        return F.relu(self.second(self.first(x)) + self.shortcut(x))


def resnet() -> nn.Module:
    blocks = [BasicBlock(6, 6), BasicBlock(6, 8, 2)]
    return nn.Sequential(normed(3, 6), nn.MaxPool2d(3, 2, 1), *blocks, *pooled(8))


class Bottleneck(nn.Module):
    """With groups in its middle it is ResNeXt's."""

    def __init__(self, wide, narrow, groups=1):
        super().__init__()
        self.body = nn.Sequential(
            normed(wide, narrow, 1),
            normed(narrow, narrow, groups=groups),
            normed(narrow, wide, 1, None),
        )

    def forward(self, x):
        out = self.body(x)
        out += x
        return F.relu(out)


def resnext() -> nn.Module:
    return nn.Sequential(normed(3, 8, stride=2), Bottleneck(8, 6, 3), *pooled(8))


class DenseLayer(nn.Module):
    def __init__(self, given, grows):
        super().__init__()
        self.body = nn.Sequential(
            *(nn.BatchNorm2d(given), nn.ReLU(), nn.Conv2d(given, 8, 1, bias=False)),
            *(nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, grows, 3, padding=1, bias=False)),
        )

    def forward(self, x):
        return torch.cat([x, self.body(x)], 1)


def densenet() -> nn.Module:
    transition = [nn.BatchNorm2d(12), nn.ReLU(), nn.Conv2d(12, 6, 1), nn.AvgPool2d(2)]
    block = [DenseLayer(6, 3), DenseLayer(9, 3)]
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, 2, 1), *block, *transition, DenseLayer(6, 3), *pooled(9)
    )


class Inception(nn.Module):
    def __init__(self, given):
        super().__init__()
        self.branch1 = normed(given, 3, 1)
        self.branch3 = nn.Sequential(normed(given, 2, 1), normed(2, 4))
        self.branch5 = nn.Sequential(normed(given, 2, 1), normed(2, 3, 5))
        self.pool = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), normed(given, 2, 1))

    def forward(self, x):
        branches = [self.branch1(x), self.branch3(x), self.branch5(x), self.pool(x)]
        return torch.cat(branches, dim=1)


def googlenet() -> nn.Module:
    return nn.Sequential(
        *(normed(3, 6, stride=2), Inception(6), nn.MaxPool2d(3, 2, padding=1), Inception(12)),
        *(nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(), nn.Dropout(0.4), nn.Linear(12, 10)),
    )


class Fire(nn.Module):
    def __init__(self, given, squeezed, wide):
        super().__init__()
        self.squeeze = nn.Conv2d(given, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, wide, 1)
        self.expand3x3 = nn.Conv2d(squeezed, wide, 3, padding=1)
        self.act = nn.ReLU(inplace=True)

    def forward(self, x):
        x = self.act(self.squeeze(x))
        return torch.cat([self.act(self.expand1x1(x)), self.act(self.expand3x3(x))], 1)


def squeezenet() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(3, 8, 3, stride=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, ceil_mode=True)),
        *(Fire(8, 3, 4), Fire(8, 3, 5), nn.Dropout(0.5), nn.Conv2d(10, 10, 1)),
        *(nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten()),
    )


def separable(given, makes, stride=1, act=nn.ReLU) -> list[nn.Module]:
    return [normed(given, given, 3, act, stride=stride, groups=given), normed(given, makes, 1, act)]


def mobilenet_v1() -> nn.Module:
    return nn.Sequential(
        normed(3, 6, stride=2), *separable(6, 8), *separable(8, 12, 2), *pooled(12)
    )


class InvertedResidual(nn.Module):
    def __init__(self, given, makes, stride, wider, act=nn.ReLU6, squeeze: nn.Module | None = None):
        super().__init__()
        inner = given * wider
        self.conv = nn.Sequential(
            normed(given, inner, 1, act),
            normed(inner, inner, 3, act, stride=stride, groups=inner),
            squeeze or nn.Identity(),
            normed(inner, makes, 1, None),
        )
        self.shortcut = stride == 1 and given == makes

    def forward(self, x):
        return x + self.conv(x) if self.shortcut else self.conv(x)


def mobilenet_v2() -> nn.Module:
    blocks = [InvertedResidual(6, 6, 1, 2), InvertedResidual(6, 8, 2, 3)]
    return nn.Sequential(normed(3, 6, 3, nn.ReLU6, stride=2), *blocks, *pooled(8))


class SqueezeExcite(nn.Module):
    """What each channel's mean says of how much of the channel goes on."""

    def __init__(self, channels, narrow, act=nn.SiLU, gate=nn.Sigmoid):
        super().__init__()
        self.fc1, self.fc2 = nn.Conv2d(channels, narrow, 1), nn.Conv2d(narrow, channels, 1)
        self.act, self.gate = act(), gate()

    def forward(self, x):
        scale = F.adaptive_avg_pool2d(x, 1)
        return x * self.gate(self.fc2(self.act(self.fc1(scale))))


def mobilenet_v3() -> nn.Module:
    squeeze = SqueezeExcite(12, 4, nn.ReLU, nn.Hardsigmoid)
    blocks = [InvertedResidual(6, 6, 1, 2, nn.Hardswish, squeeze)]
    return nn.Sequential(normed(3, 6, 3, nn.Hardswish, stride=2), *blocks, *pooled(6))


def efficientnet() -> nn.Module:
    blocks = [InvertedResidual(6, 6, 1, 2, nn.SiLU, SqueezeExcite(12, 3))]
    return nn.Sequential(normed(3, 6, 3, nn.SiLU, stride=2), *blocks, *pooled(6))


class SEBlock(nn.Module):
    """Squeeze and excitation as its paper has it, by linear layers."""

    def __init__(self, channels, narrow):
        super().__init__()
        self.fc = nn.Sequential(
            *(nn.Linear(channels, narrow), nn.ReLU(), nn.Linear(narrow, channels), nn.Sigmoid()),
        )

    def forward(self, x):
        n, c, _, _ = x.size()
        return x * self.fc(x.mean((2, 3))).view(n, c, 1, 1)


def se_net() -> nn.Module:
    return nn.Sequential(normed(3, 8, stride=2), SEBlock(8, 3), normed(8, 8), *pooled(8))


class Shuffled(nn.Module):
    def __init__(self, channels, groups):
        super().__init__()
        self.groups = groups
        self.first = normed(channels, channels, 1, groups=groups)
        self.depthwise = normed(channels, channels, 3, None, groups=channels)
        self.last = normed(channels, channels, 1, None, groups=groups)

    def forward(self, x):
        out = self.first(x)
        n, c, h, w = out.shape
        out = out.view(n, self.groups, c // self.groups, h, w).transpose(1, 2).reshape(n, c, h, w)
        return F.relu(x + self.last(self.depthwise(out)))


def shufflenet() -> nn.Module:
    return nn.Sequential(normed(3, 6, stride=2), Shuffled(6, 3), *pooled(6))


def ds_cnn() -> nn.Module:
    """Keyword spotting of spectrograms."""
    return nn.Sequential(
        *(nn.Conv2d(1, 8, (10, 4), stride=(2, 2), padding=(5, 1)), nn.BatchNorm2d(8), nn.ReLU()),
        *(nn.Dropout(0.2), *separable(8, 8), *separable(8, 8), nn.AvgPool2d((25, 5))),
        *(nn.Flatten(), nn.Linear(8, 12)),
    )


class XceptionBlock(nn.Module):
    def __init__(self, given, makes):
        super().__init__()
        self.body = nn.Sequential(
            *(nn.ReLU(), *separable(given, makes, act=None), nn.MaxPool2d(3, 2, 1)),
        )
        self.skip = normed(given, makes, 1, None, stride=2)

    def forward(self, x):
        return self.body(x) + self.skip(x)


def xception() -> nn.Module:
    return nn.Sequential(normed(3, 6), XceptionBlock(6, 8), nn.ReLU(), *pooled(8))


class LayerNorm2d(nn.LayerNorm):
    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ConvNextBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.dwconv = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=1e-6)
        self.pwconv1 = nn.Linear(channels, 4 * channels)
        self.pwconv2 = nn.Linear(4 * channels, channels)
        self.gamma = nn.Parameter(0.5 * torch.ones(channels))

    def forward(self, x):
        out = self.norm(self.dwconv(x).permute(0, 2, 3, 1))
        out = self.gamma * self.pwconv2(F.gelu(self.pwconv1(out)))
        return x + out.permute(0, 3, 1, 2)


def convnext() -> nn.Module:
    stem = [nn.Conv2d(3, 6, 4, stride=4), LayerNorm2d(6, eps=1e-6)]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LayerNorm(6, eps=1e-6), nn.Linear(6, 10)]
    return nn.Sequential(*stem, ConvNextBlock(6), *head)


class DoubleConv(nn.Sequential):
    def __init__(self, given, makes):
        super().__init__(normed(given, makes), normed(makes, makes))


class UNet(nn.Module):
    """By transposed convolutions, or by maps made larger and then convolved."""

    def __init__(self, transposed: bool):
        super().__init__()
        self.down1, self.down2, self.bottom = DoubleConv(1, 4), DoubleConv(4, 6), DoubleConv(6, 8)
        self.pool = nn.MaxPool2d(2)
        if transposed:
            self.up2, self.up1 = nn.ConvTranspose2d(8, 6, 2, 2), nn.ConvTranspose2d(6, 4, 2, 2)
        else:
            self.up2, self.up1 = (
                nn.Sequential(nn.Upsample(scale_factor=2, mode="nearest"), nn.Conv2d(a, b, 1))
                for a, b in ((8, 6), (6, 4))
            )
        self.conv2, self.conv1, self.last = DoubleConv(12, 6), DoubleConv(8, 4), nn.Conv2d(4, 1, 1)

    def forward(self, x):
        first = self.down1(x)
        second = self.down2(self.pool(first))
        x = self.bottom(self.pool(second))
        x = self.conv2(torch.cat([self.up2(x), second], dim=1))
        x = self.conv1(torch.cat([self.up1(x), first], dim=1))
        return torch.sigmoid(self.last(x))


def convolutional_autoencoder() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.ReLU()),
        *(nn.Conv2d(4, 8, 3, stride=2, padding=1), nn.ReLU()),
        *(nn.ConvTranspose2d(8, 4, 3, stride=2, padding=1, output_padding=1), nn.ReLU()),
        *(nn.ConvTranspose2d(4, 1, 3, stride=2, padding=1, output_padding=1), nn.Sigmoid()),
    )


def autoencoder() -> nn.Module:
    return nn.Sequential(
        *(nn.Flatten(), nn.Linear(784, 24), nn.ReLU(), nn.Linear(24, 6), nn.ReLU()),
        *(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 784), nn.Sigmoid()),
    )


class ImageMlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(784, 32), nn.Linear(32, 32), nn.Linear(32, 10)])
        self.norm = nn.BatchNorm1d(32)

    def forward(self, x):
        x = x.view(x.size(0), -1)
        x = F.relu(self.norm(self.layers[0](x)))
        return F.log_softmax(self.layers[2](F.relu(self.layers[1](x))), dim=-1)


def number_mlp() -> nn.Module:
    return nn.Sequential(
        *(nn.Linear(6, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 16), nn.ReLU()),
        nn.Linear(16, 1),
    )


class PatchEmbedding(nn.Module):
    def __init__(self, channels, patch, dim):
        super().__init__()
        self.proj = nn.Conv2d(channels, dim, patch, stride=patch)

    def forward(self, x):
        return self.proj(x).flatten(2).transpose(1, 2)


class Mixer(nn.Module):
    def __init__(self, tokens, dim):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.tokens = nn.Sequential(nn.Linear(tokens, 8), nn.GELU(), nn.Linear(8, tokens))
        self.channels = nn.Sequential(nn.Linear(dim, 16), nn.GELU(), nn.Linear(16, dim))

    def forward(self, x):
        x = x + self.tokens(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.channels(self.norm2(x))


class MlpMixer(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = PatchEmbedding(1, 7, 8)
        self.blocks = nn.Sequential(Mixer(16, 8), Mixer(16, 8))
        self.norm, self.head = nn.LayerNorm(8), nn.Linear(8, 10)

    def forward(self, x):
        return self.head(self.norm(self.blocks(self.embed(x))).mean(dim=1))
