"""`python -m twintap`: the same as the command `twintap`."""

import sys

from .cli import main

sys.exit(main())
