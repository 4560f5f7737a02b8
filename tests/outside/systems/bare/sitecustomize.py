"""Python as on Windows, as far as that can be had elsewhere: what only POSIX has is gone, files
that are open can't be replaced or removed, and their names hold only what names may hold there.

A folder on PYTHONPATH that holds this file makes every Python started so, helpers included.
What Python's own library needs of these names here it has taken before they go.
"""

import contextlib
import multiprocessing.popen_spawn_posix
import multiprocessing.resource_tracker
import os
import shutil  # noqa: F401
import signal
import subprocess  # noqa: F401
import sys
import tempfile  # noqa: F401
import warnings

import platformdirs.unix  # noqa: F401
from posix_names import MODULES, OF_OS, OF_SIGNAL

FORBIDDEN, RESERVED = set('<>:"|?*'), {"CON", "PRN", "AUX", "NUL", "COM1", "LPT1"}

for name in MODULES.split():
    sys.modules[name] = None
for name in OF_OS.split():
    if hasattr(os, name):
        delattr(os, name)
for name in OF_SIGNAL.split():
    if hasattr(signal, name):
        delattr(signal, name)
multiprocessing.resource_tracker._HAVE_SIGMASK = False
warnings.filterwarnings("error", category=EncodingWarning, module=r"gradbook\b")


def _open_files():
    """The real paths of what this process has open or mapped."""
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            yield os.readlink(f"/proc/self/fd/{number}")
    with open("/proc/self/maps", encoding="utf-8") as maps:
        yield from ("/" + line.rstrip("\n").partition("/")[2] for line in maps)


def _real(path, folder=-1):
    if folder not in (-1, None):
        path = os.path.join(os.readlink(f"/proc/self/fd/{folder}"), path)
    return os.path.realpath(path)


def _require_closed(path, folder=-1):
    real = _real(path, folder)
    if os.path.isfile(real) and real in set(_open_files()):
        raise PermissionError(13, "it is open", os.fspath(path))


def _require_nameable(path):
    name = os.path.basename(os.fspath(path))
    stem = name.partition(".")[0].upper()
    if FORBIDDEN & set(name) or stem in RESERVED or name.endswith((" ", ".")):
        raise OSError(22, "no name for a file", name)


def _as_on_windows(event, args):
    if event == "open":
        path, _, flags = args
        ours = isinstance(path, str) and os.path.abspath(path).startswith(os.getcwd())
        if ours and flags & os.O_CREAT:
            _require_nameable(path)
    elif event == "os.remove":
        _require_closed(*args)
    elif event == "os.rename":
        _require_closed(args[0], args[2])
        _require_closed(args[1], args[3])
        _require_nameable(args[1])
    elif event == "os.mkdir":
        _require_nameable(args[0])


sys.addaudithook(_as_on_windows)
