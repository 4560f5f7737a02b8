"""Small versions of well-known networks of sequences, as a person writes them in PyTorch."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - everybody's name for it

from tests.formats.wide.images import PatchEmbedding

LETTERS = 11


class Recurrent(nn.Module):
    """By its last state, or by those at all steps; pictures row by row."""

    def __init__(self, kind, features, width, *, classes=4, every=False, **more):
        super().__init__()
        self.rnn = kind(features, width, batch_first=True, **more)
        self.every = every
        self.fc = nn.Linear(width * (1 + more.get("bidirectional", False)), classes)

    def forward(self, x):
        out, _ = self.rnn(x)
        return self.fc(out if self.every else out[:, -1, :])


class FinalState(nn.Module):
    """By the state that the module gives beside its outputs."""

    def __init__(self):
        super().__init__()
        self.lstm, self.fc = nn.LSTM(3, 6, num_layers=2, batch_first=True), nn.Linear(6, 4)

    def forward(self, x):
        _, (state, _) = self.lstm(x)
        return self.fc(state[-1])


class MeanOfStates(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru, self.fc = nn.GRU(3, 6, batch_first=True), nn.Linear(6, 4)

    def forward(self, x):
        return self.fc(self.gru(x)[0].mean(dim=1))


class CnnLstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv1d(3, 6, 3, padding=1), nn.ReLU(), nn.MaxPool1d(2))
        self.lstm, self.fc = nn.LSTM(6, 5, batch_first=True), nn.Linear(5, 4)

    def forward(self, x):
        x = self.conv(x.permute(0, 2, 1)).permute(0, 2, 1)
        out, _ = self.lstm(x)
        return self.fc(out[:, -1])


def keyword_spotting() -> nn.Module:
    """M5: convolutions over the sound itself."""
    return nn.Sequential(
        *(nn.Conv1d(1, 6, 8, stride=2), nn.BatchNorm1d(6), nn.ReLU(), nn.MaxPool1d(2)),
        *(nn.Conv1d(6, 8, 3), nn.BatchNorm1d(8), nn.ReLU(), nn.MaxPool1d(2)),
        *(nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(8, 5), nn.LogSoftmax(dim=-1)),
    )


class CausalBlock(nn.Module):
    def __init__(self, given, makes, dilation):
        super().__init__()
        self.pad = 2 * dilation
        self.conv1 = nn.Conv1d(given, makes, 3, padding=self.pad, dilation=dilation)
        self.conv2 = nn.Conv1d(makes, makes, 3, padding=self.pad, dilation=dilation)
        self.skip = nn.Conv1d(given, makes, 1) if given != makes else nn.Identity()

    def forward(self, x):
        out = F.relu(self.conv1(x)[:, :, : -self.pad])
        out = F.relu(self.conv2(out)[:, :, : -self.pad])
        return F.relu(out + self.skip(x))


class Tcn(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(CausalBlock(3, 6, 1), CausalBlock(6, 6, 2))
        self.fc = nn.Linear(6, 4)

    def forward(self, x):
        return self.fc(self.body(x.transpose(1, 2))[:, :, -1])


class GatedBlock(nn.Module):
    def __init__(self, channels, dilation):
        super().__init__()
        self.pad = dilation
        self.filter = nn.Conv1d(channels, channels, 2, dilation=dilation)
        self.gate = nn.Conv1d(channels, channels, 2, dilation=dilation)
        self.mix = nn.Conv1d(channels, channels, 1)

    def forward(self, x):
        padded = F.pad(x, (self.pad, 0))
        return x + self.mix(torch.tanh(self.filter(padded)) * torch.sigmoid(self.gate(padded)))


class WaveNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv1d(1, 4, 1)
        self.blocks = nn.Sequential(GatedBlock(4, 1), GatedBlock(4, 2), GatedBlock(4, 4))
        self.last = nn.Conv1d(4, 3, 1)

    def forward(self, x):
        return self.last(F.relu(self.blocks(self.first(x)))).mean(-1)


class PointNet(nn.Module):
    """The same small network for each point, and the largest of all."""

    def __init__(self):
        super().__init__()
        self.each = nn.Sequential(
            *(nn.Conv1d(3, 8, 1), nn.BatchNorm1d(8), nn.ReLU(), nn.Conv1d(8, 12, 1), nn.ReLU()),
        )
        self.fc = nn.Linear(12, 4)

    def forward(self, x):
        return self.fc(torch.max(self.each(x.transpose(1, 2)), 2)[0])


class Sinusoidal(nn.Module):
    def __init__(self, steps, dim):
        super().__init__()
        place = torch.arange(steps).unsqueeze(1)
        rate = torch.exp(torch.arange(0, dim, 2) * (-math.log(10000.0) / dim))
        table = torch.zeros(steps, dim)
        table[:, 0::2], table[:, 1::2] = torch.sin(place * rate), torch.cos(place * rate)
        self.register_buffer("pe", table.unsqueeze(0))

    def forward(self, x):
        return x + self.pe[:, : x.size(1)]


class Encoder(nn.Module):
    """PyTorch's own encoder layer, after features were made as wide as it is."""

    def __init__(self):
        super().__init__()
        self.embed, self.positions = nn.Linear(3, 8), Sinusoidal(10, 8)
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.fc = nn.Linear(8, 4)

    def forward(self, x):
        return self.fc(self.encoder(self.positions(self.embed(x))).mean(dim=1))


class SelfAttention(nn.Module):
    """Written by hand, as courses have it: queries, keys and values by one product."""

    def __init__(self, dim, heads, steps=0):
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        if steps:
            self.register_buffer(
                "mask", torch.tril(torch.ones(steps, steps)).view(1, 1, steps, steps)
            )
        self.causal = bool(steps)

    def forward(self, x):
        n, t, c = x.shape
        q, k, v = self.qkv(x).split(c, dim=2)
        q, k, v = (one.view(n, t, self.heads, c // self.heads).transpose(1, 2) for one in (q, k, v))
        att = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
        if self.causal:
            att = att.masked_fill(self.mask[:, :, :t, :t] == 0, float("-inf"))
        y = F.softmax(att, dim=-1) @ v
        return self.proj(y.transpose(1, 2).contiguous().view(n, t, c))


class Block(nn.Module):
    def __init__(self, dim, heads, steps=0):
        super().__init__()
        self.ln1, self.ln2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = SelfAttention(dim, heads, steps)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

    def forward(self, x):
        x = x + self.attn(self.ln1(x))
        return x + self.mlp(self.ln2(x))


class Gpt(nn.Module):
    """Letters come in as numbers, the shares of the next ones go out at each step."""

    def __init__(self, tied=False):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(LETTERS, 8), nn.Embedding(8, 8)
        self.blocks = nn.Sequential(Block(8, 2, 8), Block(8, 2, 8))
        self.ln_f, self.head = nn.LayerNorm(8), nn.Linear(8, LETTERS, bias=False)
        if tied:
            self.head.weight = self.wte.weight

    def forward(self, x):
        x = self.wte(x) + self.wpe(torch.arange(x.size(1), device=x.device))
        return self.head(self.ln_f(self.blocks(x)))


class LetterLstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(LETTERS, 5)
        self.lstm, self.fc = nn.LSTM(5, 7, batch_first=True), nn.Linear(7, LETTERS)

    def forward(self, x):
        return self.fc(self.lstm(self.embed(x))[0])


class BagOfWords(nn.Module):
    """FastText: the mean of the words' vectors."""

    def __init__(self):
        super().__init__()
        self.embed, self.fc = nn.Embedding(LETTERS, 6), nn.Linear(6, 3)

    def forward(self, x):
        return self.fc(self.embed(x).mean(1))


class TextCnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(LETTERS, 6)
        self.convs = nn.ModuleList(nn.Conv1d(6, 3, size) for size in (2, 3, 4))
        self.fc = nn.Linear(9, 2)

    def forward(self, x):
        x = self.embed(x).transpose(1, 2)
        parts = [F.relu(conv(x)).max(dim=2).values for conv in self.convs]
        return self.fc(torch.cat(parts, 1))


class RmsNormEncoder(nn.Module):
    """A block as Llama has it, without the product in its inner layer and the turning positions."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(3, 8, bias=False)
        self.norm1, self.norm2, self.norm = nn.RMSNorm(8), nn.RMSNorm(8), nn.RMSNorm(8)
        self.q, self.k, self.v, self.o = (nn.Linear(8, 8, bias=False) for _ in range(4))
        self.up, self.down = nn.Linear(8, 16, bias=False), nn.Linear(16, 8, bias=False)
        self.fc = nn.Linear(8, 4)

    def attend(self, x):
        n, t, c = x.shape
        q, k, v = (one(x).view(n, t, 2, c // 2).transpose(1, 2) for one in (self.q, self.k, self.v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.o(y.transpose(1, 2).reshape(n, t, c))

    def forward(self, x):
        x = self.embed(x)
        x = x + self.attend(self.norm1(x))
        x = x + self.down(F.silu(self.up(self.norm2(x))))
        return self.fc(self.norm(x)[:, -1])


class Vit(nn.Module):
    def __init__(self, token: bool):
        super().__init__()
        self.embed = PatchEmbedding(1, 7, 8)
        self.cls = nn.Parameter(torch.randn(1, 1, 8)) if token else None
        self.pos = nn.Parameter(torch.randn(1, 16 + token, 8))
        self.blocks = nn.Sequential(Block(8, 2), Block(8, 2))
        self.norm, self.head = nn.LayerNorm(8), nn.Linear(8, 10)

    def forward(self, x):
        x = self.embed(x)
        if self.cls is not None:
            x = torch.cat([self.cls.expand(x.size(0), -1, -1), x], dim=1)
        x = self.norm(self.blocks(x + self.pos))
        return self.head(x[:, 0] if self.cls is not None else x.mean(dim=1))
