"""A function in PyTorch that warps images as a recipe says: the same pictures as data/warp.py."""

from __future__ import annotations

from collections.abc import Iterator

from gradbook.data.warp import Elastic, Warp

BETWEEN = '''\
def between(low, high, shape):
    """Numbers drawn evenly."""
    return torch.empty(shape).uniform_(low, high)'''
SPLINE = '''\
def spline(length):
    """How much each point of a grid moves each pixel: a uniform cubic B-spline."""
    points = torch.arange((length - 1) // {spacing} + 4) - 1
    far = (torch.arange(length)[:, None] / {spacing} - points).abs()
    near = (4 - 6 * far**2 + 3 * far**3) / 6
    return torch.where(far < 1, near, (2 - far).clamp_min(0) ** 3 / 6)'''


def warp_source(warp: Warp) -> str:
    """`warped(images)` and what it calls; nothing if the images stay as they are."""
    if not warp.changes_images:
        return ""
    parts = [BETWEEN]
    if warp.elastic:
        parts.append(SPLINE.format(spacing=warp.elastic.spacing))
    return "\n\n\n".join((*parts, "\n".join(_warped(warp)))) + "\n"


def _warped(warp: Warp) -> Iterator[str]:
    changes = list(_changes(warp))
    yield "def warped(images):"
    yield '    """Images as training sees them: warped by chance, each time anew."""'
    yield "    count, _, rows, columns = images.shape"
    if any("each" in line for line in changes):
        yield "    each = (count, 1, 1)"
    yield "    # of each pixel: how far from the middle lies what it shows"
    yield "    x = torch.arange(columns) - (columns - 1) / 2"
    yield "    y = torch.arange(rows)[:, None] - (rows - 1) / 2"
    yield from changes
    yield "    x, y = torch.broadcast_tensors(2 * x / columns, 2 * y / rows)"
    yield "    grid = torch.stack([x, y], dim=-1)"
    if ground := warp.background:
        yield f"    shown = F.grid_sample(images.float() - {ground}, grid, align_corners=False)"
        yield f"    return shown + {ground}"
    else:
        yield "    return F.grid_sample(images.float(), grid, align_corners=False)"


def _changes(warp: Warp) -> Iterator[str]:
    """Back from where each place is taken: the last thing that happens to it comes first."""
    yield from _moved(warp)
    if warp.crop:
        yield from _cropped(warp)
    if warp.elastic:
        yield from _bent(warp.elastic)


def _moved(warp: Warp) -> Iterator[str]:
    if warp.shift:
        yield f"    x = x - between(-{warp.shift!r}, {warp.shift!r}, each)"
        yield f"    y = y - between(-{warp.shift!r}, {warp.shift!r}, each)"
    if warp.rotate:
        yield f"    angle = torch.deg2rad(between(-{warp.rotate!r}, {warp.rotate!r}, each))"
        yield "    sine, cosine = angle.sin(), angle.cos()"
        yield "    x, y = x * cosine - y * sine, x * sine + y * cosine"
    if warp.shear:
        yield f"    slant = torch.deg2rad(between(-{warp.shear!r}, {warp.shear!r}, each))"
        yield "    x = x + y * slant.tan()"
    if warp.scale != (1.0, 1.0):
        low, high = warp.scale
        yield f"    size = between({low!r}, {high!r}, each)"
        yield "    x, y = x / size, y / size"


def _cropped(warp: Warp) -> Iterator[str]:
    assert warp.crop
    size, chance = warp.crop.size, warp.crop.chance
    if chance == 1:
        yield f"    x, y = x * {size} / columns, y * {size} / rows"
        return
    yield f"    cropped = between(0, 1, each) < {chance!r}"
    yield f"    x = torch.where(cropped, x * {size} / columns, x)"
    yield f"    y = torch.where(cropped, y * {size} / rows, y)"


def _bent(elastic: Elastic) -> Iterator[str]:
    most = repr(elastic.most)
    yield "    down, across = spline(rows), spline(columns)"
    yield "    points = (count, down.shape[1], across.shape[1])"
    yield f"    x = x + down @ between(-{most}, {most}, points) @ across.T"
    yield f"    y = y + down @ between(-{most}, {most}, points) @ across.T"
