"""`python -m nst_keras.run --flagfile=configs/NAME.flags` runs a style transfer, see `cli.command`."""

from __future__ import annotations

import sys

from nst_keras.cli.command import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
