"""``python -m cryonb`` is the command ``cryonb``."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
