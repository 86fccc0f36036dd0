import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from refinement_runs import ShortRecipe, helices, random_candidates, recorded

from cryonb import io, phantom
from cryonb.errors import InputError, RunStopped
from cryonb.refine.checkpoints import FILE, Checkpoint
from cryonb.refine.iterate import iterate, refine
from cryonb.refine.state import State

SETTINGS = dict(refine=dict(recipe="short", n_iterations=3, initial_lowpass=24.0, candidates=2, search_resolution=24.0))

# a process of its own, with the same settings
KILLED = """
import sys
sys.path.insert(0, {tests!r})
from refinement_runs import ShortRecipe, helices, recorded
from cryonb import phantom
from cryonb.refine.iterate import refine
with recorded(ShortRecipe()):
    refine(helices(40, snr=2.0, seed=3), phantom("helices", box_size=32, pixel_size=4.5), checkpoint={folder!r},
           refine=dict(recipe="short", n_iterations=3, initial_lowpass=24.0, candidates=2, search_resolution=24.0))
"""


@pytest.fixture(scope="module", autouse=True)
def short():
    with recorded(ShortRecipe()):
        yield


@pytest.fixture(scope="module")
def particles():
    return helices(40, snr=2.0, seed=3)


@pytest.fixture(scope="module")
def truth():
    return phantom("helices", box_size=32, pixel_size=4.5)


@pytest.fixture(scope="module")
def whole(particles, truth):
    """The run without an interruption, and how often it told its progress."""
    told = []
    run = refine(particles, truth, progress=lambda fraction, text: told.append(text), **SETTINGS)
    return run, len(told)


def same_bits(one, other):
    names = [name for name in one.data_vars if one[name].dtype.kind == "f"]
    return all(one[name].values.tobytes() == other[name].values.tobytes() for name in names)


def finished(folder):
    with np.load(folder / FILE, allow_pickle=False) as file:
        return str(file["record"])


def test_a_state_comes_back_as_it_was(tmp_path):
    rng = np.random.default_rng(0)
    volumes = rng.normal(size=(2, 1, 4, 4, 4)).astype(np.float32)
    fourier = (rng.normal(size=(2, 1, 9)) + 1j).astype(np.complex64)
    state = State(3, volumes, fourier, 7.25, np.ones((1, 3)), np.array([1, 2]), random_candidates(2), note="so far")
    state = dataclasses.replace(state, claimed=np.array([np.nan, 9.0]), converged=True, aligned_to=1 / 3, still=1)
    folder, before = Checkpoint(tmp_path / "run"), random_candidates(2, seed=5)
    assert folder.open({"seed": 0}) is None
    folder.keep({"seed": 0}, state, before)
    stored = folder.open({"seed": 0})
    for name in ("iteration", "limit", "converged", "aligned_to", "still", "note", "mask", "fsc"):
        assert getattr(stored.state, name) == getattr(state, name), name
    for name in ("reference", "fourier", "noise", "half", "claimed"):
        kept = getattr(stored.state, name)
        assert kept.dtype == getattr(state, name).dtype and np.array_equal(kept, getattr(state, name), equal_nan=True)
    for kept, poses in ((stored.state.candidates, state.candidates), (stored.before, before)):
        assert all(np.array_equal(kept.arrays()[name], values) for name, values in poses.arrays().items())


def test_a_run_interrupted_anywhere_ends_with_the_same_bits(particles, truth, whole, tmp_path):
    """Twenty times, at calls of the progress drawn at random; what was finished is not done again."""
    expected, calls = whole
    rng = np.random.default_rng(11)
    for number, moment in enumerate(rng.integers(0, calls, 20)):
        folder, left = tmp_path / f"run{number}", [int(moment)]

        def stop(fraction, text, left=left):
            left[0] -= 1
            if left[0] < 0:
                raise RunStopped("stopped here.")

        done = []
        with pytest.raises(RunStopped):
            done.extend(iterate(particles, truth, checkpoint=folder, progress=stop, **SETTINGS))
        rest = list(iterate(particles, truth, checkpoint=folder, **SETTINGS))
        assert same_bits(rest[-1], expected), moment
        again = int(rest[0]["iteration"])
        assert again in (len(done) + 1, len(done) + 2, 3) and int(rest[-1]["iteration"]) == 3


def test_a_run_interrupted_again_and_again_ends_with_the_same_bits(particles, truth, whole, tmp_path):
    expected, calls = whole
    stops = 0
    while stops < 40:
        left = [calls // 2]

        def stop(fraction, text, left=left):
            left[0] -= 1
            if left[0] < 0:
                raise RunStopped("stopped here.")

        try:
            run = refine(particles, truth, checkpoint=tmp_path / "run", progress=stop, **SETTINGS)
            break
        except RunStopped:
            stops += 1
    assert 0 < stops < 40 and same_bits(run, expected)


@pytest.mark.slow
def test_a_killed_process_leaves_a_run_that_goes_on(particles, truth, whole, tmp_path):
    """SIGKILL at three moments after the first state is there."""
    tests = str(Path(__file__).parent.parent)
    for number, delay in enumerate((0.0, 0.15, 0.4)):
        folder = tmp_path / f"killed{number}"
        code = KILLED.format(tests=tests, folder=str(folder))
        process = subprocess.Popen([sys.executable, "-c", code], cwd=Path(tests).parent, env=os.environ)
        until = time.monotonic() + 60
        while not (folder / FILE).exists() and process.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert (folder / FILE).exists()
        assert same_bits(refine(particles, truth, checkpoint=folder, **SETTINGS), whole[0])


def test_what_is_half_written_does_not_count(particles, truth, whole, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    list(iterate(particles, truth, checkpoint=folder, refine={**SETTINGS["refine"], "n_iterations": 1}))
    kept = (folder / FILE).read_bytes()

    def full(stream, **arrays):
        stream.write(b"half of it")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(np, "savez", full)
        with pytest.raises(InputError, match="with enough room; got 'No space left on device'"):
            refine(particles, truth, checkpoint=folder, **SETTINGS)
    assert (folder / FILE).read_bytes() == kept and [path.name for path in folder.iterdir()] == [FILE]
    assert same_bits(refine(particles, truth, checkpoint=folder, **SETTINGS), whole[0])


def test_a_finished_run_gives_its_last_iteration_again_and_may_be_prolonged(particles, truth, whole, tmp_path):
    folder = tmp_path / "run"
    short = dict(refine={**SETTINGS["refine"], "n_iterations": 2})
    first = refine(particles, truth, checkpoint=folder, **short)
    again = list(iterate(particles, truth, checkpoint=folder, **short))
    assert len(again) == 1 and same_bits(again[0], first) and int(again[0]["iteration"]) == 2
    longer = list(iterate(particles, truth, checkpoint=folder, **SETTINGS))
    assert [int(run["iteration"]) for run in longer] == [3] and same_bits(longer[0], whole[0])


def test_iterations_are_saved_for_people(particles, truth, tmp_path):
    folder = Checkpoint(tmp_path / "run", save=io.save)
    run = refine(particles, truth, checkpoint=folder, **SETTINGS)
    assert sorted(path.name for path in folder.folder.glob("*.nc")) == [f"iteration_00{n}.nc" for n in (1, 2, 3)]
    assert same_bits(io.load(folder.dataset_path(3)), run)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (dict(seed=4), "other particles"),
        (dict(lowpass=26.0), r"refine.initial_lowpass 26.0 where it was 24.0"),
        (dict(compute=dict(seed=1)), "compute.seed 1 where it was 0"),
        (dict(box=dict(pad_factor=1.5), lowpass=26.0), "box.pad_factor 1.5 where it was 2.0; refine.initial_lowpass"),
        (dict(references=None), "other references"),
    ],
)
def test_a_folder_of_another_run_is_refused(particles, truth, tmp_path, change, words):
    folder = tmp_path / "run"
    list(iterate(particles, truth, checkpoint=folder, refine={**SETTINGS["refine"], "n_iterations": 1}))
    refining = {**SETTINGS["refine"], "initial_lowpass": change.get("lowpass", 24.0)}
    groups = {name: change[name] for name in ("compute", "box") if name in change}
    table = helices(40, snr=2.0, seed=change["seed"]) if "seed" in change else particles
    with pytest.raises(InputError, match=f"must continue from a folder of the same run; got {words}"):
        list(iterate(table, change.get("references", truth), checkpoint=folder, refine=refining, **groups))


def test_speed_may_change_between_two_parts_of_a_run(particles, truth, whole, tmp_path):
    folder = tmp_path / "run"
    part = {**SETTINGS["refine"], "n_iterations": 1}
    list(iterate(particles, truth, checkpoint=folder, refine=part, compute=dict(threads=1)))
    rest = refine(particles, truth, checkpoint=folder, compute=dict(threads=2, batch_size=500), **SETTINGS)
    assert same_bits(rest, whole[0])


def test_a_damaged_or_missing_place_is_told(particles, truth, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / FILE).write_bytes(b"nothing of the kind")
    (tmp_path / "file").touch()
    for folder, words in (
        ("run", "state.npz must be the state of a refinement; got a damaged file"),
        ("file", "a checkpoint must be a folder"),
        ("missing/run", "must lie in one that exists"),
    ):
        with pytest.raises(InputError, match=words):
            refine(particles, truth, checkpoint=tmp_path / folder, **SETTINGS)
