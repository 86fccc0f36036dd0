"""A session goes to a file and comes back the same, and files that others wrote open too."""

import dataclasses
import json
import threading

import numpy as np
import pytest
import xarray as xr
from small_sessions import assert_same, bare, kept, particles, refined, session_of

import cryonb as cn
from cryonb.errors import FormatError
from cryonb.widgets import keeping
from cryonb.widgets import kept as kept_file
from cryonb.widgets.session import Session
from cryonb.widgets.tabs import tab_of, tabs

VIEW = dict(plane="y", place=9.0, seen="projection", contrast=2.0, iteration=1, levels={'a "b"/c': 0.5})


@pytest.fixture
def fresh():
    made = Session()
    yield made
    made.close()


def restore(session, path):
    """Open a session as the app does: in the background, with a sentence where it cannot be."""
    session.open(str(path))
    session.finish()
    if session.error:
        raise FormatError(session.error)


def with_table(folder, held):
    """A session with a run, and the table of its particles."""
    table = folder / "particles.star"
    if not table.exists():
        cn.write_star(particles(), table, folder / "images.mrcs")
    return session_of(dataclasses.replace(held, label='a "b"/c')), table


@pytest.mark.parametrize("suffix", [".zarr", ".nc"])
def test_the_same_view_comes_back_mark_for_mark(tmp_path, fresh, suffix):
    made, table = with_table(tmp_path, kept("own box", masked=True))
    path = tmp_path / f"session{suffix}"
    with made as session:
        session.open(str(table))
        session.finish()
        session.hold(refined(), show=True)
        session.put("refine.recipe", "resolution_limited")
        session.put("params.alignment_resolution", 30.0)
        session.put("box.box_size", 3)
        session.put("imaging.window", (0.8, 0.9))
        for name, value in VIEW.items():
            setattr(session, name, value)
        expected = {tab.name: tab.sheet(session) for tab in tabs()}
        entries, faults, config = session.entries, session.faults, session.config
        keeping.save(session, path)
    restore(fresh, path)
    assert {name: getattr(fresh, name) for name in VIEW} == VIEW
    assert list(fresh.runs) == ['a "b"/c', "refined"] == list(fresh.shown)
    assert (fresh.entries, fresh.faults, fresh.config) == (entries, faults, config) and faults
    for name, sheet in expected.items():
        again = tab_of(name).sheet(fresh)
        assert (again is None) == (sheet is None), name
        if sheet is not None:
            assert (again.title, again.headline, again.caption) == (sheet.title, sheet.headline, sheet.caption)
            assert again.description == sheet.description, name
    for name in ("made_of", "fsc", "maps", "history"):
        assert_same(again := tab_of(name).sheet(fresh), expected[name])
    assert fresh.runs["refined"].config == refined().config and len(fresh.runs["refined"].iterations) == 2
    assert fresh.particles.sizes["particle"] == 60 and fresh.origin["file"] == str(table)
    assert fresh.notes == ()


def test_the_file_opens_as_usual_and_stands_side_by_side(tmp_path):
    with session_of(bare("own box"), bare("larger")) as session:
        keeping.save(session, tmp_path / "session.zarr")
    tree = cn.load(tmp_path / "session.zarr")
    np.testing.assert_array_equal(tree["own box"]["half_map"], kept("own box").dataset["half_map"])
    assert [panel.title for panel in cn.side_by_side(tree).sheet.rows[0].panels] == ["own box", "larger"]


def test_particles_are_found_beside_a_session_that_was_moved(tmp_path, fresh):
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    made, table = with_table(before, bare("own box"))
    with made as session:
        session.open(str(table))
        session.finish()
        keeping.save(session, before / "session.zarr")
    before.rename(after)
    restore(fresh, after / "session.zarr")
    assert fresh.origin["file"] == str(after / "particles.star") and fresh.particles is not None


def test_particles_that_are_missing_are_named_and_can_be_given_later(tmp_path, fresh):
    made, table = with_table(tmp_path, bare("own box"))
    with made as session:
        session.open(str(table))
        session.finish()
        keeping.save(session, tmp_path / "session.zarr")
    table.unlink()
    restore(fresh, tmp_path / "session.zarr")
    (note,) = fresh.notes
    assert "particles.star" in note and "open the particles" in note
    held = fresh.runs['a "b"/c']
    assert held.dataset is not None and held.particles is None and tab_of("maps").sheet(fresh) is not None
    fresh.open(particles())
    assert fresh.runs['a "b"/c'].particles is particles()


def test_particles_of_a_session_are_opened_behind_the_app(tmp_path, fresh, monkeypatch):
    with session_of(bare("own box"), origin={"demo": 5}) as session:
        keeping.save(session, tmp_path / "demo.zarr")
    threads = []

    def simulated(seed):
        threads.append(threading.current_thread())
        return particles()

    monkeypatch.setattr(kept_file, "demo_particles", simulated)
    fresh.open(str(tmp_path / "demo.zarr"))
    fresh.finish()
    assert fresh.particles is particles() and threads and threads[0] is not threading.main_thread()


def test_particles_given_in_memory_and_the_demonstration(tmp_path, fresh, monkeypatch):
    with session_of(bare("own box"), source="60 particles") as session:
        keeping.save(session, tmp_path / "memory.zarr")
        session.origin = {"demo": 5}
        keeping.save(session, tmp_path / "demo.zarr")
    restore(fresh, tmp_path / "memory.zarr")
    assert fresh.particles is None and "in memory" in fresh.notes[0] and fresh.source == ""
    seeds = []
    monkeypatch.setattr(kept_file, "demo_particles", lambda seed: seeds.append(seed) or particles())
    restore(fresh, tmp_path / "demo.zarr")
    assert seeds == [5] and fresh.particles is particles() and fresh.origin == {"demo": 5} and fresh.notes == ()


def test_starting_volumes_are_kept_once_and_go_with_their_runs(tmp_path, fresh):
    volume = cn.phantom("helices", box_size=16, pixel_size=9.0)
    with session_of() as session:
        session.references = [volume]
        for label in ("a", "b"):
            session.hold(dataclasses.replace(bare(label), references=[volume]))
        keeping.save(session, tmp_path / "session.zarr")
    names = [name for name in cn.load(tmp_path / "session.zarr")["app"].children if name.startswith("reference")]
    assert names == ["reference 0"]
    restore(fresh, tmp_path / "session.zarr")
    assert fresh.runs["a"].references[0] is fresh.references[0] is fresh.runs["b"].references[0]
    np.testing.assert_array_equal(fresh.references[0]["density"], volume["density"])


def test_a_run_that_went_on_comes_back_stopped_and_an_empty_session_comes_back_empty(tmp_path, fresh):
    with session_of() as session:
        keeping.save(session, tmp_path / "empty.zarr")
        session.hold(dataclasses.replace(bare("now"), status="running"))
        keeping.save(session, tmp_path / "session.zarr")
    restore(fresh, tmp_path / "session.zarr")
    assert fresh.runs["now"].status == "stopped"
    restore(fresh, tmp_path / "empty.zarr")
    assert fresh.runs == {} and fresh.shown == ()


def test_sessions_of_compare_and_of_commands_become_runs(tmp_path, fresh):
    run, other = kept("own box"), kept("larger", box_size=32, pad_factor=1.0)
    apart, fsc = (run.judgements[name] for name in ("decomposition dithers=1 surrogates=0", "fsc"))
    cn.save(
        cn.compare({"bin 1": run.dataset, "fine": other.dataset, "bin 1_decomposition": apart}), tmp_path / "a.zarr"
    )
    restore(fresh, tmp_path / "a.zarr")
    assert list(fresh.runs) == ["bin 1", "fine"] == list(fresh.shown)
    assert list(fresh.runs["bin 1"].judgements) == ["decomposition"] and not fresh.runs["fine"].judgements
    assert tab_of("maps").sheet(fresh) is not None
    cn.save(cn.compare({"refinement": other.dataset, "fsc": other.judgements["fsc"]}), tmp_path / "b.zarr")
    restore(fresh, tmp_path / "b.zarr")
    assert list(fresh.runs) == ["bin 1", "fine", "refinement"] and list(fresh.runs["refinement"].judgements) == ["fsc"]
    cn.save(cn.compare({"pad 1": apart, "an FSC": fsc}), tmp_path / "c.zarr")
    fresh.runs, fresh.shown = {}, ()
    restore(fresh, tmp_path / "c.zarr")
    assert list(fresh.runs) == ["pad 1", "an FSC"] and len(list(tab_of("fsc").sheet(fresh).panels())) == 1
    assert [panel.title for panel in tab_of("made_of").sheet(fresh).panels()] and "an FSC" in tab_of("fsc").sheet(
        fresh
    ).caption


def test_what_opens_through_the_session_is_taken_in_too(tmp_path, fresh):
    cn.save(cn.compare({"bin 1": bare("own box").dataset}), tmp_path / "a.zarr")
    fresh.open(str(tmp_path / "a.zarr"))
    fresh.finish()
    assert list(fresh.runs) == ["bin 1"] and not fresh.error
    cn.save(bare("own box").dataset, tmp_path / "alone.nc")
    restore(fresh, tmp_path / "alone.nc")
    assert list(fresh.runs) == ["bin 1", "alone.nc"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "whole.nc"
    with session_of(bare("own box")) as session:
        keeping.save(session, path)
    return cn.load(path)


def spoilt(whole, change):
    tree = whole.copy()
    tree["app"].attrs["state"] = change(json.loads(tree["app"].attrs["state"]))
    return tree


@pytest.mark.parametrize(
    "change, says",
    [
        (lambda state: "not json", "must be whole"),
        (lambda state: json.dumps({**state, "version": 99}), "version 1 or older"),
        (lambda state: json.dumps({name: value for name, value in state.items() if name != "view"}), "must be whole"),
        (lambda state: json.dumps({**state, "runs": [{**state["runs"][0], "node": "gone"}]}), "must be whole"),
        (lambda state: json.dumps({**state, "runs": 3}), "must be whole"),
        (lambda state: json.dumps({**state, "origin": {"demo": "none"}}), "must be whole"),
    ],
    ids=["no state", "later version", "part missing", "run missing", "no runs", "no origin"],
)
def test_a_damaged_state_is_a_sentence_and_changes_nothing(whole, fresh, change, says):
    fresh.hold(bare("own box"), show=True)
    with pytest.raises(FormatError, match=says):
        keeping.take_in(fresh, spoilt(whole, change), {})
    assert list(fresh.runs) == ["own box"] and fresh.particles is None


def test_values_that_this_version_does_not_take_are_left_out_with_a_note(whole, fresh):
    def other(state):
        entries = {"box.nothing": 3, "box.pad_factor": 1.0}
        return json.dumps({**state, "entries": entries, "view": {**state["view"], "plane": "w"}})

    keeping.take_in(fresh, spoilt(whole, other), {})
    assert fresh.entries == {"box.pad_factor": 1.0} and fresh.plane == "z"
    assert any("box.nothing" in note for note in fresh.notes) and any("plane" in note for note in fresh.notes)


@pytest.mark.parametrize("name", ["nothing.zarr", "foreign.nc", "words.nc"])
def test_files_that_are_missing_foreign_or_damaged_are_a_sentence(tmp_path, fresh, name):
    xr.Dataset({"a": ("x", [1.0])}).to_netcdf(tmp_path / "foreign.nc", engine="h5netcdf")
    (tmp_path / "words.nc").write_text("not a file of this kind")
    with pytest.raises(FormatError, match="must"):
        restore(fresh, tmp_path / name)
