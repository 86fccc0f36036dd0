"""As many threads as the system grants, and no more than the environment asks for."""

import os

import pytest

from cryonb.engines import available_threads


@pytest.mark.parametrize(
    ("asked", "threads"),
    [(None, 4), ("1", 1), ("3", 3), ("64", 4), ("0", 1), ("", 4), ("many", 4), ("-2", 4)],
)
def test_threads_are_cores_or_fewer(monkeypatch, asked, threads):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(4)), raising=False)
    monkeypatch.delenv("NUMBA_NUM_THREADS", raising=False)
    if asked is not None:
        monkeypatch.setenv("NUMBA_NUM_THREADS", asked)
    assert available_threads() == threads


def test_without_affinity_all_cores_count(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.delenv("NUMBA_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert available_threads() == 6
