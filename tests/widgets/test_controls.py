"""Controls are made from the fields: each shows what its field says, tells what was typed, and follows the session."""

import gc
import html
import weakref

import numpy as np
import pytest
from ipywidgets import FloatSlider
from ipywidgets.widgets.widget import _instances as living

from cryonb import diagnostics, refinements
from cryonb.config import MASK_SETTINGS, RunConfig
from cryonb.errors import InputError
from cryonb.knobs import hints, knobs
from cryonb.verbs import READ_OF_REFINE
from cryonb.widgets import controls
from cryonb.widgets.controls import KnobControl, TraitControl
from cryonb.widgets.knob_entries import step_of
from cryonb.widgets.knob_words import meaning_of_zero, name_of
from cryonb.widgets.session import Session

RUN_PATHS = [
    f"{name}.{field.name}"
    for name, group in hints(RunConfig).items()
    for field, kind in knobs(group)
    if kind is not dict
]
PARAMS_PATHS = [
    (recipe, f"params.{field.name}")
    for recipe in refinements.recipes()
    for field, _ in knobs(refinements.recipe(recipe).params)
]
OPTIONS_PATHS = [
    f"{name}.{field.name}" for name in diagnostics.names() for field, _ in knobs(diagnostics.get(name).options)
]
EVERY = [*(("homogeneous", path) for path in RUN_PATHS + OPTIONS_PATHS), *PARAMS_PATHS]
SIGNS = {"angstrom": "Å", "degree": "°", "kilodalton": "kDa", "standard deviation": "σ"}


@pytest.fixture
def session():
    made = Session()
    yield made
    made.close()


def ready(session, recipe, path):
    """Make a setting one that is read: the mask's kind or the recipe are set first."""
    session.put("refine.recipe", recipe)
    name = path.removeprefix("mask.")
    if path.startswith("mask.") and name != "kind":
        session.put("mask.kind", next(kind for kind, read in MASK_SETTINGS.items() if name in read))
    return session


def other(field, kind):
    """Return a value that can work and is not the default."""
    if kind is bool:
        return not field.default
    if field.metadata["choices"]:
        return next(choice for choice in field.metadata["choices"] if choice not in (field.default, "file"))
    if kind is str:
        return "C2"
    if kind not in (int, float):
        return (0.85, 1.0)
    low, high = field.metadata["minimum"], field.metadata["maximum"]
    if high is None:
        return field.default + (8 if kind is int else 1.0)
    halfway = (field.default + (low if field.default == high else high)) / 2
    return int(halfway) if kind is int else round(halfway, 2)


def impossible(field, kind):
    """Return a value that cannot work, or None where a person can enter none."""
    if kind not in (int, float) or field.metadata["choices"]:
        return {tuple[float, float]: (1.5, 0.5)}.get(kind)
    if field.metadata["maximum"] is not None:
        return field.metadata["maximum"] + 3
    return 3.5 if kind is int else -7.0 if field.metadata["minimum"] is not None else None


def numbers(control):
    """Return the widgets in which a value is typed, without the slider."""
    return [widget for widget in control.entry.widgets if not isinstance(widget, FloatSlider)]


def type_in(control, value):
    """Enter a value as a person does, in one widget after the other."""
    for widget, one in zip(numbers(control), value if isinstance(value, tuple) else (value,)):
        widget.value = one


def told(control):
    """Return what is said under a control, as text."""
    return html.unescape(control.widget.children[len(control.entry.widgets)].value)


def used(session, path):
    """Return the value of a setting that would be used."""
    group, name = path.split(".")
    if group in diagnostics.names():
        return session.options(group)[name]
    return session.config.refine.params[name] if group == "params" else getattr(getattr(session.config, group), name)


def watched(session):
    """Return how many handlers listen to a session."""
    return sum(len(handlers) for kinds in session._trait_notifiers.values() for handlers in kinds.values())


@pytest.mark.parametrize(("recipe", "path"), EVERY, ids=[f"{recipe}-{path}" for recipe, path in EVERY])
def test_every_setting_has_a_control_that_shows_its_default_unit_and_help(session, recipe, path):
    ready(session, recipe, path).clear(path)
    control, (field, _) = KnobControl(session, path), session.field(path)
    default = field.default if isinstance(field.default, tuple) else (field.default,)
    assert tuple(widget.value for widget in numbers(control)) == default
    label, unit = control.entry.widgets[0].description, field.metadata["unit"]
    assert name_of(field) in label and "_" not in name_of(field)
    assert unit == "1" or unit in field.name or f">{SIGNS.get(unit, unit)}</span>" in label
    assert field.metadata["help"] in told(control) and " Default: " in told(control)
    assert control.reset is None
    control.close()


@pytest.mark.parametrize(("recipe", "path"), EVERY, ids=[f"{recipe}-{path}" for recipe, path in EVERY])
def test_what_is_entered_reaches_the_settings_and_can_be_set_back(session, recipe, path):
    control = KnobControl(ready(session, recipe, path), path)
    field, kind = session.field(path)
    value = 20.0 if path == "mask.far" else other(field, kind)
    type_in(control, value)
    assert session.entries[path] == value and session.faults == {}
    assert used(session, path) == value and type(used(session, path)) is type(value)
    assert control.reset.layout.visibility is None and "back to" in control.reset.tooltip
    control.reset.click()
    assert path not in session.entries and control.reset.layout.visibility == "hidden"
    assert [widget.value for widget in numbers(control)][0] == np.ravel(field.default)[0]
    control.close()


@pytest.mark.parametrize(("recipe", "path"), EVERY, ids=[f"{recipe}-{path}" for recipe, path in EVERY])
def test_what_cannot_work_gets_the_sentence_of_the_dataclass_and_changes_nothing(session, recipe, path):
    field, kind = ready(session, recipe, path).field(path)
    value = impossible(field, kind)
    if value is None:
        return
    control, before = KnobControl(session, path), session.config
    group = session._settings.group(path.partition(".")[0])
    with pytest.raises(InputError) as caught:
        group.parse({**session._settings._given(path.partition(".")[0]), field.name: value})
    type_in(control, value)
    assert session.entries[path] == value and session.config == before
    assert session.faults == {path: str(caught.value)}
    assert f"Cannot work:</b> {caught.value}" in told(control) and "cryonb-faulty" in control.widget._dom_classes
    assert tuple(widget.value for widget in numbers(control)) == (value if isinstance(value, tuple) else (value,))
    control.reset.click()
    assert session.faults == {} and "Cannot work" not in told(control)
    assert "cryonb-faulty" not in control.widget._dom_classes
    control.close()


def test_most_settings_were_tried_with_what_cannot_work(session):
    tried = [path for recipe, path in EVERY if impossible(*ready(session, recipe, path).field(path)) is not None]
    assert len(tried) > 0.6 * len(EVERY)


def test_a_cleared_setting_that_the_others_need_is_marked_and_the_last_that_worked_stays(session):
    session.put("mask.kind", "file")
    session.put("mask.path", "m.mrc")
    control = KnobControl(session, "mask.path")
    control.reset.click()
    assert "mask path must be set" in session.faults["mask.path"] and session.config.mask.path == "m.mrc"
    assert session.error == ""
    type_in(control, " n.mrc ")
    assert session.faults == {} and session.config.mask.path == "n.mrc"
    control.close()


def test_a_control_follows_the_session_and_tells_nothing_of_it(session):
    control, told_of = KnobControl(session, "box.box_size"), []
    put = session.put
    session.put = lambda *words: told_of.append(words)
    put("box.box_size", "96")
    assert control.entry.widgets[0].value == 96 and told_of == [] and session.entries["box.box_size"] == "96"
    put("box.box_size", "many")
    assert control.entry.widgets[0].value == 96 and "got 'many'" in told(control) and told_of == []
    put("box.box_size", float("nan"))
    assert control.entry.widgets[0].value == 96 and "got nan" in told(control)
    session.put = put
    choice = KnobControl(session, "box.kernel")
    session.put("box.kernel", "trilinaer")
    assert choice.entry.widgets[0].value is None and "Did you mean 'trilinear'" in told(choice)
    session.clear("box.kernel")
    assert choice.entry.widgets[0].value == "trilinear"
    for one in (control, choice):
        one.close()


def test_numbers_go_up_in_sensible_steps(session):
    steps = {path: step_of(session.field(path)[0]) for path in RUN_PATHS + OPTIONS_PATHS}
    assert steps["box.box_size"] == 2 and steps["refine.n_classes"] == 1 and steps["mask.radius"] == 1
    assert steps["mask.threshold"] == 0.01 and steps["directional.half_angle"] == 1
    assert session.field("box.box_size")[0].metadata["step"] == 2


def test_a_slider_moves_a_number_and_never_corrects_it(session):
    session.put("mask.kind", "threshold")
    control = KnobControl(session, "mask.threshold")
    number, slider = control.entry.widgets
    slider.value = 0.30000000000000004
    assert session.entries["mask.threshold"] == 0.3 and number.value == 0.3
    number.value = 0.143
    slider.value = 0.14
    assert session.entries["mask.threshold"] == 0.143 and number.value == 0.143
    number.value = 1.5
    assert slider.value == 1.0 and number.value == 1.5 and "must be at most 1" in told(control)
    slider.value = 0.9
    assert session.faults == {} and session.config.mask.threshold == 0.9
    control.close()


def test_zero_says_what_it_stands_for(session):
    control = KnobControl(session, "box.box_size")
    assert '"cryonb-hint">0 = the binned particle box<' in told(control)
    session.put("box.box_size", 64)
    assert "cryonb-hint" not in told(control)
    choice = KnobControl(session, "refine.limit_threshold")
    assert choice.entry.widgets[0].options[0] == ("the recipe's own", 0.0)
    meanings = [meaning_of_zero(session.field(path)[0]) for path in RUN_PATHS]
    assert sum(map(bool, meanings)) > 10 and meaning_of_zero(session.field("mask.near")[0]) == ""
    for one in (control, choice):
        one.close()


def test_words_of_fields_are_escaped(session):
    control = KnobControl(session, "imaging.symmetry")
    type_in(control, "<img src=x>")
    session.faults = {"imaging.symmetry": "<img src=x> is no point group."}
    assert "&lt;img src=x&gt;" in control.widget.children[1].value
    assert "<img" not in control.widget.children[1].value
    control.close()


def test_only_what_is_read_is_shown_and_it_comes_back(session):
    mask = dict(controls.groups(session))["Mask"]

    def shown():
        children = {control.widget: path for path, control in mask.controls.items()}
        return [children[child].removeprefix("mask.") for child in mask.widget.children]

    assert shown() == ["kind"]
    type_in(mask.controls["mask.kind"], "sphere")
    assert shown() == ["kind", "radius", "edge_width"]
    radius = mask.controls["mask.radius"]
    type_in(radius, 30.0)
    type_in(mask.controls["mask.kind"], "threshold")
    assert shown() == ["kind", "edge_width", "threshold", "dilate", "start_resolution"] and session.faults == {}
    session.put("mask.kind", "sphere")
    assert mask.controls["mask.radius"] is radius and radius.entry.widgets[0].value == 30.0
    assert session.config.mask.radius == 30.0
    mask.close()


def test_groups_are_in_order_and_a_refinement_has_its_own(session):
    made = dict(controls.groups(session))
    assert list(made) == ["Box", "Mask", "Imaging", "Refinement", "Compute"]
    first = ["box_size", "binning", "pad_factor", "limit", "kernel", "resample"]
    assert [path.removeprefix("box.") for path in made["Box"].controls][:6] == first
    assert list(made["Imaging"].controls)[0] == "imaging.symmetry"
    assert list(made["Compute"].controls)[0] == "compute.backend"
    shared = [f"refine.{name}" for name in READ_OF_REFINE]
    assert list(made["Box"].controls)[-len(shared) :] == shared
    assert made["Refinement"].is_empty and made["Refinement"].widget.layout.display == "none"
    session.verb = "refine"
    assert list(made["Refinement"].controls)[:2] == ["refine.recipe", "refine.n_classes"]
    every = {path for group in made.values() for path in group.controls}
    hidden = {path for path in RUN_PATHS if not session.reads(path)}
    params = {path for recipe, path in PARAMS_PATHS if recipe == "homogeneous"}
    assert every == (set(RUN_PATHS) - hidden) | params
    assert len(made["Refinement"].widget.children) == len(made["Refinement"].controls) + 1
    for group in made.values():
        group.close()


def test_a_recipes_own_settings_are_rebuilt_with_it(session):
    session.verb = "refine"
    group = dict(controls.groups(session))["Refinement"]
    for recipe in refinements.recipes():
        type_in(group.controls["refine.recipe"], recipe)
        expected = [path for name, path in PARAMS_PATHS if name == recipe]
        assert [path for path in group.controls if path.startswith("params.")] == expected
        for path in expected:
            assert group.controls[path].field is session.field(path)[0]
        titles = [child.value for child in group.widget.children if "cryonb-group-heading" in child._dom_classes]
        assert titles == ([refinements.recipe(recipe).title] if expected else [])
    group.close()


def test_a_wrong_setting_stays_in_sight_when_it_is_not_read(session):
    session.verb = "refine"
    column = controls.KnobColumn(session)
    fold = column.folds["Refinement"]
    assert fold.widget.layout.display is None and not fold.head.value and column.folds["Box"].head.value
    type_in(column.groups["Refinement"].controls["refine.n_classes"], 0)
    assert fold.head.value
    session.verb = "reconstruct"
    assert [*column.groups["Refinement"].widget.children] == [
        column.groups["Refinement"].controls["refine.n_classes"].widget
    ]
    column.groups["Refinement"].controls["refine.n_classes"].reset.click()
    assert fold.widget.layout.display == "none"
    assert not column.folds["Compute"].head.value
    session.put("compute.threads", -1)
    assert column.folds["Compute"].head.value
    column.close()


def test_options_of_a_diagnostic_are_its_own(session):
    for name in diagnostics.names():
        group = controls.options(session, name)
        assert list(group.controls) == [path for path in OPTIONS_PATHS if path.startswith(f"{name}.")]
        assert group.is_empty == (not group.controls)
        group.close()
    with pytest.raises(InputError, match="Did you mean"):
        controls.options(session, "fcs")
    with pytest.raises(InputError, match="a control must be of one value"):
        KnobControl(session, "refine.params")


def test_closing_leaves_no_widget_and_nobody_who_listens(session):
    before, listeners = len(living), watched(session)
    session.verb = "refine"
    column, options = controls.KnobColumn(session), controls.options(session, "fsc")
    trait = TraitControl(session, "plane")
    session.put("mask.kind", "sphere")
    session.put("refine.recipe", "class3d")
    session.put("mask.kind", "none")
    assert len(living) > before + 100 and watched(session) > listeners + 50
    gone = [weakref.ref(part) for part in (column, options, trait, column.groups["Mask"].controls["mask.radius"])]
    for part in (column, options, trait):
        part.close()
    assert len(living) == before and watched(session) == listeners
    session.put("mask.kind", "sphere")
    assert session.error == ""
    del column, options, trait, part
    gc.collect()
    assert [reference() for reference in gone] == [None] * 4
