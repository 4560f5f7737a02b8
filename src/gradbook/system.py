"""Differences between operating systems: processes, signals, windows, locks.

No other module checks which system it runs on. Missing features are replaced or left out.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager, suppress

TYPE_CHECKING = False  # every command imports this
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from subprocess import Popen
    from typing import Any

IN_BROWSER = sys.platform == "emscripten"
LIBRARY = {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")  # their ending
INTERRUPTING = ("SIGINT", "SIGTERM", "SIGHUP")
MOST_CORES = 64
WINDOWED = ("BROWSER", "WAYLAND_DISPLAY", "DISPLAY")  # set on other systems if there are windows
DEVICES = ("CON", "PRN", "AUX", "NUL")
NOT_WAITING = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)  # to open a file
NO_LINK = getattr(os, "O_NOFOLLOW", 0)
FOLDER = os.O_RDONLY | NOT_WAITING | getattr(os, "O_DIRECTORY", 0)  # to open a folder
HAS_HANDLES = os.open in os.supports_dir_fd and NO_LINK != 0  # of folders, to open files in


def lacks_numpy() -> bool:
    """Whether something plain stands in NumPy's place, which is slower."""
    return IN_BROWSER or getattr(sys.modules.get("numpy"), "__spec__", True) is None


# Runs a command while a shell waits for its own standard input to end, and then kills them all.
BOUND = """exec 3<&0
"$@" </dev/null 3<&- & work=$!
(read _ <&3; kill 0) 2>/dev/null & watch=$!
wait $work; code=$?
kill $watch
exit $code"""

# Language

SPOKEN = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")  # the first that is set, as in gettext


def spoken_language() -> str:
    """The language of the user's programs: de_DE.UTF-8, fr; '' if unknown."""
    spoken = next((words for name in SPOKEN if (words := os.environ.get(name))), "")
    if not spoken and sys.platform in ("win32", "darwin"):
        from locale import getlocale

        return getlocale()[0] or ""
    return spoken


# Signals


def interrupting() -> list[int]:
    """The signals that interrupt, as far as this system has them."""
    return [getattr(signal, name) for name in INTERRUPTING if hasattr(signal, name)]


def suspending() -> signal.Signals | None:
    """The signal of Ctrl-Z."""
    number: signal.Signals | None = getattr(signal, "SIGTSTP", None)
    return number


def keep_ctrl_c_back() -> set[int] | None:
    """Block Ctrl-C in this thread and those started in it; the result is for `let_through`."""
    if not hasattr(signal, "pthread_sigmask"):
        return None
    return {int(n) for n in signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})}


def let_through(blocked: set[int] | None) -> None:
    """Unblock signals, except those that were blocked before."""
    if blocked is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


# Processes


def apart() -> dict[str, Any]:
    """Options with which a process and its helpers don't receive Ctrl-C, which is for us."""
    if hasattr(os, "killpg"):
        return {"start_new_session": True}
    import subprocess

    return {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}


@contextmanager
def bound_to_us(command: Sequence[str]) -> Iterator[tuple[list[str], int]]:
    """Arguments and a standard input with which a command is started `apart`, so that it ends with
    its helpers when we do, however we end.
    """
    import shutil

    shell = shutil.which("sh", path=os.defpath) if hasattr(os, "killpg") else None
    theirs, ours = os.pipe()  # which ends once nobody holds ours
    try:
        yield ([shell, "-c", BOUND, "sh"] if shell else []) + list(command), theirs
    finally:
        os.close(theirs)
        os.close(ours)


def end(process: Popen[Any]) -> None:
    """Ask a process that was started `apart` to end, with its helpers if possible."""
    if not hasattr(os, "killpg"):
        process.terminate()
        return
    try:
        os.killpg(process.pid, signal.SIGTERM)
    except ProcessLookupError:
        return


def kill(process: Popen[Any]) -> None:
    """Kill a process that was started `apart`, and its helpers."""
    if not hasattr(os, "killpg"):
        process.kill()
        return
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def may_be_copied() -> bool:
    """Whether this process may be forked, which is faster than starting another one.

    A copy of several threads may hang, and on macOS so may a copy that uses system libraries.
    """
    import threading

    is_alone = threading.active_count() == 1
    return sys.platform == "linux" and hasattr(os, "fork") and is_alone


# Files


def is_a_device(name: str) -> bool:
    """Whether Windows reserves the name for a device, with any ending."""
    stem = name.partition(".")[0].rstrip().upper()
    return stem in DEVICES or (stem[:3] in ("COM", "LPT") and stem[3:].isdecimal())


class FolderLock:
    """An exclusive lock on a folder, or on a file in it, that lasts as long as the process, if the
    system has such locks.

    However a process ends, the system releases its lock; forked copies (its helpers) keep the lock
    until they end, unless they don't `share` it. If there are no locks of folders (Windows, some
    network drives), `is_ours` is true, but `is_sure` isn't.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        share: bool = True,
        opened: Callable[[str, int], int] | None = None,  # of a file
    ) -> None:
        self.is_ours, self.is_sure = True, False
        self._held: int | None = None
        if IN_BROWSER:  # its locks have no effect
            return
        try:
            from fcntl import LOCK_EX, LOCK_NB, flock
        except ImportError:
            return
        flags = FOLDER if opened is None else os.O_RDONLY | NOT_WAITING
        self._held = (opened or os.open)(os.fspath(folder), flags)
        try:
            flock(self._held, LOCK_EX | LOCK_NB)
            self.is_sure = True
        except OSError as error:
            self.is_ours = not isinstance(error, BlockingIOError)
        if not share:
            _UNSHARED.add(self)

    def let_go(self) -> None:
        _UNSHARED.discard(self)
        if self._held is not None:
            os.close(self._held)
            self._held = None


_UNSHARED: set[FolderLock] = set()


def _let_go_of_the_unshared() -> None:
    for lock in list(_UNSHARED):
        lock.let_go()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go_of_the_unshared)


def is_mine(path: str | os.PathLike[str]) -> bool:
    """Whether it belongs to the current user, if files have owners."""
    try:
        return not hasattr(os, "geteuid") or os.lstat(path).st_uid == os.geteuid()
    except OSError:
        return False


def shared_with_others(path: str | os.PathLike[str]) -> str:
    """Why others might have written a file or a folder; '' if nobody could.

    The folders above it are also checked: whoever may rename a folder may put another in its place.
    """
    if not hasattr(os, "geteuid"):
        return ""
    from stat import S_ISLNK

    absolute, real = os.path.abspath(path), os.path.realpath(path)
    if S_ISLNK(os.lstat(absolute).st_mode):
        return f"{absolute} is a link"
    above = {folder for name in (absolute, real) for folder in _above(name)}
    reasons = (_open_to_others(place, place == absolute) for place in [absolute, *sorted(above)])
    return next(filter(None, reasons), "")


def _above(path: str) -> set[str]:
    folder = os.path.dirname(path)
    return {folder} if folder == path else {folder, *_above(folder)}


def _open_to_others(place: str, itself: bool) -> str:
    from stat import S_ISLNK, S_ISVTX, S_IWGRP, S_IWOTH

    about = os.lstat(place)
    if about.st_uid not in (0, os.geteuid()):
        return f"{place} belongs to somebody else"
    keeps_apart = about.st_mode & S_ISVTX and not itself  # as /tmp does for different users
    if S_ISLNK(about.st_mode) or keeps_apart:
        return ""
    by_group = about.st_mode & S_IWGRP and not _is_group_of_one(about.st_gid)
    return f"others may write to {place}" if by_group or about.st_mode & S_IWOTH else ""


def _is_group_of_one(number: int) -> bool:
    """Whether it is the group that many systems create for each user, with the same name."""
    from grp import getgrgid
    from pwd import getpwuid

    try:
        group, user = getgrgid(number), getpwuid(os.geteuid())
    except KeyError:
        return False
    return group.gr_name == user.pw_name and set(group.gr_mem) <= {user.pw_name}


# Networks


def may_take_ports_again() -> bool:
    """Whether a port that was just in use can be requested without taking it from anyone."""
    return sys.platform != "win32"


# Browsers


def open_in_browser(address: str) -> bool:
    """Whether the user's browser was asked to show the address, if there is a graphical one."""
    import webbrowser

    if sys.platform not in ("win32", "darwin", "cygwin") and not any(map(os.environ.get, WINDOWED)):
        return False  # a browser in the terminal would take it over, and can't run scripts
    try:
        return webbrowser.open(address)
    except webbrowser.Error:
        return False


# Processors


def kind_of_machine() -> str:
    """What a compiled library depends on, apart from its compiler."""
    import platform

    return " ".join((sys.platform, platform.machine(), *platform.libc_ver()))


def cores() -> int:
    """The number of the machine's cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return min(MOST_CORES, len(os.sched_getaffinity(0)))
    return min(MOST_CORES, os.cpu_count() or 1)
