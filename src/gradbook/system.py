"""What systems have in ways of their own or not at all: processes, signals, windows, locks.

Everybody else asks here, and never on which system it runs. What a system hasn't is done without.
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

LIBRARY = {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")  # how its files end
INTERRUPTING = ("SIGINT", "SIGTERM", "SIGHUP")
MOST_CORES = 64
WINDOWED = ("BROWSER", "WAYLAND_DISPLAY", "DISPLAY")  # what tells where windows go, elsewhere
DEVICES = ("CON", "PRN", "AUX", "NUL")
NOT_WAITING = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)  # to open a file
NO_LINK = getattr(os, "O_NOFOLLOW", 0)
FOLDER = os.O_RDONLY | NOT_WAITING | getattr(os, "O_DIRECTORY", 0)  # to open one
HAS_HANDLES = os.open in os.supports_dir_fd and NO_LINK != 0  # of folders, to open files by


# A command beside which a shell waits for its own standard input to end, and then ends them all.
BOUND = """exec 3<&0
"$@" </dev/null 3<&- & work=$!
(read _ <&3; kill 0) 2>/dev/null & watch=$!
wait $work; code=$?
kill $watch
exit $code"""

# Language

SPOKEN = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")  # the first that is set, as gettext has it


def spoken_language() -> str:
    """What the user's programs speak: de_DE.UTF-8, fr; '' where nothing says so."""
    said = next((words for name in SPOKEN if (words := os.environ.get(name))), "")
    if not said and sys.platform in ("win32", "darwin"):
        from locale import getlocale

        return getlocale()[0] or ""
    return said


# Signals


def interrupting() -> list[int]:
    """The signals that interrupt, as far as this system has them."""
    return [getattr(signal, name) for name in INTERRUPTING if hasattr(signal, name)]


def suspending() -> signal.Signals | None:
    """The signal of Ctrl-Z."""
    found: signal.Signals | None = getattr(signal, "SIGTSTP", None)
    return found


def keep_ctrl_c_back() -> set[int] | None:
    """From this thread and whatever is started in it; what to give to `let_through` then."""
    if not hasattr(signal, "pthread_sigmask"):
        return None
    return {int(n) for n in signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})}


def let_through(blocked: set[int] | None) -> None:
    """Only what was kept back before is still."""
    if blocked is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


# Processes


def apart() -> dict[str, Any]:
    """What a process is started with so that Ctrl-C is for us and not for it and its helpers."""
    if hasattr(os, "killpg"):
        return {"start_new_session": True}
    import subprocess

    return {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}


@contextmanager
def bound_to_us(command: Sequence[str]) -> Iterator[tuple[list[str], int]]:
    """Words that start a command `apart` which ends with its helpers when we do, however we end,
    and the standard input to give it.
    """
    import shutil

    shell = shutil.which("sh", path=os.defpath) if hasattr(os, "killpg") else None
    theirs, ours = os.pipe()  # which has an end once nobody holds ours
    try:
        yield ([shell, "-c", BOUND, "sh"] if shell else []) + list(command), theirs
    finally:
        os.close(theirs)
        os.close(ours)


def end(process: Popen[Any]) -> None:
    """Ask a process that was started `apart` to end, and its helpers where they can be asked."""
    if not hasattr(os, "killpg"):
        process.terminate()
        return
    try:
        os.killpg(process.pid, signal.SIGTERM)
    except ProcessLookupError:
        return


def kill(process: Popen[Any]) -> None:
    """End a process that was started `apart`, and its helpers, whatever they would rather do."""
    if not hasattr(os, "killpg"):
        process.kill()
        return
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


_HIDDEN_THREADS: list[str] = []  # whose: Python doesn't count them


def note_hidden_threads(whose: str) -> None:
    """From now on this process has threads that Python knows nothing of, and a copy would lack."""
    _HIDDEN_THREADS.append(whose)


def may_be_copied() -> bool:
    """Whether this process can go on as two, which is quicker than to start another.

    A copy of several threads may hang, and on macOS a copy of what its own libraries began.
    """
    import threading

    is_alone = threading.active_count() == 1 and not _HIDDEN_THREADS
    return sys.platform == "linux" and hasattr(os, "fork") and is_alone


# Files


def is_a_device(name: str) -> bool:
    """Whether Windows takes it for one whatever its ending, so that no file can be called so."""
    stem = name.partition(".")[0].rstrip().upper()
    return stem in DEVICES or (stem[:3] in ("COM", "LPT") and stem[3:].isdecimal())


class FolderLock:
    """A folder, or a file in it, that a process has for itself as long as it lives, where there are
    such locks.

    However a process ends, the system lets go of what it held: once its copies have ended too, by
    which it has helpers, unless they don't `share` it. Where it knows no locks of folders (Windows,
    some network drives), everybody is taken to be alone, which then isn't sure.
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
        if sys.platform == "emscripten":  # whose locks hold nobody off
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
    """Whether it belongs to who runs this, where files belong to somebody."""
    try:
        return not hasattr(os, "geteuid") or os.lstat(path).st_uid == os.geteuid()
    except OSError:
        return False


def shared_with_others(path: str | os.PathLike[str]) -> str:
    """Why somebody else might have written it, a file or a folder; nothing where nobody could.

    What lies above is asked as well: who may rename a folder may put another in its place.
    """
    if not hasattr(os, "geteuid"):
        return ""
    from stat import S_ISLNK

    whole, real = os.path.abspath(path), os.path.realpath(path)
    if S_ISLNK(os.lstat(whole).st_mode):
        return f"{whole} is a link"
    above = {folder for name in (whole, real) for folder in _above(name)}
    said = (_open_to_others(place, place == whole) for place in [whole, *sorted(above)])
    return next(filter(None, said), "")


def _above(path: str) -> set[str]:
    folder = os.path.dirname(path)
    return {folder} if folder == path else {folder, *_above(folder)}


def _open_to_others(place: str, itself: bool) -> str:
    from stat import S_ISLNK, S_ISVTX, S_IWGRP, S_IWOTH

    about = os.lstat(place)
    if about.st_uid not in (0, os.geteuid()):
        return f"{place} belongs to somebody else"
    keeps_apart = about.st_mode & S_ISVTX and not itself  # as /tmp does, what is of different users
    if S_ISLNK(about.st_mode) or keeps_apart:
        return ""
    by_group = about.st_mode & S_IWGRP and not _is_group_of_one(about.st_gid)
    return f"others may write to {place}" if by_group or about.st_mode & S_IWOTH else ""


def _is_group_of_one(number: int) -> bool:
    """Whether it is the group that many systems make for each user, of the same name."""
    from grp import getgrgid
    from pwd import getpwuid

    try:
        group, user = getgrgid(number), getpwuid(os.geteuid())
    except KeyError:
        return False
    return group.gr_name == user.pw_name and set(group.gr_mem) <= {user.pw_name}


# Networks


def may_take_ports_again() -> bool:
    """Whether to ask for a port that was in use a moment ago takes it from nobody."""
    return sys.platform != "win32"


# Browsers


def open_in_browser(address: str) -> bool:
    """Whether the user's browser was asked to show it, if there is one that has windows."""
    import webbrowser

    if sys.platform not in ("win32", "darwin", "cygwin") and not any(map(os.environ.get, WINDOWED)):
        return False  # a browser in the terminal would take it over, and runs no script
    try:
        return webbrowser.open(address)
    except webbrowser.Error:
        return False


# Processors


def kind_of_machine() -> str:
    """What a compiled library depends on beyond the compiler that made it."""
    import platform

    return " ".join((sys.platform, platform.machine(), *platform.libc_ver()))


def cores() -> int:
    """How many of the machine's cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return min(MOST_CORES, len(os.sched_getaffinity(0)))
    return min(MOST_CORES, os.cpu_count() or 1)
