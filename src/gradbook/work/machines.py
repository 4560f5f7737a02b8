"""The machines of a cluster, reached or begun: by an address, or as a file says."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradbook.errors import UsageError, one_line
from gradbook.work.cluster_file import ClusterPlan, is_file, read_plan
from gradbook.work.scheduler import INSTALL, client_of

if TYPE_CHECKING:
    from distributed import Client

QUIET = 60  # a level of logs that nothing reaches
FORGOTTEN = "1 hour"  # after which a scheduler ends that nobody gives anything to do any more
ENDING = 5.0  # seconds for the scheduler to hear that nobody is here any more


@dataclass(frozen=True, eq=False)
class Machines:
    """Who speaks with a scheduler, and the cluster behind it where it was begun for this."""

    address: str
    client: Client
    begun: Any = None
    shared: str | None = None  # a folder that all of them find where it is

    def find(self, path: str) -> bool:
        return self.shared is not None and Path(path).resolve().is_relative_to(self.shared)

    def end(self) -> None:
        with suppress(Exception):  # of what is gone already
            self.client.close(ENDING)
        if self.begun is not None:
            with suppress(Exception):
                self.begun.close(ENDING)


def machines(where: str) -> Machines:
    """Those at tcp://host:8786, or of cluster.yaml."""
    if not is_file(where):
        return Machines(where, client_of(where))
    plan = read_plan(where)
    if plan.address:
        return Machines(plan.address, client_of(plan.address, _security(plan)), shared=plan.shared)
    begun = _begun(plan)
    try:
        address = begun.scheduler_address
        return Machines(address, client_of(address, begun.security), begun, plan.shared)
    except BaseException:
        begun.close(ENDING)
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


def _begun(plan: ClusterPlan) -> Any:
    from distributed import LocalCluster

    if plan.hosts:
        return _begun_by_ssh(plan)
    return LocalCluster(
        n_workers=plan.workers,
        threads_per_worker=plan.threads or 1,
        dashboard_address=None,
        silence_logs=QUIET,
    )


def _begun_by_ssh(plan: ClusterPlan) -> Any:
    try:
        import asyncssh  # noqa: F401 - which Dask imports too late to be told apart
    except ImportError as error:
        raise UsageError(f"hosts are reached by asyncssh: {INSTALL}") from error
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
    except Exception as error:  # of ssh, of the hosts, of the programs there
        raise UsageError(
            f"no cluster begins on {', '.join(plan.hosts)} ({one_line(str(error))}): "
            "try 'ssh HOST PYTHON -m distributed.cli.dask_worker --version'"
        ) from error
