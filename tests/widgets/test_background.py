"""What is done while a job runs, and what a job's end meets, in every order."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_sessions import QUICK, kept, particles, refined, session_of

import cryonb as cn
from cryonb.widgets import orders
from cryonb.widgets.held import Held
from cryonb.widgets.session import Session
from cryonb.widgets.tabs.fsc import TAB as FSC
from cryonb.widgets.tabs.fsc import curves


@pytest.fixture
def session():
    made = Session(particles(), config=dict(compute=dict(threads=2)))
    made.take_apart = False
    for name, value in QUICK.items():
        made.put(f"decomposition.{name}", value)
    yield made
    made.close()


def run(session, **settings):
    for name, value in settings.items():
        session.put(f"box.{name}", value)
    label = session.run()
    session.finish()
    return label


def test_a_judgement_finds_its_run_whatever_that_is_called_by_then(session):
    first, second = run(session), run(session, pad_factor=1.0)
    session.shown = (first,)
    session.judge("decomposition")
    session.rename(first, "judged")
    session.rename(second, first)
    session.finish()
    assert session.judgement("judged", "decomposition") is not None
    assert session.judgement(first, "decomposition") is None


def test_a_run_does_not_write_over_another_that_took_its_name(session):
    label = session.run()
    other = Held(label, kept("own box").dataset)
    session.runs = {label: other}
    session.finish()
    assert session.runs == {label: other} and not session.error


def test_a_class_that_a_run_does_not_have_is_not_asked_for(session):
    session.class_id, session.take_apart = 3, True
    label = run(session)
    assert session.runs[label].status == "finished" and not session.error
    session.judge("fsc")
    session.finish()
    assert not session.error and session.judgement(label, "fsc") is not None


def test_a_run_without_iterations_is_judged_whichever_iteration_was_looked_at(session):
    session.iteration = 2
    label = run(session)
    assert FSC.wants(session) == "fsc"
    session.judge("fsc")
    session.finish()
    assert curves(session)[label] is session.judgement(label, "fsc") and FSC.wants(session) == ""


def test_time_is_counted_until_the_end_and_of_the_run_alone(session, monkeypatch):
    def slow(*_, **__):
        time.sleep(0.3)

    monkeypatch.setattr(orders, "judge", slow)
    session.take_apart = True
    label, job = session.run(), session._job
    assert job.join(20.0)
    took = job.seconds
    time.sleep(0.1)
    session.finish()
    assert job.seconds == took and 0.0 < session.runs[label].seconds <= took - 0.3


def test_an_observer_that_fails_stops_nothing(session):
    label = session.run()

    def fail(_change):
        raise ZeroDivisionError("an observer of another")

    session.observe(fail, "runs")
    session.finish(10.0)
    assert session.state == "idle" and "an observer of another" in session.error
    assert session.runs[label].status == "finished"


def test_what_cannot_be_taken_in_ends_the_job_with_a_sentence(session, monkeypatch):
    monkeypatch.setattr(orders, "open_any", lambda path: object())
    session.open("odd.mrc")
    session.finish(10.0)
    assert session.state == "idle" and session.error and "Traceback" in session.details


def test_what_waits_is_forgotten_where_a_job_is_cancelled_after_its_end(session):
    label = session.run()
    session.judge("guinier")
    assert session._job.join(20.0)
    session.cancel()
    session.finish()
    assert session.runs[label].status == "finished" and session.judgement(label, "guinier") is None


def test_an_iteration_that_is_made_again_takes_the_place_of_the_first():
    held = refined()
    again = held.with_iteration(held.dataset).with_iteration(held.dataset)
    numbers = [int(one["iteration"]) for one in again.iterations]
    assert numbers == sorted(set(numbers)) and numbers[-1] == int(held.dataset["iteration"])


def test_images_of_others_are_not_given_to_a_run_that_is_opened():
    other = cn.simulate("helices", n_particles=60, box_size=32, pixel_size=4.5, snr=5.0, seed=2)
    with session_of() as session:
        session.open(cn.reconstruct(other))
        assert session.runs[session.shown[-1]].particles is None
        session.open(kept("own box").dataset)
        assert session.runs[session.shown[-1]].particles is particles()


def test_a_run_that_was_opened_gets_its_particles_when_they_come():
    session = Session()
    session.open(kept("own box").dataset)
    (label,) = session.shown
    session.open(particles())
    assert session.runs[label].particles is particles()
    session.close()


def test_the_temporary_folder_ends_with_the_process():
    code = "from cryonb.widgets.session import Session; kept = Session(); print(kept._folder, kept._folder.is_dir())"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    folder, was_there = found.stdout.split()
    assert was_there == "True" and not Path(folder).exists()
