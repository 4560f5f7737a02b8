"""The scheduler of a Dask cluster: reached, and refused where its machines run other programs."""

from __future__ import annotations

import logging
from socket import create_connection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from gradbook import __version__
from gradbook.errors import GradbookError, UsageError, one_line

if TYPE_CHECKING:
    from distributed import Client

INSTALL = "pip install 'gradbook[cluster]'"
MISSING = f"a cluster needs Dask: {INSTALL}"
SCHEMES = ("tcp://", "tls://", "ws://", "wss://")
USUAL_PORT = 8786
LOGGERS = ("distributed", "distributed.client", "tornado.application")  # with levels of their own
PATIENCE = 10.0  # seconds until a scheduler must have answered


class ClusterError(GradbookError):
    """A cluster that isn't there any more."""


def is_address(where: str) -> bool:
    return where.startswith(SCHEMES)


def client_of(address: str, security: Any = None) -> Client:
    """Who speaks with the scheduler at an address, whose machines run what this one does."""
    if not is_address(address):
        raise UsageError(f"'{address}' is no scheduler: write it like tcp://host:8786")
    require_dask()
    from distributed import Client

    place = urlsplit(address)
    try:  # a client that finds nobody leaves threads behind
        create_connection((place.hostname or "", place.port or USUAL_PORT), PATIENCE).close()
        client = Client(address, timeout=PATIENCE, set_as_default=False, security=security)
    except (OSError, ValueError) as error:  # TimeoutError is an OSError
        raise UsageError(
            f"no scheduler answers at {address}: begin one with 'dask scheduler', "
            "and workers with 'dask worker'"
        ) from error
    try:
        _require_same(client, address)
    except BaseException:
        client.close()
        raise
    return client


def require_dask() -> None:
    """Dask, quiet: what a user is to know of it is said by who asks it."""
    try:
        import distributed  # noqa: F401 - whether it is there
    except ImportError as error:
        raise UsageError(MISSING) from error
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def _require_same(client: Client, address: str) -> None:
    """Refuse machines whose programs are others than here: they would come to other bits."""
    from distributed import __version__ as ours

    theirs = client.get_versions()["scheduler"]["packages"]["distributed"]
    if theirs != ours:
        raise UsageError(f"{address} runs distributed {theirs}, this is {ours}: install the same")
    try:
        client.wait_for_workers(1, PATIENCE)
    except TimeoutError as error:
        raise UsageError(
            f"{address} has no workers yet: begin some with 'dask worker {address}'"
        ) from error
    for machine, found in client.run(_own_version, on_error="return").items():
        if isinstance(found, Exception):
            raise UsageError(
                f"{machine}, a worker of {address}, can't run gradbook ({_said(found)}): "
                f"install gradbook {__version__} there"
            )
        if found != __version__:
            raise UsageError(
                f"{machine}, a worker of {address}, runs gradbook {found}, this is {__version__}: "
                "install the same"
            )


def _said(error: Exception) -> str:
    kind = "" if type(error) is Exception else f"{type(error).__name__}: "  # Dask's own wrapping
    return one_line(f"{kind}{error}")


def _own_version() -> str:
    return __version__
