"""Controls of views follow the session between the bounds that the runs in view leave."""

import numpy as np
import pytest
import xarray as xr
from ipywidgets import Dropdown

from cryonb.widgets.controls import TraitControl
from cryonb.widgets.held import Held
from cryonb.widgets.session import Session


@pytest.fixture
def session():
    made = Session()
    yield made
    made.close()


def held(label, size=8, voxel_size=3.0, n_classes=1, n_iterations=0):
    """Return a run of a given size, classes and iterations."""
    axis = (np.arange(size) - size // 2) * voxel_size
    made = xr.Dataset(coords={"z": axis, "class_id": np.arange(1, n_classes + 1)})
    return Held(label, made, iterations=tuple(xr.Dataset({"iteration": n + 1}) for n in range(n_iterations)))


def test_choices_of_views_are_buttons(session):
    for trait, options in (("plane", ("z", "y", "x")), ("seen", ("section", "projection"))):
        control = TraitControl(session, trait)
        (buttons,) = control.inputs
        assert tuple(value for _, value in buttons.options) == options
        buttons.value = options[1]
        assert getattr(session, trait) == options[1]
        setattr(session, trait, options[0])
        assert buttons.value == options[0]
        control.close()


def test_the_place_moves_between_the_ends_of_the_maps_in_view(session):
    control = TraitControl(session, "place")
    number, slider = control.inputs
    assert control.widget.layout.display == "none"
    session.hold(held("a"), show=True)
    assert control.widget.layout.display is None and (slider.min, slider.max, slider.step) == (-12.0, 9.0, 3.0)
    slider.value = 6.0
    assert session.place == 6.0 and number.value == 6.0
    number.value = 100.0
    assert session.place == 9.0 and number.value == 9.0 and slider.value == 9.0
    number.value = 50.0
    assert number.value == 9.0
    number.value = 4.0
    slider.value = 3.0
    assert session.place == 4.0 and number.value == 4.0 and slider.value == 3.0
    session.place = -3.0
    assert number.value == -3.0 and slider.value == -3.0
    session.seen = "projection"
    assert number.disabled and slider.disabled
    session.seen = "section"
    assert not number.disabled and not slider.disabled
    session.hold(held("b", size=4, voxel_size=1.5), show=True)
    session.drop("a")
    assert (slider.min, slider.max, slider.step) == (-3.0, 1.5, 1.5)
    control.close()


def test_the_last_iteration_stays_the_last_while_more_come(session):
    control = TraitControl(session, "iteration")
    number, slider = control.inputs
    session.hold(held("a", n_iterations=1), show=True)
    assert control.widget.layout.display == "none"
    session.hold(held("a", n_iterations=3))
    assert number.value == slider.value == 3 and session.iteration == -1
    slider.value = 2.0
    assert session.iteration == 2 and isinstance(session.iteration, int)
    session.hold(held("a", n_iterations=4))
    assert slider.value == 2 and slider.max == 4
    slider.value = 4.0
    session.hold(held("a", n_iterations=5))
    assert session.iteration == -1 and slider.value == 5
    control.close()


def test_classes_are_chosen_where_there_are_some(session):
    control = TraitControl(session, "class_id")
    session.hold(held("a"), show=True)
    assert control.widget.layout.display == "none" and isinstance(control.inputs[0], Dropdown)
    session.hold(held("a", n_classes=3))
    assert control.widget.layout.display is None and control.inputs[0].options == (1, 2, 3)
    control.inputs[0].value = 3
    assert session.class_id == 3
    session.class_id = 2
    assert control.inputs[0].value == 2
    control.close()


def test_contrast_has_a_number_and_a_slider(session):
    control = TraitControl(session, "contrast")
    control.inputs[0].value = 2.5
    assert session.contrast == 2.5 and control.inputs[1].value == 2.5
    control.close()
