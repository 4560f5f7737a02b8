"""The file of a cluster: what it can say, and that a mistake is told with its line."""

from __future__ import annotations

import pytest

from gradbook.work.machines import ClusterFileError, ClusterPlan, Machines, Tls, read_plan
from tests.cases import for_each

pytest.importorskip("yaml")

RIGHT = {
    "address: tcp://host:8786": ClusterPlan(address="tcp://host:8786"),
    "workers: 4\nthreads: 2": ClusterPlan(workers=4, threads=2),
    "hosts: [alice, bob.example.org, 10.0.0.7]": ClusterPlan(
        hosts=("alice", "bob.example.org", "10.0.0.7")
    ),
    "hosts:\n  - alice\nuser: ada\nport: 2222\npython: /opt/gradbook/bin/python": ClusterPlan(
        hosts=("alice",), user="ada", port=2222, python="/opt/gradbook/bin/python"
    ),
    "# a comment\nworkers: 1  # of this machine": ClusterPlan(workers=1),
}

WRONG = {
    "": (1, "write lines such as 'address: …'"),
    "tcp://host:8786": (1, "write lines such as 'address: …'"),
    "threads: 2": (1, "none of address, workers, hosts"),
    "workers: 2\naddress: tcp://host:8786": (2, "both address and workers"),
    "adress: tcp://host:8786": (1, "did you mean 'address'?"),
    "workers: 2\nworkers: 3": (2, "'workers' is given twice"),
    "workers: many": (1, "a whole number is expected here, from 1 to 256"),
    "workers: 0": (1, "it must be from 1 to 256"),
    "workers: 2\nuser: ada": (2, "'user' only goes with hosts"),
    "address: host:8786": (1, "an address is expected here, such as tcp://host:8786"),
    "address: tcp://host:8786\nthreads: 2": (2, "'threads' only goes with workers or hosts"),
    "address: tcp://h:1\ntls:\n  key: k.pem": (3, "there is no file"),
    "hosts: alice": (1, "a list of hosts is expected here"),
    "hosts: []": (1, "a list of hosts is expected here"),
    "hosts:\n  - alice\n  - bob; rm -rf /": (3, "a host's name is expected here"),
    "hosts: [alice]\npython: python; rm -rf /": (2, "the path of a Python is expected here"),
    "workers: 2\nshared: /nowhere/at/all": (2, "there is no folder /nowhere/at/all"),
    "workers: !!python/object/apply:os.system ['true']": (1, "a whole number is expected here"),
    "workers: 2\nclass: dask_kubernetes.KubeCluster": (2, "unknown 'class'"),
    "workers: [2\n": (2, "not valid YAML"),
    "workers: 2\n---\nworkers: 3": (2, "not valid YAML"),
    "a: " + "[" * 5000: (1, ""),
}


@for_each("text", RIGHT)
def test_what_a_file_says(text, tmp_path):
    file = tmp_path / "cluster.yaml"
    file.write_text(text, encoding="utf-8")
    assert read_plan(str(file)) == RIGHT[text]


@for_each("text", WRONG)
def test_a_mistake_is_told_with_its_line(text, tmp_path):
    file = tmp_path / "cluster.yaml"
    file.write_text(text, encoding="utf-8")
    line, said = WRONG[text]
    with pytest.raises(ClusterFileError) as told:
        read_plan(str(file))
    assert str(told.value).startswith(f"{file}, line {line}: ")
    assert said in str(told.value)


def test_files_are_meant_from_where_the_file_lies(tmp_path):
    for name in ("ca.pem", "me.pem", "me.key"):
        (tmp_path / name).touch()
    (tmp_path / "books").mkdir()
    text = (
        "address: tls://host:8786\nshared: books\n"
        "tls: {authority: ca.pem, certificate: me.pem, key: me.key}"
    )
    file = tmp_path / "cluster.yml"
    file.write_text(text, encoding="utf-8")
    plan = read_plan(str(file))
    assert plan.shared == str(tmp_path / "books")
    assert plan.tls == Tls(*(str(tmp_path / name) for name in ("ca.pem", "me.pem", "me.key")))


def test_a_cluster_that_was_started_here_ends_with_its_client():
    class Closing:
        def close(self, seconds):
            closed.append(self)

    client, cluster, closed = Closing(), Closing(), []
    Machines("tcp://host:8786", client).end()
    Machines("tcp://host:8786", client, cluster).end()
    assert closed == [client, client, cluster]
