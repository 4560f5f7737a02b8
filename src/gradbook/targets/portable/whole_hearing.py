"""A network's first layers, which turn a signal into bands, as one integer maker; its C tables.

From a sensor's samples to the logarithms of bands, nothing is rounded to levels of 8 bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import log

import numpy as np

from gradbook.graph.node import Array
from gradbook.graph.window import Window
from gradbook.layers.spectra import LOUDNESS
from gradbook.targets.portable.c_text import ConstantArray
from gradbook.targets.portable.hearing import LOG_BITS, SHARE_BITS, SUM_BITS, FrameHearing
from gradbook.targets.portable.makers import RowMaker, Work
from gradbook.targets.portable.sensor_numbers import SensorNumbers

HEARD_FIRST = (Work.STEPWISE, Work.WAVES, Work.PRODUCT, Work.SUMS)


def heard_at_once(makers: Sequence[RowMaker], sensor: SensorNumbers) -> list[RowMaker] | None:
    """Replace the first makers by one that computes bands, if the network begins with them."""
    if tuple(maker.work for maker in makers[:4]) != HEARD_FIRST:
        return None
    first_maker, waves, _, bands = makers[:4]
    heard = [maker.reads for maker in makers[1:4]] == [(0,), (1, 1), (2,)]
    alone = not any(k in maker.reads for maker in makers[4:] for k in range(3))
    by_logarithm = bands.activation is not None and bands.activation.ending == LOUDNESS.ending
    shares = _taken(bands)
    if not (heard and alone and by_logarithm) or shares is None or len(makers) == 4:
        return None
    hearing = _hearing(first_maker, waves, shares, sensor)
    unit = log(2) / (1 << LOG_BITS)
    louder = np.full(bands.shape[2], SHARE_BITS * log(2) - log(hearing.silence))
    first = RowMaker(
        Work.HEARD,
        (),
        bands.shape,
        Window((1, 1), stride=(hearing.step, hearing.step)),
        scale=np.full(bands.shape[2], unit),
        shift=louder,
        hearing=hearing,
    )
    # later makers read by the old numbers
    return [first, *(replace(m, reads=tuple(k - 3 for k in m.reads)) for m in makers[4:])]


def _taken(bands: RowMaker) -> Array | None:
    """Each band's weight for each power, (bands, frequencies): equal for cosines and sines."""
    assert bands.weights is not None
    flat = bands.weights.reshape(len(bands.weights), 2, -1)
    plain = bands.scale is None and bands.shift is None and bands.window.area == 1
    if not plain or (flat[:, 0] != flat[:, 1]).any() or (flat < 0).any() or not flat.any(-1).all():
        return None
    return np.asarray(flat[:, 0])


def _hearing(sound: RowMaker, waves: RowMaker, bands: Array, sensor: SensorNumbers) -> FrameHearing:
    assert sound.scale is not None
    assert sound.shift is not None
    frame, scale = waves.window.size[0], float(sound.scale[0])
    middle = round(-float(sound.shift[0]) / scale)
    most = sensor.most * sensor.finer + abs(middle)
    up = SUM_BITS - (frame.bit_length() - 1) - most.bit_length()
    louder = float(bands.max())
    silence = max(1, round(frame * 4.0 ** (up + 1) / (louder * scale**2)))
    shares = np.rint(bands / louder * (1 << SHARE_BITS)).astype(np.int64)
    runs = [np.flatnonzero(share) if share.any() else np.array([0]) for share in shares]
    return FrameHearing(
        frame,
        waves.window.stride[0],
        waves.shape[0],
        middle,
        up,
        silence,
        tuple(int(run[0]) for run in runs),
        tuple(share[run[0] : run[-1] + 1] for share, run in zip(shares, runs, strict=True)),
    )


def tables_of_hearing(hearing: FrameHearing, finer: int) -> list[ConstantArray | str]:
    """Write its constants in C."""
    less = f"(int32_t)(sample) * {finer} - {hearing.middle}"
    less = less.replace("- -", "+ ")
    moved = f"({less}) * {1 << hearing.up}" if hearing.up >= 0 else f"({less}) >> {-hearing.up}"
    return [
        f"#define CENTRED(sample) ({moved})\n#define SILENCE ((uint64_t){hearing.silence}U)",
        ConstantArray("int16_t", "quarter", hearing.quarter),
        ConstantArray("int16_t", "firsts", np.array(hearing.firsts)),
        ConstantArray("int16_t", "counts", np.array([len(share) for share in hearing.shares])),
        ConstantArray("uint16_t", "taken", np.concatenate(hearing.shares)),
    ]
