"""`python -m nst_keras.run --flagfile=configs/NAME.flags`: a style transfer from the command line."""

from __future__ import annotations

import sys

from nst_keras.cli.command import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
