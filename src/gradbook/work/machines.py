"""The machines of a Dask cluster, given by an address or a file; reached or started.

The file is read as YAML that is only data: it names no class and no command, so that a stranger's
file can start nothing but Dask.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from socket import create_connection
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

from gradbook import __version__, limits
from gradbook.errors import GradbookError, UsageError, did_you_mean, one_line
from gradbook.files import read_text

if TYPE_CHECKING:
    from distributed import Client


# The scheduler --------------------------------------------------------------------

INSTALL = "pip install 'gradbook[cluster]'"
MISSING = f"a cluster needs Dask: {INSTALL}"
SCHEMES = ("tcp://", "tls://", "ws://", "wss://")
USUAL_PORT = 8786
LOGGERS = ("distributed", "distributed.client", "tornado.application")  # with their own levels
PATIENCE = 10.0  # seconds within which a scheduler must answer


class ClusterError(GradbookError):
    """The cluster can no longer be reached."""


def client_of(address: str, security: Any = None) -> Client:
    """A client of the scheduler at an address; fails if its machines run other versions."""
    if not address.startswith(SCHEMES):
        raise UsageError(
            f"'{address}' isn't the address of a scheduler: write it like tcp://host:8786"
        )
    require_dask()
    from distributed import Client

    place = urlsplit(address)
    try:  # a client that finds no scheduler leaves threads behind
        create_connection((place.hostname or "", place.port or USUAL_PORT), PATIENCE).close()
        client = Client(address, timeout=PATIENCE, set_as_default=False, security=security)
    except (OSError, ValueError) as error:  # TimeoutError is an OSError
        raise UsageError(
            f"no scheduler answers at {address}: start one with 'dask scheduler', and workers "
            "with 'dask worker'"
        ) from error
    try:
        _require_same(client, address)
    except BaseException:
        client.close()
        raise
    return client


def require_dask() -> None:
    """Refuse if Dask isn't installed, and silence its logs: gradbook reports problems itself."""
    try:
        import distributed  # noqa: F401 - whether it is installed
    except ImportError as error:
        raise UsageError(MISSING) from error
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def _require_same(client: Client, address: str) -> None:
    """Refuse machines with other versions than ours, which would compute other bits."""
    from distributed import __version__ as ours

    theirs = client.get_versions()["scheduler"]["packages"]["distributed"]
    if theirs != ours:
        raise UsageError(
            f"{address} runs distributed {theirs}, this computer {ours}: install the same version"
        )
    try:
        client.wait_for_workers(1, PATIENCE)
    except TimeoutError as error:
        raise UsageError(
            f"{address} has no workers yet: start some with 'dask worker {address}'"
        ) from error
    for machine, answer in client.run(_own_version, on_error="return").items():
        if isinstance(answer, Exception):
            # a plain Exception is Dask's own wrapping of another
            kind = "" if type(answer) is Exception else f"{type(answer).__name__}: "
            raise UsageError(
                f"{machine}, a worker of {address}, can't run gradbook "
                f"({one_line(f'{kind}{answer}')}): install gradbook {__version__} there"
            )
        if answer != __version__:
            raise UsageError(
                f"{machine}, a worker of {address}, runs gradbook {answer}, this computer "
                f"{__version__}: install the same version"
            )


def _own_version() -> str:
    return __version__


# The file -------------------------------------------------------------------------

GRAMMAR = """\
--on takes the address of a Dask scheduler, tcp://host:8786, or a file cluster.yaml, which names the
machines in one of three ways:

  address: tcp://host:8786     the scheduler of an existing cluster
  workers: 4                   this many processes on this computer
  hosts: [alice, bob]          machines reached by ssh; the first one also runs the scheduler

and may also contain:

  threads: 2                   per worker
  user: ada                    on the hosts; also 'port: 2222'
  python: /opt/bin/python      on the hosts: a Python with gradbook installed
  tls:                         for an address tls://…: the files of certificates and key
    authority: ca.pem
    certificate: me.pem
    key: me.key
  shared: /data                a folder that all machines have at this path: its files aren't sent
"""

SUFFIXES = (".yaml", ".yml")
WORD = re.compile(r"[\w.:@-]{1,253}")
PATH = re.compile(r"[\w./~+-]{1,1000}")  # of a program; a shell on that machine reads it
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
    """The files of a TLS connection: whom to trust, and our own certificate and key."""

    authority: str
    certificate: str
    key: str


@dataclass(frozen=True)
class ClusterPlan:
    """Which machines: exactly one of the first three fields is given."""

    address: str | None = None
    workers: int | None = None
    hosts: tuple[str, ...] = ()
    threads: int | None = None
    user: str | None = None
    port: int | None = None
    python: str | None = None
    tls: Tls | None = None
    shared: str | None = None


def read_plan(path: str) -> ClusterPlan:
    """The cluster that a file describes."""
    require_dask()
    return _ClusterFile(path).plan(read_text(path, limit=limits.CLUSTER))


class _ClusterFile:
    """Reads one file; each node of its YAML knows its line."""

    def __init__(self, file: str) -> None:
        self.file = file

    def plan(self, text: str) -> ClusterPlan:
        fields = self.mapping(self.root(text), self.readers())
        lines = {name: line for name, (line, _) in fields.items()}
        values = {name: value for name, (_, value) in fields.items()}
        ways = [name for name in WAYS if name in values]
        if len(ways) != 1:
            said = f"both {ways[0]} and {ways[1]}" if ways else f"none of {', '.join(WAYS)}"
            self.fail(max((lines[way] for way in ways), default=1), f"it has {said}: write one")
        for name, with_ways in GO_WITH.items():
            if name in values and ways[0] not in with_ways:
                beside = " or ".join(with_ways)
                self.fail(lines[name], f"'{name}' only goes with {beside}: leave it out")
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
            self.fail(mark.line + 1 if mark else 1, f"not valid YAML: {why}")
        except RecursionError:
            self.fail(1, "it doesn't describe a cluster: it is nested too deeply")
        return node

    def mapping(
        self, node: Any, readers: Mapping[str, Callable[[Any], Any]]
    ) -> dict[str, tuple[int, Any]]:
        """The value of each name, with its line."""
        if getattr(node, "id", "") != "mapping":
            self.fail(_line(node), f"write lines such as '{next(iter(readers))}: …' here")
        entries: dict[str, tuple[int, Any]] = {}
        for key, value in node.value:
            name = key.value if key.id == "scalar" else ""
            if name not in readers:
                hint = did_you_mean(name, readers) or f": it is one of {', '.join(readers)}"
                self.fail(_line(key), f"unknown {name!r}{hint}")
            if name in entries:
                self.fail(_line(key), f"'{name}' is given twice: write it once")
            entries[name] = _line(key), readers[name](value)
        return entries

    def text(self, form: re.Pattern[str], what: str) -> Callable[[Any], str]:
        def read(node: Any) -> str:
            if node.id != "scalar" or not form.fullmatch(node.value):
                self.fail(_line(node), f"{what} is expected here")
            return str(node.value)

        return read

    def whole(self, least: int, most: int) -> Callable[[Any], int]:
        def read(node: Any) -> int:
            if node.id != "scalar" or not re.fullmatch("[0-9]{1,9}", node.value):
                self.fail(_line(node), f"a whole number is expected here, from {least} to {most:,}")
            number = int(node.value)
            if not least <= number <= most:
                self.fail(_line(node), f"it must be from {least} to {most:,}")
            return number

        return read

    def address(self, node: Any) -> str:
        if node.id != "scalar" or not node.value.startswith(SCHEMES):
            begins = ", ".join(SCHEMES)
            self.fail(
                _line(node), f"an address is expected here, such as tcp://host:8786 ({begins})"
            )
        return str(node.value)

    def hosts(self, node: Any) -> tuple[str, ...]:
        if node.id != "sequence" or not 1 <= len(node.value) <= MOST_HOSTS:
            self.fail(_line(node), "a list of hosts is expected here: [alice, bob]")
        host = self.text(WORD, "a host's name")
        return tuple(host(one) for one in node.value)

    def tls(self, node: Any) -> Tls:
        names = ("authority", "certificate", "key")
        files = self.mapping(node, dict.fromkeys(names, self.existing))
        for name in names:
            if name not in files:
                self.fail(_line(node), f"tls also needs '{name}': a file")
        return Tls(*(files[name][1] for name in names))

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
        """A path, relative to the folder of the file."""
        if node.id != "scalar" or not node.value or "\0" in node.value:
            self.fail(_line(node), "a path is expected here")
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


# The machines ---------------------------------------------------------------------

QUIET = 60  # a level of logs that nothing reaches
FORGOTTEN = "1 hour"  # after which an idle scheduler ends
ENDING = 5.0  # seconds for the scheduler to hear that this client has gone


@dataclass(frozen=True, eq=False)
class Machines:
    """A client of a scheduler, and the cluster behind it if it was started here."""

    address: str
    client: Client
    cluster: Any = None
    shared: str | None = None  # a folder that all machines have at this path

    def find(self, path: str) -> bool:
        return self.shared is not None and Path(path).resolve().is_relative_to(self.shared)

    def end(self) -> None:
        with suppress(Exception):  # if it has already gone
            self.client.close(ENDING)
        if self.cluster is not None:
            with suppress(Exception):
                self.cluster.close(ENDING)


def reach_machines(where: str) -> Machines:
    """The machines at an address such as tcp://host:8786, or those that cluster.yaml describes."""
    if not where.lower().endswith(SUFFIXES):
        return Machines(where, client_of(where))
    plan = read_plan(where)
    if plan.address:
        return Machines(plan.address, client_of(plan.address, _security(plan)), shared=plan.shared)
    cluster = _start_by_ssh(plan) if plan.hosts else _start_here(plan)
    try:
        address = cluster.scheduler_address
        return Machines(address, client_of(address, cluster.security), cluster, plan.shared)
    except BaseException:
        cluster.close(ENDING)
        raise


def _security(plan: ClusterPlan) -> Any:
    if plan.tls is None:
        return None
    from distributed import Security

    return Security(
        require_encryption=True,
        tls_ca_file=plan.tls.authority,
        tls_client_cert=plan.tls.certificate,
        tls_client_key=plan.tls.key,
    )


def _start_here(plan: ClusterPlan) -> Any:
    from distributed import LocalCluster

    return LocalCluster(
        n_workers=plan.workers,
        threads_per_worker=plan.threads or 1,
        dashboard_address=None,
        silence_logs=QUIET,
    )


def _start_by_ssh(plan: ClusterPlan) -> Any:
    try:
        import asyncssh  # noqa: F401 - Dask imports it too late for a clear error
    except ImportError as error:
        raise UsageError(f"reaching hosts needs asyncssh: {INSTALL}") from error
    from distributed import SSHCluster

    reached = {"username": plan.user, "port": plan.port}
    try:
        return SSHCluster(
            [plan.hosts[0], *plan.hosts],
            connect_options={name: value for name, value in reached.items() if value},
            worker_options={"nthreads": plan.threads} if plan.threads else {},
            scheduler_options={"port": 0, "dashboard_address": ":0", "idle_timeout": FORGOTTEN},
            remote_python=plan.python,
        )
    except Exception as error:  # an error of ssh, a host or a program there
        raise UsageError(
            f"no cluster could be started on {', '.join(plan.hosts)} "
            f"({one_line(str(error))}): try 'ssh HOST PYTHON -m distributed.cli.dask_worker "
            "--version'"
        ) from error
