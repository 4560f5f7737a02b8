"""The C of a trained network in integers alone: the class of an image, and scores."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import accumulate

import numpy as np

from gradbook.net.trained import TrainedNet
from gradbook.targets.portable.answer_functions import Interface
from gradbook.targets.portable.c_text import ConstantArray, fill, piece, sections, smallest
from gradbook.targets.portable.file_parts import BoardProgram, Dialect, program, widest
from gradbook.targets.portable.makers import NORMING, Work
from gradbook.targets.portable.packing import (
    are_packed,
    bits_of,
    packed,
    packed_fields,
)
from gradbook.targets.portable.parabolas import POINT, Bends
from gradbook.targets.portable.rules_in_c import (
    in_c,
    tables_of,
)
from gradbook.targets.portable.schedule import stream_of
from gradbook.targets.portable.whole_hearing import tables_of_hearing
from gradbook.targets.portable.whole_makers import (
    HIGHEST,
    LOWEST,
    SHIFT_UNIT,
    SPREAD_BITS,
    WholeMaker,
    WholeNumbers,
    bends_of,
)
from gradbook.targets.portable.whole_ops import CURVE, HALVES


def whole_program(
    trained: TrainedNet, whole: WholeNumbers, name: str, small: bool = False
) -> BoardProgram:
    """Write a file with `int NAME_predict(const uint8_t *image, int32_t *scores)`; windows are
    given as a sensor's integers. `small` chooses the least code instead of the fastest."""
    makers = whole.makers
    rows = [maker.maker for maker in makers]
    hearing, bends = rows[0].hearing, bends_of(makers)
    ways = ways_of(makers, whole.sensor is None, small)
    is_packed = are_packed(rows, ways)
    rules = {
        number: in_c(maker.maker, rule)
        for number, maker in enumerate(makers)
        if (rule := maker.rule or maker.formula)
    }
    normed = any(row.work in NORMING for row in rows)
    sample = whole.sensor.kind if whole.sensor else "uint8_t"
    argument = "numbers" if whole.sensor else "image"
    interface = Interface(name, sample, argument, "int32_t")
    fields = _fields(makers, ways, bends, small)
    weights = []
    if is_packed:
        fields |= packed_fields(rows)
        for maker in makers:
            bits = bits_of(maker.maker)
            weights.append(None if maker.weights is None else packed(maker.weights, bits))
    if normed:
        fields["epsilon"] = ("int64_t", [maker.epsilon for maker in makers])
    reads = {"factor": "int16_t"}
    reads |= {"packed": "uint8_t"} if is_packed else {}
    reads |= dict.fromkeys(LOOKED_UP, "uint16_t") if rules else {}
    reads |= {"taken": "uint16_t"} if hearing else {}
    sizes = {"SPREAD_BITS": SPREAD_BITS, "SHIFT_UNIT": SHIFT_UNIT} if normed else {}
    sizes |= {"FRAME": hearing.frame} if hearing else {}
    if is_packed and not small:
        sizes["UNPACKED"] = max(row.weights[0].size for row in rows if row.weights is not None)
    dialect = Dialect(
        value="int8_t",
        total="int32_t",
        sample=sample,
        edge="((map)->zero)",
        tables=[
            *_tables(makers, ways),
            *_looked_up("\n".join(rule.text for rule in rules.values())),
            *_bends_in_c(bends, small),
            *(tables_of_hearing(hearing, whole.finer) if hearing else []),
        ],
        keep=_keep(makers, fields),
        works=("work_whole", "sums_whole", "hearing_whole"),
        ways=ways,
        packed=weights,
        name=name,
        rules=rules,
        reads=reads,
        sizes=sizes,
        fields=fields,
        finer=whole.finer,
        memory=hearing.memory if hearing else 0,
    )
    weights = [maker.weights for maker in makers]
    ending = "\n\n".join(_answers(trained, whole, interface))
    return program(rows, weights, dialect, ending)


def _answers(trained: TrainedNet, whole: WholeNumbers, interface: Interface) -> list[str]:
    """The functions that return a class and its scores, after a step and for a whole input."""
    unit = 1 << whole.score_bits
    outputs, what = trained.net.outputs, "a window" if whole.sensor else "an image"
    words = {"HALF": whole.threshold, "CLASSES": outputs}
    body = fill(sections("answers")["whole"], words, both=outputs == 1)
    scores = "and the score of each class" if outputs > 1 else "0 or 1, and its score"
    functions = {"predict": what}
    if stream_of([maker.maker for maker in whole.makers]):
        functions = {"step": f"{what} after one row more", **functions}
    return [
        interface.function(
            called,
            {
                "REMARK": f"The class of {what}, {scores}, in units of 1/{unit}.",
                "KIND": "int",
                "WRITTEN": "each",
                "BODY": body,
            },
            scores=True,
            step=called == "step",
        )
        for called, what in functions.items()
    ]


# Fields of makers, and the conversion of sums to levels.


def _fields(
    makers: Sequence[WholeMaker],
    ways: Mapping[int, str],
    bends: Bends,
    small: bool,
) -> dict[str, tuple[str, Sequence[int | str]]]:
    """The further members of `struct maker`."""
    inner = range(len(makers) - 1)  # the last one makes scores
    zeros = [maker.levels.edge for maker in makers]
    offsets = [maker.offset for maker in makers]
    fields: dict[str, tuple[str, Sequence[int | str]]] = {"zero": ("int8_t", zeros)}
    if offsets != zeros:
        fields["offset"] = ("int8_t", offsets)
    if any(makers[k].low > LOWEST for k in inner):  # higher than a byte's lowest
        fields["low"] = ("int8_t", [max(maker.low, LOWEST) for maker in makers])
    if any(makers[k].high < HIGHEST for k in inner):
        fields["high"] = ("int8_t", [min(maker.high, HIGHEST) for maker in makers])
    scaling = [k for k in inner if ways.get(k) != "bytes"] or [0]
    times_elsewhere = makers[scaling[0]].times  # for bytes, which aren't scaled, and for scores
    times = [maker.times if k in scaling else times_elsewhere for k, maker in enumerate(makers)]
    fields["times"] = ("uint8_t", times)
    fields["up"] = ("uint8_t", [maker.up for maker in makers])
    fields["bias_up"] = ("uint8_t", [maker.bias_up for maker in makers])
    if bends.each:
        numbered = smallest(max(len(bends.each), len(bends.pieces)))
        fields["table"] = (numbered, [_bent_by(maker, bends, small) for maker in makers])
    *begins, end = 0, *accumulate(scales_kept(makers, ways))
    fields["first"] = (smallest(end), begins)
    return fields


def _keep(
    makers: Sequence[WholeMaker],
    fields: Mapping[str, tuple[str, Sequence[int | str]]],
) -> str:
    """Write the scaling of sums to levels, and the function that stores them."""
    alike = _scaled_alike([maker for maker in makers if maker.factor.size > 1])
    which = " || ".join(f"own->work == {work.upper()}" for work in Work if work in alike)
    values = [f", own->{name}" for name in ("low", "high") if name in fields]
    values += [", BEND(own->table)"] if "table" in fields else []
    words = {
        "CHANNEL": f"({which} ? 0 : c)" if which else "c",
        "OFFSET": "offset" if "offset" in fields else "zero",
        "VALUES": "".join(values),
        "SCORES_FROM": fields["first"][1][-1],
        "SCORE_TIMES": makers[-1].times,
    }
    marks = {name: name in fields for name in ("low", "high")} | {"bent": "table" in fields}
    is_cut = makers[-1].maker.activation is not None
    return fill(piece("keep_whole"), words, cut=is_cut, **marks)


def ways_of(
    makers: Sequence[WholeMaker], of_bytes: bool = True, small: bool = False
) -> dict[int, str]:
    """Choose how rows of sums are made, depending on their input, and rows of bytes that are
    already levels; `small` code makes one sum at a time."""
    few = any(whole.maker.levels is not None for whole in makers)
    if widest([whole.maker for whole in makers]) == 1 and not few and not small:
        return {}
    ways = {}
    for number, whole in enumerate(makers):
        maker = whole.maker
        if of_bytes and maker.work is Work.GIVEN and _are_levels(whole):
            ways[number] = "bytes"
        if maker.work is Work.SUMS and not maker.is_irregular and maker.weights is not None:
            width, reads = maker.weights.shape[-1], makers[maker.reads[0]].maker.shape[2]
            own_channel = width == 1 and maker.shape[2] == reads
            if small:
                ways[number] = "sums_one" if width == reads or own_channel else "sums_group"
            elif width == 1 and maker.window.size == (3, 3) and maker.window.stride == (1, 1):
                ways[number] = "sums_deep"
            elif width < reads:
                ways[number] = "sums_each"
            else:
                ways[number] = "sums_flat" if maker.window.size[0] == 1 else "sums"
    return ways


def _are_levels(image_maker: WholeMaker) -> bool:
    """Whether each input byte becomes the level that is 128 less."""
    every = np.arange(256.0)[:, None]
    return bool((image_maker.result(every) == every + LOWEST).all()) and image_maker.table is None


# Scales of channels, and tables of levels.


def _scaled_alike(makers: Sequence[WholeMaker]) -> set[Work]:
    """The works whose makers scale all channels alike; sums seldom do."""
    unlike = {
        maker.maker.work
        for maker in makers
        if maker.maker.is_irregular
        or (maker.factor.size and (np.ptp(maker.factor) or np.ptp(maker.bias)))
    }
    return {maker.maker.work for maker in makers} - unlike - {Work.SUMS}


def scales_kept(makers: Sequence[WholeMaker], ways: Mapping[int, str]) -> list[int]:
    """The number of channels of each maker whose scales are stored: none if bytes are already
    levels, one if all are scaled alike."""
    alike, counts = _scaled_alike(makers), []
    for number, maker in enumerate(makers):
        most = 1 if maker.maker.work in alike else maker.factor.size
        counts.append(0 if ways.get(number) == "bytes" else min(most, maker.factor.size))
    return counts


LOOKED_UP = {  # tables, and the functions that read them
    "curve": (CURVE, "sigmoid_of|tanh_of"),
    "halves": (HALVES, "exp_of|share_out"),
}


def _looked_up(text: str) -> list[ConstantArray]:
    """The tables that the functions in a text look up."""
    return [
        ConstantArray("uint16_t", name, numbers)
        for name, (numbers, callers) in LOOKED_UP.items()
        if re.search(rf"\b({callers})\(", text)
    ]


def _tables(makers: Sequence[WholeMaker], ways: Mapping[int, str]) -> list[ConstantArray]:
    scales = [
        (maker.bias[:count] >> maker.bias_up, maker.factor[:count])
        for maker, count in zip(makers, scales_kept(makers, ways), strict=True)
    ]
    biases, factors = map(np.concatenate, zip(*scales, strict=True))
    return [
        ConstantArray("int16_t", "biases", biases),
        ConstantArray("int16_t", "factors", factors),
        *(table for it in makers if (rule := it.rule or it.formula) for table in tables_of(rule)),
    ]


def _bent_by(maker: WholeMaker, bends: Bends, small: bool) -> int | str:
    """The number of its activation's table in the file; 0 if it has none."""
    if maker.table is None:
        return 0
    number, last = bends.number(maker.table), bends.last_piece(maker.table)
    if not bends.are_pieces:
        return number
    return last if small else f"BENT_BY({number}, {last})"


def _bends_in_c(bends: Bends, small: bool) -> list[ConstantArray | str]:
    """Write the tables, or pieces if these are smaller, unless products are slow; `small` code has
    only the pieces. Then write what reads them."""
    if not bends.each:
        return []
    reading = sections("bends")
    tables = ConstantArray("int8_t", "bends", np.concatenate([table for table, _ in bends.each]))
    if not bends.are_pieces:
        return [tables, reading["table"]]
    numbers = np.array(
        [number for piece_of_table in bends.pieces for number in piece_of_table.numbers]
    )
    pieces = ConstantArray("int32_t", "pieces", numbers)
    read = reading["pieces"].replace("POINT", str(POINT))
    if small:
        return [pieces, read]
    return [
        reading["both"],
        str(tables),
        reading["table"],
        reading["else"],
        pieces,
        read,
        reading["end"],
    ]
