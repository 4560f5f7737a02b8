"""What a bench measured, as tables for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan

from gradbook.amounts import counted, percent
from gradbook.lab.race import PREDICTED, Predicted, Race, Ratio, Time
from gradbook.report.words.table import TableCell, TableColumn, TextTable, text

UNKNOWN = "–"


COLUMNS = (
    TableColumn("network", words=True),
    TableColumn("threads", spell=str),
    TableColumn("mode", words=True),
)


def training(races: Sequence[Race]) -> str:
    columns = (
        *COLUMNS,
        TableColumn("s an epoch", spell="{:.2f}".format),
        TableColumn("GFLOP/s", spell="{:.0f}".format),
        TableColumn("of peak", spell=lambda share: percent(share, of=100)),
        TableColumn("ready after", spell="{:.1f} s".format),
        TableColumn("memory", spell=_memory),
    )
    rows = (
        (
            *(time.network, time.threads, time.mode),
            *(time.seconds_per_epoch, time.gflops, time.peak_share),
            *(race.taken[time.mode].ready_after, race.taken[time.mode].mebibytes),
        )
        for race in races
        for time in race.times
    )
    return text(TextTable(columns, tuple(rows)))


def ratios(races: Sequence[Race]) -> str:
    return "\n".join(_ratio(race.times[0], race.ratio) for race in races if race.ratio)


def _ratio(first: Time, ratio: Ratio) -> str:
    return (
        f"{first.network}, {counted(first.threads, 'thread')}: {ratio.value:.1f} times as fast as "
        f"PyTorch's fastest in float32, {ratio.mode} ({ratio.lower:.1f} to {ratio.upper:.1f} in "
        "the middle half of the rounds)"
    )


def prediction(found: Mapping[tuple[str, int], Sequence[Predicted]]) -> str:
    """`found` by network and threads."""
    spread = (TableColumn(counted(count, "image"), spell=_milliseconds) for count in PREDICTED)
    rows: list[tuple[TableCell, ...]] = []
    for whose, times in found.items():
        seconds = {(time.mode, time.images): time.seconds for time in times}
        modes = dict.fromkeys(time.mode for time in times)
        rows += ((*whose, m, *(seconds[m, count] for count in PREDICTED)) for m in modes)
    return text(TextTable((*COLUMNS, *spread), tuple(rows))).rstrip()


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:,.2f} ms" if seconds < 0.1 else f"{seconds * 1e3:,.0f} ms"


def _memory(mebibytes: float) -> str:
    return f"{mebibytes:,.0f} MiB" if not isnan(mebibytes) else UNKNOWN
