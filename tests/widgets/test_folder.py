"""A folder shows what can be opened, and nothing outside of its root."""

import pytest

from cryonb.errors import InputError
from cryonb.widgets import folder as places
from cryonb.widgets.folder import Folder, in_words


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "root"
    (root / "job1" / "session.zarr").mkdir(parents=True)
    (root / "kept.zarr").mkdir()
    (root / "more").mkdir()
    (root / ".hidden").mkdir()
    files = ("b.star", "A.cs", "stack.mrcs", "map.mrc", "map.mrc.gz", "notes.txt", "old.nc", ".secret.star")
    halves = ("run_half1_class001_unfil.mrc", "run_half2_class001_unfil.mrc", "P1_map_half_A.mrc", "P1_map_half_B.mrc")
    for place, name in enumerate((*files, *halves, "lonely_half1.mrc")):
        (root / name).write_bytes(b"x" * (100 * place))
    (tmp_path / "outside.star").write_text("data_")
    (tmp_path / "other").mkdir()
    (root / "link.star").symlink_to(tmp_path / "outside.star")
    (root / "way_out").symlink_to(tmp_path / "other")
    (root / "broken.mrc").symlink_to(root / "nowhere.mrc")
    (root / "inner.star").symlink_to(root / "b.star")
    return Folder(root)


def kinds(entries):
    return {entry.name: entry.kind for entry in entries if len(entry.paths) == 1}


def test_only_what_can_be_opened_is_listed_with_its_kind(folder):
    found = kinds(folder.entries())
    assert (
        found["job1"] == "results" and found["kept.zarr"] == found["old.nc"] == "session" and found["more"] == "folder"
    )
    assert found["b.star"] == found["A.cs"] == found["stack.mrcs"] == found["inner.star"] == "particles"
    assert found["map.mrc"] == found["map.mrc.gz"] == "map"
    left_out = {"notes.txt", ".secret.star", ".hidden", "link.star", "way_out", "broken.mrc"}
    assert not left_out & set(found)


def test_folders_come_first_and_names_are_sorted_whatever_their_case(folder):
    names = [entry.name for entry in folder.entries()]
    assert names[:2] == ["more", "A.cs"]
    assert names[1:] == sorted(names[1:], key=str.casefold)


def test_half_maps_of_one_run_stand_together_before_their_files(folder):
    entries = folder.entries()
    pairs = {entry.name: [path.name for path in entry.paths] for entry in entries if entry.kind == "half maps"}
    assert pairs == {
        "run_half1_class001_unfil.mrc": ["run_half1_class001_unfil.mrc", "run_half2_class001_unfil.mrc"],
        "P1_map_half_A.mrc": ["P1_map_half_A.mrc", "P1_map_half_B.mrc"],
    }
    first = next(place for place, entry in enumerate(entries) if entry.name == "P1_map_half_A.mrc")
    assert [entry.kind for entry in entries[first : first + 2]] == ["half maps", "map"]
    assert entries[first].size == sum(path.stat().st_size for path in entries[first].paths)


def test_a_filter_finds_names_in_either_case(folder):
    assert [entry.name for entry in folder.entries(containing="STAR")] == ["b.star", "inner.star"]


@pytest.mark.parametrize("name", ["..", "../outside.star", "/etc", "more/../../other", "way_out", "link.star"])
def test_no_path_leads_out(folder, name):
    with pytest.raises(InputError, match="must lie under"):
        folder.path(name)
    with pytest.raises(InputError, match="must lie under"):
        folder.target(name, ())


def test_an_ending_that_is_added_does_not_lead_out_either(folder, tmp_path):
    (folder.root / "kept2.zarr").symlink_to(tmp_path / "other")
    with pytest.raises(InputError, match="must lie under"):
        folder.target("kept2", (".zarr",))


def test_what_cannot_be_read_hides_nothing_else(folder, monkeypatch):
    (folder.root / "circle.star").symlink_to(folder.root / "circle.star")

    def refuse(path):
        raise PermissionError(13, "refused", str(path))

    monkeypatch.setattr(places, "session_in", refuse)
    found = kinds(folder.entries())
    assert found["b.star"] == "particles" and found["more"] == found["job1"] == "folder" and "circle.star" not in found


def test_a_filter_looks_at_the_files_that_it_names_only(folder, monkeypatch):
    looked, own = [], Folder._entry
    monkeypatch.setattr(Folder, "_entry", lambda self, place: looked.append(place.name) or own(self, place))
    (pair, first) = folder.entries(containing="HALF1_class")
    assert sorted(looked) == ["run_half1_class001_unfil.mrc", "run_half2_class001_unfil.mrc"]
    assert pair.kind == "half maps" and first.kind == "map"


def test_a_folder_that_is_not_there_says_so(folder, tmp_path):
    with pytest.raises(InputError, match="a folder must be there to be looked into; got missing"):
        folder.entries("missing")
    with pytest.raises(InputError, match="root must be a folder"):
        Folder(tmp_path / "missing")


def test_a_target_gets_an_ending_and_refuses_another(folder):
    assert folder.target("kept", (".zarr",)) == folder.root / "kept.zarr"
    assert folder.target("more/figure.PNG", (".png",)).name == "figure.PNG"
    for name, words in (
        (" ", "must have a name"),
        ("a.txt", "must end in .zarr"),
        ("no/a.zarr", "folder must be there"),
    ):
        with pytest.raises(InputError, match=words):
            folder.target(name, (".zarr",))
    with pytest.raises(InputError, match="differ from the folder itself"):
        folder.target(".", ())


def test_paths_and_sizes_are_shown_as_people_read_them(folder):
    assert folder.shown(folder.root) == "root" and folder.shown(folder.path("more")) == "more"
    words = [in_words(size) for size in (0, 999, 1000, 123_456, 2_000_000_000, 5e15)]
    assert words == ["0 bytes", "999 bytes", "1.0 kB", "123 kB", "2.0 GB", "5000 TB"]
    assert {entry.name: entry.words for entry in folder.entries()}["A.cs"] == "particles, 100 bytes"
