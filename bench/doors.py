"""Through which doors a wide list of architectures can be imported, right to 1e-5.

python bench/doors.py            # the table, and how many come in by two doors at least
python bench/doors.py --why      # and why the others don't
python bench/doors.py --write    # the table goes into bench/doors.md
python bench/doors.py GPT LSTM   # those of these names alone
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.formats.wide.doors import HERE, judged
from tests.formats.wide.listed import ARCHITECTURES
from tests.formats.wide.table import DOORS, write_table


def whys(name: str) -> dict[str, str]:
    """The reason why an import fails, for each door; empty if it works."""
    found = {}
    for door in HERE:
        with tempfile.TemporaryDirectory() as folder:
            try:
                found[door] = judged(name, door, Path(folder))
            except Exception as error:  # in the program that writes the file
                found[door] = f"it can't be written ({str(error).strip():.80})"
    return found


def show(name: str, found: Mapping[str, str], words: Sequence[str]) -> None:
    print(f"{name:28}" + "".join(f"{'–' if why else 'yes':14}" for why in found.values()))
    if "--why" in words:
        for door, why in found.items():
            if why:
                print(f"    {door}: {why}")
    sys.stdout.flush()


def main() -> None:
    words = sys.argv[1:]
    names = [word for word in words if not word.startswith("--")] or list(ARCHITECTURES)
    print(" " * 28 + "".join(f"{door:14}" for door in HERE))
    opened = {}
    for name in names:
        found = whys(name)
        show(name, found, words)
        opened[name] = [door for door, why in found.items() if not why]
    several = sum(len(doors) >= 2 for doors in opened.values())
    print(f"by two doors at least: {several} of {len(names)}")
    if "--write" in words:
        assert [*HERE] == [*DOORS], "not all doors can be tried here"
        assert [*opened] == [*ARCHITECTURES]
        write_table(opened)


if __name__ == "__main__":
    main()
