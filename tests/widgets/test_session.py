"""A whole session without a browser: set, run, step, look."""

import gc
import subprocess
import sys
import threading
import time
import warnings
import weakref
from functools import cache

import numpy as np
import pytest
import xarray as xr

import cryonb as cn
from cryonb.errors import InputError
from cryonb.widgets import orders
from cryonb.widgets.held import Held
from cryonb.widgets.session import Session


@cache
def particles():
    return cn.simulate("helices", n_particles=60, box_size=32, pixel_size=4.5, snr=5.0, binning=2.0, seed=1)


@pytest.fixture
def session():
    made = Session(particles(), config=dict(compute=dict(threads=2)))
    made.put("decomposition.dithers", 1)
    made.put("decomposition.surrogates", 0)
    yield made
    made.close()


def test_settings_plan_run_and_verdict(session):
    told = []
    session.observe(lambda change: told.append((change.name, change.new)), ["state", "message", "progress"])
    session.put("box.box_size", 24)
    assert "box of 24 voxels" in session.plan and "apart" in session.plan and not session.plan_fault
    label = session.run()
    assert session.runs[label].status == "running" and session.shown == (label,)
    session.finish()
    held = session.runs[label]
    assert held.status == "finished" and held.dataset.sizes["x"] == 24 and held.seconds > 0.0
    found = session.judgement(label, "decomposition")
    assert found.attrs["verdict"] and int(found["n_dithers"]) == 1
    assert [value for name, value in told if name == "state"] == ["running", "idle"]
    fractions = [value for name, value in told if name == "progress"]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0
    expected = cn.reconstruct(particles(), box=dict(box_size=24))
    np.testing.assert_array_equal(held.dataset["half_map"], expected["half_map"])


def test_nothing_changes_until_step_is_called(session):
    session.take_apart = False
    label = session.run()
    session._job.join(20.0)
    assert session.state == "running" and session.runs[label].dataset is None
    session.step()
    assert session.state == "idle" and session.runs[label].dataset is not None


def test_the_same_settings_make_a_second_run_beside_the_first(session):
    session.take_apart = False
    labels = []
    for pad_factor in (2.0, 1.0, 1.0):
        session.put("box.pad_factor", pad_factor)
        labels.append(session.run())
        session.finish()
    assert labels == ["box 16, pad 2, circle", "box 16, pad 1, circle", "box 16, pad 1, circle (2)"]
    assert session.shown == tuple(labels)
    assert list(session.tree().children) == labels


def test_what_cannot_work_is_said_and_does_not_start(session):
    session.put("box.box_size", 3)
    assert "box_size must be at least 8" in session.faults["box.box_size"]
    assert session.plan == "" and "marked" in session.plan_fault
    with pytest.raises(InputError, match="Mend the settings"):
        session.run()
    session.put("box.box_size", 24)
    session.put("mask.kind", "sphere")
    session.put("mask.radius", 5000.0)
    assert "mask radius must be at most 124.7 [angstrom]" in session.plan_fault
    session.clear("mask.kind")
    session.put("compute.memory_limit", 1e-6)
    assert "a run must fit in memory" in session.plan_fault
    session.verb = "refine"
    assert "a refinement must fit in memory" in session.plan_fault


def test_a_failure_in_the_background_is_a_sentence_with_details_and_the_session_goes_on(session, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("the floor gave way")

    with monkeypatch.context() as patch:
        patch.setattr(orders, "reconstruct", broken)
        session.run()
        session.finish()
    assert session.error == "The run ended with an error: the floor gave way (ZeroDivisionError)."
    assert "Traceback" in session.details and "broken" in session.details
    assert session.state == "idle" and session.runs == {} and session.shown == ()
    session.take_apart = False
    session.run()
    assert session.error == "" and session.details == ""
    session.finish()
    assert len(session.runs) == 1


def test_our_own_errors_arrive_word_by_word(session, monkeypatch):
    sentence = "a thing must hold; got another. Do this."

    def refuse(*_, **__):
        raise InputError(sentence)

    monkeypatch.setattr(orders, "reconstruct", refuse)
    session.run()
    session.finish()
    assert session.error == sentence
    session.dismiss()
    assert session.error == session.details == ""


def test_a_file_that_cannot_be_read_is_a_sentence(session, tmp_path):
    bad = tmp_path / "bad.star"
    bad.write_text("nothing of the kind\n")
    session.open(str(bad))
    session.finish()
    assert "bad.star" in session.error and session.particles is particles()


def test_warnings_of_a_run_become_notes(session, monkeypatch):
    def warn(*arguments, **settings):
        warnings.warn("poses look odd", UserWarning, stacklevel=2)
        return cn.reconstruct(*arguments, **settings)

    monkeypatch.setattr(orders, "reconstruct", warn)
    session.take_apart = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        label = session.run()
        session.finish()
    assert "poses look odd" in session.notes and "poses look odd" in session.runs[label].notes


def refining(session, iterations=3):
    session.verb, session.take_apart = "refine", False
    session.put("refine.recipe", "homogeneous")
    session.put("refine.n_iterations", iterations)
    session.put("refine.search_resolution", 30.0)
    session.references = [cn.phantom("helices", box_size=16, pixel_size=9.0)]


def test_a_refinement_is_cancelled_and_goes_on_to_the_same_bits(session):
    refining(session)
    label = session.run()
    while not session.runs[label].iterations:
        session.step(0.05)
    assert int(session.runs[label].dataset["iteration"]) >= 1
    session.cancel()
    assert session.state == "cancelling"
    session.finish()
    stopped = session.runs[label]
    assert stopped.status == "stopped" and session.message == "cancelled" and not session.error
    assert session.can_resume and len(stopped.iterations) < 3
    session.rename(label, "mine")
    label = "mine"
    assert session.resume() == label
    session.finish()
    held = session.runs[label]
    assert held.status == "finished" and not session.can_resume
    assert [int(one["iteration"]) for one in held.iterations] == list(range(1, len(held.iterations) + 1))
    assert not any(name in held.iterations[0] for name in ("half_map", "volume", "z"))
    straight = cn.refine(particles(), held.references, held.config)
    np.testing.assert_array_equal(held.dataset["half_map"], straight["half_map"])


def test_what_was_stopped_in_another_session_cannot_go_on_here(session):
    refining(session)
    label = session.run()
    session.cancel()
    session.finish()
    stopped = session.runs[label]
    session.hold(Held("from a file", stopped.dataset, verb="refine", status="stopped"))
    session.drop(label)
    assert not session.can_resume
    with pytest.raises(InputError, match="refinement that was stopped"):
        session.resume()


def test_judgements_of_an_earlier_iteration_are_not_kept(session):
    session.take_apart = False
    label = session.run()
    session.finish()
    held = session.runs[label].judged("fsc", session.runs[label].dataset)
    assert "fsc" in held.judgements and held.with_iteration(held.dataset).judgements == {}


def test_cancel_takes_less_than_a_second_wherever_it_comes(session):
    refining(session, iterations=20)
    for wait in (0.05, 0.3, 0.7):
        label = session.run()
        time.sleep(wait)
        session.step()
        start = time.monotonic()
        session.cancel()
        session.finish()
        assert time.monotonic() - start < 1.0
        if label in session.runs:
            session.drop(label)


def test_work_that_cannot_stop_at_once_is_not_waited_for_and_not_heard(session, monkeypatch):
    free = threading.Event()

    def stuck(*arguments, **settings):
        assert free.wait(10.0)
        return cn.reconstruct(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(orders, "reconstruct", stuck)
        label = session.run()
        job, start = session._job, time.monotonic()
        session.cancel()
        session.finish()
    assert time.monotonic() - start < 1.0 and session.state == "idle" and label not in session.runs
    session.take_apart = False
    session.run()
    session.finish()
    made = session.runs[label].dataset
    free.set()
    assert job.join(10.0)
    session.step()
    assert session.runs[label].dataset is made and session.state == "idle"


def test_what_is_asked_for_while_a_run_goes_on_waits_for_it(session):
    session.take_apart = False
    label = session.run()
    session.judge("fsc")
    with pytest.raises(InputError, match="one thing at a time"):
        session.run()
    session.finish()
    assert session.judgement(label, "fsc").attrs["schema"] == "cryonb/fsc"


def test_judgements_are_kept_by_their_options(session):
    session.take_apart = False
    label = session.run()
    session.finish()
    assert session.unjudged("guinier") and session.judgement(label, "guinier") is None
    session.judge("guinier")
    session.finish()
    first = session.judgement(label, "guinier")
    assert first is not None and not session.unjudged("guinier")
    session.put("guinier.fit_coarse", 40.0)
    assert session.judgement(label, "guinier") is None and session.unjudged("guinier")
    session.clear("guinier.fit_coarse")
    assert session.judgement(label, "guinier") is first


def test_what_a_stopped_judgement_had_finished_is_kept(session):
    session.put("decomposition.dithers", 60)
    label = session.run()
    while session.progress < 0.4:
        session.step(0.05)
    session.cancel()
    session.finish()
    found = session.judgement(label, "decomposition")
    assert found is not None and 0 < int(found["n_dithers"]) < 60


def test_a_run_whose_curve_could_not_be_taken_apart_is_finished_all_the_same(session, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("the judge fell ill")

    monkeypatch.setattr(orders, "diagnose", broken)
    label = session.run()
    session.finish()
    held = session.runs[label]
    assert "the judge fell ill" in session.error
    assert held.status == "finished" and held.dataset is not None and not held.judgements
    assert not session.can_resume


def test_maps_alone_can_be_opened_and_judged():
    session = Session(cn.filtered_half_maps("filter_then_mask"))
    (label,) = session.shown
    session.judge("fsc")
    session.finish()
    assert session.judgement(label, "fsc") is not None
    assert session.unjudged("decomposition") == [] and session.plan_fault == "Open particles first."
    session.close()


def test_opened_maps_are_judged_under_the_mask_that_is_set():
    session = Session(cn.filtered_half_maps("filter_then_mask"))
    (label,) = session.shown
    session.judge("fsc")
    session.finish()
    plain = session.judgement(label, "fsc")
    session.put("mask.kind", "sphere")
    session.put("mask.radius", 40.0)
    assert session.judgement(label, "fsc") is None and session.unjudged("fsc")
    session.judge("fsc")
    session.finish()
    masked = session.judgement(label, "fsc")
    expected = cn.diagnose(session.runs[label].dataset, "fsc", mask=dict(kind="sphere", radius=40.0))
    assert "masked" in masked["fsc_kind"] and str(masked["mask_digest"].values) == str(expected["mask_digest"].values)
    session.clear("mask.kind")
    assert session.judgement(label, "fsc") is plain
    session.close()


def test_the_mask_of_the_next_run_is_not_laid_on_one_that_was_made_without(session):
    session.take_apart = False
    label = session.run()
    session.finish()
    session.judge("fsc")
    session.finish()
    found = session.judgement(label, "fsc")
    session.put("mask.kind", "sphere")
    assert session.judgement(label, "fsc") is found


def test_rename_and_drop(session):
    session.take_apart = False
    label = session.run()
    session.finish()
    session.levels = {label: 0.5}
    session.rename(label, "  mine ")
    assert list(session.runs) == ["mine"] and session.shown == ("mine",) and session.levels == {"mine": 0.5}
    assert session.runs["mine"].label == "mine"
    with pytest.raises(InputError, match="must have a name"):
        session.rename("mine", "  ")
    session.hold(Held("other", session.runs["mine"].dataset))
    with pytest.raises(InputError, match="must differ"):
        session.rename("mine", "other")
    session.drop("mine")
    assert list(session.runs) == ["other"] and session.shown == () and session.levels == {}


def test_bounds_follow_what_is_in_view(session):
    assert session.bounds("place") == (0.0, 0.0, 1.0)
    session.take_apart = False
    session.run()
    session.finish()
    low, high, step = session.bounds("place")
    assert (low, high, step) == (-72.0, 63.0, 9.0)
    assert session.bounds("class_id") == (1.0, 1.0, 1.0)
    with pytest.raises(InputError, match="Use place, iteration"):
        session.bounds("plane")


def test_two_sessions_at_work_do_not_disturb_each_other():
    first, second = Session(particles()), Session(particles())
    second.put("box.box_size", 24)
    first.take_apart = second.take_apart = False
    labels = first.run(), second.run()
    first.finish()
    second.finish()
    assert list(first.runs) == [labels[0]] and list(second.runs) == [labels[1]]
    alone = cn.reconstruct(particles(), box=dict(box_size=24))
    np.testing.assert_array_equal(second.runs[labels[1]].dataset["half_map"], alone["half_map"])
    first.close()
    second.run()
    second.finish()
    assert len(second.runs) == 2
    second.close()


def test_closing_ends_the_thread_the_folder_and_frees_the_maps():
    session = Session(particles().copy(deep=True))
    refining(session, iterations=20)
    kept, before = weakref.ref(session.particles), set(threading.enumerate())
    session.run()
    time.sleep(0.3)
    session.step()
    folder, start = session._folder, time.monotonic()
    session.close()
    assert time.monotonic() - start < 1.5 and not folder.exists()
    assert set(threading.enumerate()) <= before
    del session
    gc.collect()
    assert kept() is None


def test_no_widget_library_stands_behind_it():
    code = (
        "import sys, cryonb.widgets.session, cryonb.widgets.tabs, cryonb.widgets.keeping, cryonb.widgets.cell\n"
        "cryonb.widgets.tabs.tabs()\n"
        "print(*(name for name in ('ipywidgets', 'anywidget', 'nglview', 'IPython') if name in sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []


def test_an_opened_tree_of_runs_is_set_side_by_side(session):
    runs = {"a": cn.reconstruct(particles()), "b": cn.reconstruct(particles(), box=dict(pad_factor=1.0))}
    session.open(cn.compare(runs))
    assert session.shown == ("a", "b")
    xr.testing.assert_identical(session.runs["a"].dataset, runs["a"])
