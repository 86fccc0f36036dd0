"""A record of where a result came from: same inputs, same text; anything else, another."""

import json
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

from cryonb import provenance
from cryonb.config import RunConfig


def dataset(value=1.0, **attrs):
    return xr.Dataset(
        {"a": ("x", np.array([value, 2.0]))}, {"name": ("x", ["p", "q"])}, {"schema": "cryonb/x", **attrs}
    )


def test_a_stamp_says_what_was_run_and_on_what(tmp_path):
    path = tmp_path / "map.mrc"
    path.write_bytes(b"content")
    result = provenance.stamp(
        dataset(), "reconstruct", {"seed": np.int64(3), "box": {"pad": 2.0}}, [dataset(5.0), path]
    )
    record = json.loads(result.attrs["provenance"])
    assert record["verb"] == "reconstruct"
    assert record["settings"] == {"box": {"pad": 2.0}, "seed": 3}
    assert set(record["versions"]) == {"cryonb", "numpy", "numba", "scipy"}
    assert record["versions"]["numpy"] == np.__version__
    assert "unknown" not in record["versions"].values()
    assert record["digest"] == provenance.digest(dataset())
    assert record["inputs"][0] == {"digest": provenance.digest(dataset(5.0)), "schema": "cryonb/x"}
    assert record["inputs"][1] == {"digest": provenance.digest(path), "file": "map.mrc"}
    assert str(tmp_path) not in result.attrs["provenance"]


def test_stamping_leaves_the_original_alone_and_repeats_exactly():
    plain = dataset()
    stamps = [provenance.stamp(plain, "fsc", {"b": 1, "a": 2}).attrs["provenance"] for _ in range(2)]
    assert "provenance" not in plain.attrs
    assert stamps[0] == stamps[1]
    other = provenance.stamp(plain, "fsc", {"b": 1, "a": 3}).attrs["provenance"]
    assert json.loads(other)["settings_digest"] != json.loads(stamps[0])["settings_digest"]


def test_a_machine_is_named_and_enters_no_digest():
    stamped = provenance.stamp(dataset(), "reconstruct", {"seed": 3})
    named = provenance.computed_on(stamped, "cupy", "a card")
    record = json.loads(named.attrs["provenance"])
    assert record.pop("machine") == {"backend": "cupy", "description": "a card"}
    assert record == json.loads(stamped.attrs["provenance"])


def test_settings_may_be_config_groups():
    record = json.loads(provenance.stamp(dataset(), "x", {"config": RunConfig()}).attrs["provenance"])
    assert record["settings"]["config"]["box"]["pad_factor"] == 2.0


def test_lineage_runs_from_the_oldest_and_names_each_once():
    first = provenance.stamp(dataset(), "simulate")
    second = provenance.stamp(dataset(2.0), "reconstruct", inputs=[first])
    third = provenance.stamp(dataset(3.0), "diagnose", inputs=[second, first])
    assert [record["verb"] for record in provenance.lineage(third)] == ["simulate", "reconstruct", "diagnose"]
    assert provenance.lineage(dataset()) == []


@pytest.mark.parametrize("change", [{"value": 1.5}, {"schema": "cryonb/y"}])
def test_digests_tell_contents_apart(change):
    assert provenance.digest(dataset(**change)) != provenance.digest(dataset())


def test_digests_see_type_shape_and_order_but_not_layout():
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    same = np.asfortranarray(array).astype(">f4")
    assert provenance.digest(same) == provenance.digest(array)
    for other in (array.astype(np.float64), array.reshape(3, 2), array[::-1]):
        assert provenance.digest(other) != provenance.digest(array)
    assert provenance.digest(np.array(["a", "b"])) != provenance.digest(np.array(["a", "c"]))
    assert provenance.digest(np.float32(2.0)) == provenance.digest(np.float32(2.0))
    assert provenance.digest(xr.DataArray(array)) == provenance.digest(xr.DataArray(array.copy()))
    assert provenance.digest(np.empty((0, 3))) != provenance.digest(np.empty((3, 0)))


def test_digests_of_paths_see_content_not_place(tmp_path, monkeypatch):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a").write_bytes(b"0123456789")
    assert provenance.digest(tmp_path / "one") == provenance.digest(tmp_path / "two")
    assert provenance.digest(tmp_path / "one" / "a") == provenance.digest(str(tmp_path / "two" / "a"))
    monkeypatch.setattr(provenance, "SAMPLE_BYTES", 0)
    (tmp_path / "two" / "a").write_bytes(b"01234567890")
    assert provenance.digest(tmp_path / "one" / "a") != provenance.digest(tmp_path / "two" / "a")


def test_images_on_disk_are_not_read_for_a_digest(tmp_path, monkeypatch):
    from cryonb import io
    from cryonb.io.stacks import ImageStacks

    images = np.random.default_rng(0).normal(size=(4, 6, 6))
    for name, values in (("a", images), ("b", images[:3])):
        io.write_stack(values, tmp_path / f"{name}.mrcs", pixel_size=1.0)
    monkeypatch.setattr(ImageStacks, "read", None)
    first, again = (io.open_particles(tmp_path / "a.mrcs") for _ in range(2))
    assert provenance.digest(first) == provenance.digest(again)
    assert provenance.digest(first) != provenance.digest(io.open_particles(tmp_path / "b.mrcs"))
    assert provenance.digest(first) != provenance.digest(first.isel(particle=slice(1, None)))


def test_nothing_heavy_is_loaded():
    code = "import sys, cryonb.provenance; print([name for name in ('numba', 'scipy', 'zarr') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
