"""A Dataset that takes another's place is news, whatever equality says."""

import xarray as xr
from traitlets import HasTraits

from cryonb.widgets.whole import Whole


class Holder(HasTraits):
    thing = Whole(help="a Dataset")


def test_observers_hear_of_another_dataset_and_not_of_the_same():
    first, twin = xr.Dataset({"a": ("x", [1.0])}), xr.Dataset({"a": ("x", [1.0])})
    holder, told = Holder(), []
    holder.observe(lambda change: told.append((change.old, change.new)), "thing")
    for value in (first, first, twin, [first], [twin], None):
        holder.thing = value
    assert len(told) == 5 and told[0][0] is None and told[1] == (first, twin)
    with holder.hold_trait_notifications():
        holder.thing = first
    assert holder.thing is first and len(told) == 6
