"""What plugs in: the protocols of a Backend, an Engine, a Recipe, a Diagnostic and a Format, and how they are found.

Each plug is one file in one folder. `discover` finds it by the upper-case name that the file binds
(`BACKEND`, `ENGINE`, `RECIPE`, `DIAGNOSTIC`, `FORMAT`); no list of plugs is kept anywhere. `plug_in` brings one that is
in no folder of the package.
"""

from .judgement import Diagnostic as Diagnostic
from .judgement import Format as Format
from .judgement import Recipe as Recipe
from .machines import Backend as Backend
from .machines import Engine as Engine
from .plugging import bindings as bindings
from .plugging import digest_of_file as digest_of_file
from .plugging import discover as discover
from .plugging import plug_in as plug_in
