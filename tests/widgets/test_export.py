"""What is written: figures with their settings, maps under safe names, and nothing over anything."""

import dataclasses

import numpy as np
import pytest
from small_sessions import kept, refined, session_of

import cryonb as cn
from cryonb.errors import InputError
from cryonb.widgets import export
from cryonb.widgets.export import _with_settings
from cryonb.widgets.tabs import tab_of

STARTS = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}


@pytest.mark.parametrize("suffix", STARTS)
def test_a_figure_is_written_in_the_format_of_its_name(tmp_path, suffix):
    with session_of(kept("own box"), tab="fsc") as session:
        (written,) = export.figure(session, tmp_path / f"figure{suffix}")
    assert written.read_bytes().startswith(STARTS[suffix]) and list(tmp_path.iterdir()) == [written]


def test_the_settings_stand_in_the_caption():
    runs = kept("own box"), kept("larger", box_size=32, pad_factor=1.0)
    with session_of(*runs) as session:
        for name in ("fsc", "maps", "made_of", "record"):
            caption = _with_settings(tab_of(name).sheet(session), session).caption
            assert caption.count("own box: ") == caption.count("larger: ") == 1, name
        assert "larger: reconstruct with box=dict(box_size=32, pad_factor=1.0)" in caption
    with session_of(refined()) as session:
        history = _with_settings(tab_of("history").sheet(session), session).caption
        assert 'search="local"' in history
        fsc = tab_of("fsc").sheet(session)
        assert _with_settings(fsc, session) is fsc and "box 16 voxels" in fsc.caption


def test_what_has_no_figure_is_refused_with_the_reason(tmp_path):
    with session_of(kept("own box"), tab="difference") as session:
        with pytest.raises(InputError, match="two maps"):
            export.figure(session, tmp_path / "a.png")
        session.tab = "surfaces"
        with pytest.raises(InputError, match="drawn in the page"):
            export.figure(session, tmp_path / "a.png")
        session.tab = "fsc"
        with pytest.raises(InputError, match="must end in"):
            export.figure(session, tmp_path / "a.jpg")
        with pytest.raises(InputError, match="folder of a figure must exist"):
            export.figure(session, tmp_path / "none" / "a.png")
    assert not list(tmp_path.iterdir())


def test_maps_and_halves_are_written_under_safe_names(tmp_path):
    one, classed = dataclasses.replace(kept("own box"), label="../a/b"), refined(classes=2)
    alike = dataclasses.replace(kept("own box"), label="../A:b")
    with session_of(one, alike, classed) as session:
        written = export.maps(session, tmp_path / "maps")
    names = sorted(path.name for path in written)
    assert names == sorted(path.name for path in (tmp_path / "maps").iterdir())
    assert {"_a_b_map.mrc", "_a_b_half_map_A.mrc", "_a_b_half_map_B.mrc", "_A_b (2)_map.mrc"} <= set(names)
    assert {"refined_half_map_class_1_A.mrc", "refined_half_map_class_2_B.mrc"} <= set(names)
    opened = cn.open_map(tmp_path / "maps" / "_a_b_map.mrc")
    np.testing.assert_array_equal(opened["density"], one.dataset["half_map"].mean("half"))
    assert float(opened["voxel_size"]) == pytest.approx(9.0)


def test_nothing_is_written_over(tmp_path):
    with session_of(kept("own box")) as session:
        target = tmp_path / "own box_half_map_A.mrc"
        target.write_text("mine")
        with pytest.raises(InputError, match="must not be overwritten; got own box_half_map_A.mrc there already"):
            export.maps(session, tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == [target.name] and target.read_text() == "mine"
        with pytest.raises(InputError, match="must be writable"):
            export.maps(session, target / "inside")
        session.shown = ()
        with pytest.raises(InputError, match="must have a map"):
            export.maps(session, tmp_path / "other")
