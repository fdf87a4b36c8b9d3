"""`python -m hpstudy` is `hpstudy`."""

import os
import sys

# Python puts the current folder before the standard library: a file `random.py` there would break every library.
if not sys.flags.safe_path and sys.path[0] in ("", os.getcwd()):  # noqa: PTH109 - pathlib is not to be had from there
    del sys.path[0]

from hpstudy.cli import main

main()
