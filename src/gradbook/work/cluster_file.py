"""The file that says which machines a cluster has: read as YAML that is only data, and checked.

It names no class and no command, so that a stranger's file can begin nothing but Dask.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from gradbook import limits
from gradbook.errors import GradbookError, did_you_mean, one_line
from gradbook.files import read_text
from gradbook.work.scheduler import SCHEMES, is_address, require_dask

GRAMMAR = """\
--on takes the address of a Dask scheduler, tcp://host:8786, or a file cluster.yaml, in which one of
these three says which machines:

  address: tcp://host:8786     the scheduler of a cluster that is there
  workers: 4                   so many processes of this machine
  hosts: [alice, bob]          machines that ssh reaches; the first one has the scheduler, too

and beside it there may stand:

  threads: 2                   of each worker
  user: ada                    of the hosts, with 'port: 2222'
  python: /opt/bin/python      of the hosts, which has gradbook
  tls:                         of an address tls://…: who is trusted, and who we are
    authority: ca.pem
    certificate: me.pem
    key: me.key
  shared: /data                a folder that every machine finds there: what lies in it isn't sent
"""

SUFFIXES = (".yaml", ".yml")
WORD = re.compile(r"[\w.:@-]{1,253}")
PATH = re.compile(r"[\w./~+-]{1,1000}")  # of a program: it goes through a shell there
MOST_WORKERS, MOST_THREADS, MOST_HOSTS, LAST_PORT = 256, 1024, 4096, 65_535


class ClusterFileError(GradbookError):
    """A mistake in such a file. Lines count from 1."""

    def __init__(self, message: str, file: str, line: int) -> None:
        super().__init__(message)
        self.file, self.line = file, line

    def where(self) -> str:
        return f"{self.file}, line {self.line}"


@dataclass(frozen=True)
class Tls:
    """Whom to trust, and who we are: files."""

    authority: str
    certificate: str
    key: str


@dataclass(frozen=True)
class ClusterPlan:
    """Which machines, of which exactly one way to reach them is said."""

    address: str | None = None
    workers: int | None = None
    hosts: tuple[str, ...] = ()
    threads: int | None = None
    user: str | None = None
    port: int | None = None
    python: str | None = None
    tls: Tls | None = None
    shared: str | None = None


def is_file(where: str) -> bool:
    return where.lower().endswith(SUFFIXES)


def read_plan(path: str) -> ClusterPlan:
    """The cluster that a file describes."""
    require_dask()
    return _ClusterFile(path).plan(read_text(path, limit=limits.CLUSTER))


class _ClusterFile:
    """One file; its nodes know on which line they stand."""

    def __init__(self, file: str) -> None:
        self.file = file

    def plan(self, text: str) -> ClusterPlan:
        found = self.mapping(self.root(text), self.readers())
        lines = {name: line for name, (line, _) in found.items()}
        values = {name: value for name, (_, value) in found.items()}
        ways = [name for name in WAYS if name in values]
        if len(ways) != 1:
            said = f"both {ways[0]} and {ways[1]}" if ways else f"none of {', '.join(WAYS)}"
            self.fail(max((lines[way] for way in ways), default=1), f"it says {said}: say one")
        for name, with_ways in GO_WITH.items():
            if name in values and ways[0] not in with_ways:
                beside = " or ".join(with_ways)
                self.fail(lines[name], f"'{name}' goes with {beside}: leave it out")
        if "tls" in values and not values["address"].startswith("tls://"):
            self.fail(lines["tls"], "'tls' is for an address that begins with tls://")
        return ClusterPlan(**values)

    def readers(self) -> dict[str, Callable[[Any], Any]]:
        return {
            "address": self.address,
            "workers": self.whole(1, MOST_WORKERS),
            "hosts": self.hosts,
            "threads": self.whole(1, MOST_THREADS),
            "user": self.text(WORD, "a user's name"),
            "port": self.whole(1, LAST_PORT),
            "python": self.text(PATH, "the path of a Python"),
            "tls": self.tls,
            "shared": self.folder,
        }

    def root(self, text: str) -> Any:
        import yaml

        try:
            node = yaml.compose(text, yaml.SafeLoader)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            why = one_line(str(getattr(error, "problem", None) or "it can't be read"))
            self.fail(mark.line + 1 if mark else 1, f"no YAML: {why}")
        except RecursionError:
            self.fail(1, "no description of a cluster: it is too deep")
        return node

    def mapping(
        self, node: Any, readers: Mapping[str, Callable[[Any], Any]]
    ) -> dict[str, tuple[int, Any]]:
        """The value of each name, and on which line it stands."""
        if getattr(node, "id", "") != "mapping":
            self.fail(_line(node), f"write lines such as '{next(iter(readers))}: …' here")
        found: dict[str, tuple[int, Any]] = {}
        for key, value in node.value:
            name = key.value if key.id == "scalar" else ""
            if name not in readers:
                hint = did_you_mean(name, readers) or f": it is one of {', '.join(readers)}"
                self.fail(_line(key), f"unknown {name!r}{hint}")
            if name in found:
                self.fail(_line(key), f"a second '{name}': say it once")
            found[name] = _line(key), readers[name](value)
        return found

    def text(self, form: re.Pattern[str], what: str) -> Callable[[Any], str]:
        def read(node: Any) -> str:
            if node.id != "scalar" or not form.fullmatch(node.value):
                self.fail(_line(node), f"{what} is wanted here")
            return str(node.value)

        return read

    def whole(self, least: int, most: int) -> Callable[[Any], int]:
        def read(node: Any) -> int:
            if node.id != "scalar" or not re.fullmatch("[0-9]{1,9}", node.value):
                self.fail(_line(node), f"a whole number is wanted here, {least} to {most:,}")
            found = int(node.value)
            if not least <= found <= most:
                self.fail(_line(node), f"it is from {least} to {most:,}")
            return found

        return read

    def address(self, node: Any) -> str:
        if node.id != "scalar" or not is_address(node.value):
            begins = ", ".join(SCHEMES)
            self.fail(_line(node), f"an address is wanted here, tcp://host:8786 ({begins})")
        return str(node.value)

    def hosts(self, node: Any) -> tuple[str, ...]:
        if node.id != "sequence" or not 1 <= len(node.value) <= MOST_HOSTS:
            self.fail(_line(node), "some hosts are wanted here: [alice, bob]")
        host = self.text(WORD, "a host's name")
        return tuple(host(one) for one in node.value)

    def tls(self, node: Any) -> Tls:
        names = ("authority", "certificate", "key")
        found = self.mapping(node, dict.fromkeys(names, self.existing))
        for name in names:
            if name not in found:
                self.fail(_line(node), f"tls needs '{name}', too: a file")
        return Tls(*(found[name][1] for name in names))

    def existing(self, node: Any) -> str:
        path = self.path(node)
        if not os.path.isfile(path):
            self.fail(_line(node), f"there is no file {path}")
        return path

    def folder(self, node: Any) -> str:
        path = self.path(node)
        if not os.path.isdir(path):
            self.fail(_line(node), f"there is no folder {path}")
        return path

    def path(self, node: Any) -> str:
        """As it is meant from where the file lies."""
        if node.id != "scalar" or not node.value or "\0" in node.value:
            self.fail(_line(node), "a path is wanted here")
        return str(Path(self.file).parent.joinpath(node.value).resolve())

    def fail(self, line: int, message: str) -> NoReturn:
        raise ClusterFileError(message, self.file, line)


WAYS = ("address", "workers", "hosts")
GO_WITH = {
    "threads": ("workers", "hosts"),
    "user": ("hosts",),
    "port": ("hosts",),
    "python": ("hosts",),
    "tls": ("address",),
}


def _line(node: Any) -> int:
    return int(node.start_mark.line) + 1 if node is not None else 1
