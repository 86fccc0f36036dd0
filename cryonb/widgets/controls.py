"""The door to the controls: of settings, of a diagnostic's options, and of how things are looked at."""

from .control_groups import Group as Group
from .control_groups import KnobColumn as KnobColumn
from .control_groups import groups as groups
from .control_groups import options as options
from .knob_control import KnobControl as KnobControl
from .trait_control import TraitControl as TraitControl
