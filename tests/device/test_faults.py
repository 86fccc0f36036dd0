"""Cards that run out of memory, are lost in mid-run or are not there: a sentence, or the CPU's result; never less."""

import json
import shutil
import sys
import types
import warnings
from functools import cache

import numpy as np
import pytest
import strict_cupy

import cryonb as cn
from cryonb import backends, cli
from cryonb.cli import doctor
from cryonb.config import RunConfig
from cryonb.errors import BackendFailed, BackendUnavailable, InputError, RunStopped
from cryonb.provenance import lineage
from cryonb.refine.counter import Counter
from cryonb.refine.fallback import usable, with_fallback

SIZE, COUNT = 16, 40
ON_CARD, ON_CPU = dict(backend="cupy"), dict(backend="numba", threads=1)
ALLOWED = dict(backend="cupy", fallback=True, threads=1)
REFINED = dict(recipe="homogeneous", n_iterations=2, initial_lowpass=25.0, search_resolution=30.0)
SENTENCES = "a run must fit in the memory of the GPU; got: |the GPU must work to the end of a run; got: "
PLENTY = 10**9


@cache
def truth():
    return cn.phantom("helices", box_size=SIZE, pixel_size=6.0)


@cache
def particles():
    return cn.simulate(truth(), n_particles=COUNT, snr=5.0, seed=3)


@pytest.fixture(autouse=True, scope="module")
def _made_before():
    particles()


def reconstruct(compute, **options):
    return cn.reconstruct(particles(), compute=compute, **options)


def decompose(compute, **options):
    return cn.diagnose(particles(), "decomposition", dithers=1, surrogates=1, config=dict(compute=compute), **options)


def refine(compute, **options):
    return cn.refine(particles(), truth(), refine=REFINED, compute=compute, **options)


WORK = {"reconstruct": (reconstruct, "half_map"), "decompose": (decompose, "fsc"), "refine": (refine, "half_map")}
AT_WORK = {
    "inserting slices": ["reconstruct", "decompose", "refine"],
    "comparing views": ["refine"],
    "to real space": ["reconstruct", "decompose", "refine"],
}


@cache
def of_cpu(name):
    return WORK[name][0](ON_CPU)[WORK[name][1]].values


def operations(card, work):
    """Return how many operations of a card some work takes, once what is made only once is there."""
    for _ in range(2):
        card.fails_after = PLENTY
        work()
        taken, card.fails_after = PLENTY - card.fails_after, None
    return taken


def spread(total, count):
    """Return when to lose a card: at its first operation, at its last, and between."""
    return np.unique(np.linspace(0, total - 1, count).astype(int))


def recovered(card):
    card.lost, card.fails_after, card.capacity = False, None, 2**33


@pytest.mark.parametrize("words, name", [(words, name) for words, names in AT_WORK.items() for name in names])
def test_memory_that_runs_out_is_a_sentence_or_the_cpus_result(words, name, stand_in):
    work, variable = WORK[name]

    def fill(fraction, text):
        if words in text:
            stand_in.card.capacity = stand_in.card.held

    with pytest.raises(BackendFailed, match="a run must fit in the memory of the GPU; got: Out of memory") as told:
        work(ON_CARD, progress=fill)
    assert "\n" not in str(told.value) and str(told.value).endswith(".")
    recovered(stand_in.card)
    with pytest.warns(UserWarning, match="going on with the CPU: a run must fit in the memory of the GPU"):
        found = work(ALLOWED, progress=fill)
    assert lineage(found)[-1]["machine"]["backend"] == "numba"
    if name != "refine":
        assert np.array_equal(found[variable].values, of_cpu(name), equal_nan=True)


@pytest.mark.parametrize("name, times", [("reconstruct", 12), ("decompose", 8), ("refine", 8)])
def test_a_card_that_is_lost_is_a_sentence_whenever_it_happens(name, times, stand_in):
    work, variable = WORK[name]
    total = operations(stand_in.card, lambda: work(ON_CARD))
    assert total > 50
    for moment in spread(total, times):
        stand_in.card.fails_after = int(moment)
        with pytest.raises(BackendFailed, match=SENTENCES):
            work(ON_CARD)
        recovered(stand_in.card)


@pytest.mark.parametrize("name, times", [("reconstruct", 5), ("decompose", 3)])
def test_the_cpu_takes_over_where_that_is_allowed(name, times, stand_in):
    work, variable = WORK[name]
    total = operations(stand_in.card, lambda: work(ON_CARD))
    for moment in spread(total, times):
        stand_in.card.fails_after = int(moment)
        with pytest.warns(UserWarning, match="going on with the CPU: the GPU must work to the end"):
            found = work(ALLOWED)
        assert np.array_equal(found[variable].values, of_cpu(name), equal_nan=True)
        recovered(stand_in.card)


def test_a_checkpoint_goes_on_to_what_there_would_have_been(stand_in, tmp_path):
    total = operations(stand_in.card, lambda: refine(ON_CARD))
    expected = refine(ON_CARD)
    kept = 0
    for moment in spread(total, 8):
        folder = tmp_path / str(moment)
        stand_in.card.fails_after = int(moment)
        with pytest.raises(BackendFailed, match=SENTENCES) as told:
            refine(ON_CARD, checkpoint=folder)
        finished = (folder / "state.npz").exists()
        kept += finished
        where = f"What was finished is kept in {folder}: the same call goes on from there."
        assert (where in str(told.value)) == finished
        assert not list(folder.glob(".*"))
        recovered(stand_in.card)
        again = refine(ON_CARD, checkpoint=folder)
        assert np.array_equal(again["half_map"].values, expected["half_map"].values)
        assert int(again["iteration"]) == 2
    assert kept >= 4


def test_an_iteration_that_a_card_failed_at_is_done_again_on_the_cpu(stand_in, tmp_path):
    """The first iteration is the card's; the rest are those of a CPU that goes on from the same state."""
    first = {**REFINED, "n_iterations": 1}
    one = operations(stand_in.card, lambda: cn.refine(particles(), truth(), refine=first, compute=ON_CARD))
    total = operations(stand_in.card, lambda: refine(ON_CARD))
    cn.refine(particles(), truth(), refine=first, compute=ON_CARD, checkpoint=tmp_path / "card")
    shutil.copytree(tmp_path / "card", tmp_path / "cpu")
    expected = refine(ON_CPU, checkpoint=tmp_path / "cpu")
    for moment in (one + 3, (one + total) // 2, total - 2):
        stand_in.card.fails_after = int(moment)
        with pytest.warns(UserWarning, match="going on with the CPU: the GPU must work to the end"):
            steps = list(cn.iterate(particles(), truth(), refine=REFINED, compute=ALLOWED))
        assert [lineage(step)[-1]["machine"]["backend"] for step in steps] == ["cupy", "numba"]
        assert np.array_equal(steps[-1]["half_map"].values, expected["half_map"].values)
        assert np.array_equal(steps[-1]["rot"].values, expected["rot"].values)
        recovered(stand_in.card)


def test_a_run_stays_on_the_cpu_once_the_card_failed(stand_in):
    stand_in.card.fails_after = 20
    with pytest.warns(UserWarning, match="going on with the CPU"):
        steps = list(cn.iterate(particles(), truth(), refine=REFINED, compute=ALLOWED))
    assert [lineage(step)[-1]["machine"]["backend"] for step in steps] == ["numba", "numba"]
    expected = refine(ON_CPU)
    assert np.array_equal(steps[-1]["half_map"].values, expected["half_map"].values)


@pytest.fixture(name="without_driver")
def _without_driver(stand_in, monkeypatch):
    monkeypatch.setattr(type(stand_in), "why_unavailable", lambda self: "no NVIDIA driver was found; install one")
    return stand_in


def test_a_driver_that_is_missing(without_driver):
    for work, variable in (WORK["reconstruct"], WORK["refine"]):
        with pytest.raises(
            BackendUnavailable, match="backend cupy must work here; got this: no NVIDIA driver was found"
        ):
            work(ON_CARD)
        with pytest.warns(UserWarning, match="going on with the CPU: backend cupy must work here"):
            found = work(ALLOWED)
        assert np.array_equal(found[variable].values, work(ON_CPU)[variable].values)
    assert lineage(reconstruct(dict(backend="auto")))[-1]["machine"]["backend"] == "numba"
    assert without_driver.card.launches == 0


def test_a_run_says_what_computed_it(stand_in):
    found = reconstruct(dict(backend="auto"))
    record = lineage(found)[-1]
    assert record["machine"]["backend"] == "cupy" and record["machine"]["description"].startswith("Stand-in, 8.0 GiB")
    here = lineage(reconstruct(ON_CPU))[-1]
    assert "Numba" in here["machine"]["description"]
    assert record["settings_digest"] == here["settings_digest"]
    parts = decompose(ON_CARD)
    assert json.loads(parts.attrs["provenance"])["machine"]["backend"] == "cupy"


def lose(card):
    """Return work that loses the card where it computes on it."""

    def work(config):
        if config.compute.backend == "cupy":
            card.lost = True
            strict_cupy.CARD.work()
        return config.compute.backend

    return work


def test_only_machines_are_given_up(stand_in):
    config = RunConfig.gather(compute=ALLOWED)
    for problem in (InputError("a wrong setting."), RunStopped("stopped."), KeyError("ours"), KeyboardInterrupt()):

        def work(config, problem=problem):
            raise problem

        with pytest.raises(type(problem)), warnings.catch_warnings():
            warnings.simplefilter("error")
            with_fallback(config, work)
    with pytest.warns(UserWarning, match="going on with the CPU"):
        found, used = with_fallback(config, lose(stand_in.card))
    assert found == used.compute.backend == "numba" and used.science() == config.science()
    with pytest.raises(BackendFailed, match="nvidia-smi"):
        with_fallback(RunConfig.gather(compute=ON_CARD), lose(stand_in.card))


def test_a_cpu_that_fails_is_not_asked_again():
    asked = []

    def work(config):
        asked.append(config)
        raise MemoryError("none left")

    with pytest.raises(BackendFailed):
        with_fallback(RunConfig.gather(compute=dict(backend="numba", fallback=True)), work)
    assert len(asked) == 1
    assert usable(asked[0]) is asked[0]


def test_threads_that_a_lost_card_stopped_say_so(stand_in):
    """The other thread is stopped by the counter; what it raises is about the card all the same."""
    counter = Counter(1.0, None)
    counter.stop(strict_cupy.CUDARuntimeError(719, "unspecified launch failure"))
    with pytest.raises(BackendFailed, match="unspecified launch failure"):
        with_fallback(RunConfig.gather(compute=ON_CARD), lambda config: counter.add(1.0, "inserting"))


@pytest.fixture(name="table")
def _table(tmp_path, monkeypatch):
    """Return a folder with the particles and their truth as files, and go there."""
    cn.write_star(particles(), tmp_path / "particles.star", tmp_path / "particles.mrcs")
    cn.write_map(truth(), tmp_path / "start.mrc")
    monkeypatch.chdir(tmp_path)
    return tmp_path


COMMANDS = {
    "reconstruct": ["reconstruct", "particles.star"],
    "decompose": ["diagnose", "particles.star", "decomposition", "--dithers", "1", "--surrogates", "0"],
}
FLAGS = [f"--refine.{name.replace('_', '-')}={value}" for name, value in REFINED.items()]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_that_a_card_failed_ends_in_one_sentence(name, stand_in, table, capsys):
    words = [*COMMANDS[name], "--quiet", "--out", "out"]
    files = sorted(table.iterdir())
    total = operations(stand_in.card, lambda: cli.main([*words[:-1], "whole"]))
    shutil.rmtree(table / "whole")
    capsys.readouterr()
    for moment in spread(total, 4):
        stand_in.card.fails_after = int(moment)
        assert cli.main(words) == 1
        said = capsys.readouterr()
        assert said.out == "" and sorted(table.iterdir()) == files
        lines = [line for line in said.err.splitlines() if "note:" not in line]
        assert len(lines) == 1 and lines[0].startswith("cryonb: the GPU must work to the end of a run; got: ")
        recovered(stand_in.card)
    stand_in.card.fails_after = int(moment)
    assert cli.main([*words, "--compute.fallback"]) == 0
    assert "note: going on with the CPU: the GPU must work" in capsys.readouterr().err
    assert (table / "out" / "session.zarr").is_dir()


def test_a_refinement_that_a_card_failed_is_resumed(stand_in, table, capsys):
    words = ["refine", "particles.star", "--reference", "start.mrc", *FLAGS, "--quiet", "--out"]
    total = operations(stand_in.card, lambda: refine(ON_CARD))
    assert cli.main([*words, "whole"]) == 0
    expected = cn.load(table / "whole" / "session.zarr")["refinement"]["half_map"].values
    for moment in (5, 2 * total // 3):
        stand_in.card.fails_after = moment
        capsys.readouterr()
        assert cli.main([*words, "out"]) == 1
        said = capsys.readouterr().err.splitlines()[-1]
        assert said.startswith("cryonb: the GPU must work to the end of a run; got: ")
        recovered(stand_in.card)
        assert (table / "out").exists() == said.endswith("On the command line: cryonb refine --resume out")
    assert cli.main(["refine", "--resume", "out", "--quiet"]) == 0
    assert np.array_equal(cn.load(table / "out" / "session.zarr")["refinement"]["half_map"].values, expected)


def test_the_doctor_describes_a_card_that_works(stand_in, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "cufinufft", None)
    assert cli.main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "cupy                 works: Stand-in, 8.0 GiB, compute capability 9.0" in said and "8.0 GiB free" in said
    assert "cufinufft            not usable (" in said and "transform on the CPU" in said
    assert said.splitlines()[-1].endswith("backend auto takes cupy.")
    monkeypatch.setitem(sys.modules, "cufinufft", types.ModuleType("cufinufft"))
    assert any(line.startswith("  cufinufft            works") for line in doctor.examine("0"))
    assert backends.get_backend() is stand_in
