"""Decompositions of several classes, and those that are stopped on the way."""

import time

import numpy as np
import pytest
from small_decompositions import curve, small, small_particles
from tolerances import CARRIED_SUM, TELESCOPE

from cryonb.errors import InputError, RunStopped

pytestmark = pytest.mark.filterwarnings("ignore:the outermost shell")


# -- classes


def in_classes(posterior, particles=None):
    particles = small_particles(True) if particles is None else particles
    values = np.stack([posterior, 1.0 - np.asarray(posterior)], axis=1)
    numbered = particles.assign_coords(class_id=("class_id", np.array([1, 2]), {"units": "1"}))
    return numbered.assign(class_posterior=(("particle", "class_id"), values, {"units": "1"}))


def test_every_class_has_its_decomposition():
    chosen = np.random.default_rng(0).uniform(size=200) < 0.6
    options = {"surrogates": 0}
    found = small(in_classes(chosen.astype(float)), options=options)
    assert found["fsc"].dims == ("class_id", "component", "frequency") and found["band"].dims[0] == "class_id"
    assert found.attrs["verdict"].startswith("Class 1: Past") and " Class 2: Past" in found.attrs["verdict"]
    resolutions = []
    for class_id, members in ((1, chosen), (2, ~chosen)):
        alone = small(small_particles(True).isel(particle=np.flatnonzero(members)), options=options)
        one = found.sel(class_id=class_id)
        assert np.abs(one["fsc"].values - alone["fsc"].values).max() < 100 * CARRIED_SUM
        assert np.array_equal(one["band"].values, alone["band"].values)
        assert f"Class {class_id}: {alone.attrs['verdict']}" in found.attrs["verdict"]
        only = small(in_classes(chosen.astype(float)), options={**options, "class_id": class_id})
        assert only["class_id"].values.tolist() == [class_id]
        assert np.array_equal(only["fsc"].values[0], one["fsc"].values)
        resolutions.append(float(alone["resolution"]))
    best = np.nanmin([*resolutions, np.inf])
    assert float(found["resolution"]) == pytest.approx(best if np.isfinite(best) else np.nan, nan_ok=True)


def test_classes_that_are_not_there_are_refused():
    with pytest.raises(InputError, match="class_id must name a class of the particles; got 3"):
        small(in_classes(np.full(200, 0.5)), options={"class_id": 3})
    with pytest.raises(InputError, match="some shell must hold data; got no weight anywhere"):
        small(in_classes(np.ones(200)), options={"class_id": 2})


def test_a_class_that_was_left_empty_does_not_keep_the_others_from_being_judged():
    with pytest.warns(UserWarning, match="class 2 holds less than one particle"):
        found = small(in_classes(np.ones(200)))
    assert found["class_id"].values.tolist() == [1]
    assert found.attrs["verdict"].startswith("Class 1: ")


# -- stopping


class Stopper:
    """A listener that has enough after so many reports; it remembers when."""

    def __init__(self, reports, problem=RunStopped):
        self.left, self.problem, self.when = reports, problem, None

    def __call__(self, fraction, text):
        self.left -= 1
        if self.left < 0 and self.when is None:
            self.when = time.perf_counter()
            raise self.problem("enough.")


def reports_of(**settings):
    heard = []
    small(progress=lambda fraction, text: heard.append(fraction), **settings)
    assert heard == sorted(heard) and heard[-1] == 1.0
    return len(heard)


@pytest.mark.parametrize("problem", [RunStopped, KeyboardInterrupt])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_stopped_run_gives_what_it_had_finished(problem, threads):
    settings = dict(options=dict(dithers=4, surrogates=2), compute=dict(threads=threads))
    total, seen = reports_of(**settings), []
    for share in (0.0, 0.1, 0.3, 0.4, 0.7, 0.9):
        stop = Stopper(int(share * total), problem)
        with pytest.raises(RunStopped, match="the decomposition was stopped. Start it again") as caught:
            small(progress=stop, **settings)
        assert time.perf_counter() - stop.when < 1.0
        found = caught.value.finished
        seen.append(-1 if found is None else int(found["n_dithers"]) + 10 * int(found["n_surrogates"]))
        if found is not None:
            terms = ("grid_locked", "corner", "in_band", "support")
            assert np.abs(sum(curve(found, term) for term in terms) - curve(found, "standard")).max() < TELESCOPE
            assert found.attrs["verdict"] and ("surrogate_circle" in found["component"]) == (
                int(found["n_surrogates"]) > 0
            )
    assert seen[0] == seen[1] == -1 and seen == sorted(seen)
    assert any(0 < value < 4 for value in seen) and seen[-1] >= 4


def test_a_stop_at_the_very_end_loses_nothing():
    total = reports_of()
    with pytest.raises(RunStopped) as caught:
        small(progress=Stopper(total - 1))
    assert np.array_equal(caught.value.finished["fsc"].values, small()["fsc"].values)


def test_a_stop_in_the_second_class_keeps_the_first():
    shared = in_classes(np.full(200, 0.5))
    total = reports_of(particles=shared)
    with pytest.raises(RunStopped) as caught:
        small(shared, progress=Stopper(int(0.55 * total)))
    assert caught.value.finished["class_id"].values.tolist() == [1]
    with pytest.raises(RunStopped) as caught:
        small(shared, progress=Stopper(int(0.95 * total)))
    assert caught.value.finished["class_id"].values.tolist() == [1, 2]


def test_an_interrupt_between_the_limits_of_one_grid_is_survived(monkeypatch):
    """The square has one more grid than the circle then."""
    from cryonb.diagnostics.correlations import Correlations

    add, calls = Correlations.add_turned, []

    def interrupted(self, name, *maps):
        calls.append(name)
        if len(calls) == 6:
            raise KeyboardInterrupt
        add(self, name, *maps)

    monkeypatch.setattr(Correlations, "add_turned", interrupted)
    with pytest.raises(RunStopped) as caught:
        small(options=dict(dithers=4, surrogates=0))
    assert int(caught.value.finished["n_dithers"]) == 2
    assert np.isfinite(curve(caught.value.finished, "corner", "fsc_spread")).all()
