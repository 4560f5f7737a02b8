"""Chooses the reader of a network file by its ending, and refuses all other files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from gradbook.errors import UsageError

if TYPE_CHECKING:
    from gradbook.formats.imported import ImportedNet

PICKLED = (".pt", ".pth", ".pkl", ".pickle", ".joblib", ".ckpt")


def _onnx(path: Path) -> ImportedNet:
    from gradbook.formats.onnx.read import read_onnx

    return read_onnx(path)


def _keras(path: Path) -> ImportedNet:
    from gradbook.formats.keras.read import read_keras

    return read_keras(path)


def _pt2(path: Path) -> ImportedNet:
    from gradbook.formats.torch.read import read_pt2

    return read_pt2(path)


READERS: dict[str, Callable[[Path], ImportedNet]] = {".onnx": _onnx, ".keras": _keras, ".pt2": _pt2}
FOREIGN = tuple(READERS)  # the endings of other programs' files


def is_foreign(path: str | os.PathLike[str]) -> bool:
    """Whether a file's name ends like those of networks from other programs."""
    return Path(path).suffix.lower() in (*READERS, *PICKLED)


def read_network(path: str | os.PathLike[str]) -> ImportedNet:
    """Read the network in a file that another program wrote."""
    ending = Path(path).suffix.lower()
    if ending in PICKLED:
        raise UsageError(
            f"{os.fspath(path)} is a pickle, which can run any code, so it isn't opened: save "
            "the network in PyTorch with torch.export.save(torch.export.export(module.eval(), "
            "(example,)), 'net.pt2')"
        )
    if ending not in READERS:
        raise UsageError(
            f"{os.fspath(path)} has no ending that can be read: networks are read from "
            f"{', '.join(READERS)}"
        )
    import numpy as np

    with np.errstate(all="ignore"):  # NaN and infinity are refused, not warned about
        return READERS[ending](Path(path))
