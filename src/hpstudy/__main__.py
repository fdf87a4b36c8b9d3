"""`python -m hpstudy` does the same as `hpstudy`."""

import os
import sys

# Python puts the current folder before the standard library: a `random.py` in it would break every library.
if not sys.flags.safe_path and sys.path[0] in ("", os.getcwd()):  # noqa: PTH109 - pathlib is not safe to import yet
    del sys.path[0]

from hpstudy.cli import main

main()
