"""The benchmark for a card runs to its end where there is none: small, on the stand-in, its comparisons with it."""

import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


@pytest.mark.slow
def test_it_measures_and_compares(stand_in, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.setattr(sys, "argv", ["gpu.py", "--small"])
    import gpu

    gpu.main(["--small"])
    said = capsys.readouterr().out
    assert "Stand-in" in said and "Ceilings measured" in said
    for heading in ("insertion, box 16", "Half maps of", "Pose search", "Decomposition of", "read ahead and uploaded"):
        assert heading in said
    assert stand_in.card.launches > 50
