"""Whatever is written is whole or not there."""

import errno
import os

import numpy as np
import pytest
import xarray as xr

from cryonb import io
from cryonb.errors import InputError


def full_disk(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    sentence = "got 'No space left on device' while writing .*a.txt. Free some space"
    with pytest.raises(InputError, match=sentence), io.replacing(target) as partial:
        partial.write_text("half")
        full_disk()
    with pytest.raises(RuntimeError), io.replacing(target) as partial:
        partial.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_folders_are_replaced_whole(tmp_path):
    target = tmp_path / "a.zarr"
    for content in ("first", "second"):
        with io.replacing(target) as partial:
            partial.mkdir()
            (partial / content).write_text(content)
    assert [path.name for path in target.iterdir()] == ["second"]
    with pytest.raises(InputError, match="a file must not take the place of a folder"), io.replacing(target) as partial:
        partial.write_text("file")
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_that_cannot_be_replaced_stays(tmp_path, monkeypatch):
    target = tmp_path / "a.zarr"
    target.mkdir()
    (target / "old").write_text("old")
    rename = os.rename

    def stubborn(source, destination):
        if ".partial" in str(source):
            full_disk()
        rename(source, destination)

    monkeypatch.setattr(os, "rename", stubborn)
    with pytest.raises(InputError, match="must be writable"), io.replacing(target) as partial:
        partial.mkdir()
    assert [path.name for path in tmp_path.iterdir()] == ["a.zarr"]
    assert (target / "old").read_text() == "old"


@pytest.mark.parametrize("verb", ["map", "stack", "zarr", "nc"])
def test_places_that_cannot_be_written_are_named(tmp_path, verb, monkeypatch):
    def attempt(folder):
        if verb == "map":
            io.write_map(np.ones((4, 4, 4)), folder / "a.mrc", voxel_size=1.0)
        elif verb == "stack":
            io.write_stack(np.ones((4, 4, 4)), folder / "a.mrcs", pixel_size=1.0)
        else:
            io.save(xr.Dataset(attrs={"schema": "cryonb/none"}), folder / f"a.{verb}")

    with pytest.raises(InputError, match="the folder to write to must exist; got missing"):
        attempt(tmp_path / "nowhere")
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="must be a folder; got the file"):
        attempt(tmp_path / "file")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(InputError, match="must be writable; got no permission"):
        attempt(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_leaves_no_part_of_a_map_or_stack(tmp_path, monkeypatch):
    monkeypatch.setattr("mrcfile.mrcfile.MrcFile.flush", full_disk)
    with pytest.raises(InputError, match="No space left"):
        io.write_map(np.ones((4, 4, 4)), tmp_path / "a.mrc", voxel_size=1.0)
    monkeypatch.undo()
    monkeypatch.setattr("cryonb.io.mrc._stream_images", full_disk)
    with pytest.raises(InputError, match="No space left"):
        io.write_stack(np.ones((4, 4, 4)), tmp_path / "a.mrcs", pixel_size=1.0)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".zarr", ".nc"])
def test_a_full_disk_leaves_no_part_of_a_session(tmp_path, monkeypatch, suffix):
    dataset = xr.Dataset({"a": ("x", np.arange(3.0))}, attrs={"schema": "cryonb/none"})
    to_zarr, to_netcdf = xr.DataTree.to_zarr, xr.DataTree.to_netcdf
    monkeypatch.setattr(xr.DataTree, "to_zarr", lambda *a, **k: (to_zarr(*a, **k), full_disk()))
    monkeypatch.setattr(xr.DataTree, "to_netcdf", lambda *a, **k: (to_netcdf(*a, **k), full_disk()))
    with pytest.raises(InputError, match="No space left"):
        io.save(dataset, tmp_path / f"a{suffix}")
    assert not list(tmp_path.iterdir())
