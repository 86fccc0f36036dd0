"""The record says what made a result: each step once, what was set, the digests, the versions, the machine."""

import pytest
import xarray as xr

import cryonb as cn
from cryonb.errors import InputError
from cryonb.provenance import lineage


@pytest.fixture(name="made", scope="module")
def _made():
    truth = cn.phantom("helices", box_size=16, pixel_size=4.0)
    particles = cn.simulate(truth, n_particles=24, snr=5.0, seed=3)
    run = cn.reconstruct(particles, box=dict(box_size=20, pad_factor=1))
    return particles, run, cn.diagnose(run, "fsc", n_draws=2)


def test_steps_stand_in_order_with_what_was_set(made):
    particles, run, curve = made
    table = cn.record(curve)
    steps = list(dict.fromkeys(table.index.get_level_values("step")))
    assert steps == ["1 phantom", "2 simulate", "3 reconstruct", "4 diagnose", "versions", "machine"]
    assert {"n_particles": "24", "snr": "5", "seed": "3"}.items() <= dict(table.loc["2 simulate", "value"]).items()
    reconstructed, judged = (dict(table.loc[step, "value"]) for step in steps[2:4])
    assert reconstructed["box.box_size"] == "20" and reconstructed["box.pad_factor"] == "1"
    assert reconstructed["digest of settings"] == lineage(run)[-1]["settings_digest"]
    assert reconstructed["digest of result"] == lineage(run)[-1]["digest"]
    assert not [name for name in reconstructed if name.startswith(("refine.", "mask."))]
    assert judged.keys() == {"diagnostic", "n_draws", "digest of settings", "digest of result"}
    assert table.loc[("versions", "cryonb"), "value"] == cn.__version__


def test_shared_steps_are_listed_once_and_a_tree_stands_for_its_children(made):
    particles, run, curve = made
    alone, both = cn.record(curve), cn.record(run, curve)
    assert alone.equals(both)
    assert cn.record(cn.compare({"one": run, "two": curve})).equals(alone)


def test_what_has_no_record_is_refused():
    with pytest.raises(InputError, match=r"a record needs a Dataset .* got nothing"):
        cn.record()
    with pytest.raises(InputError, match="got one without a record"):
        cn.record(xr.Dataset())
    with pytest.raises(InputError, match="got int"):
        cn.record(3)
