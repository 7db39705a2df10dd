"""`python -m nst_keras.provenance PICTURE` prints how a picture was made, see `cli.provenance`."""

from __future__ import annotations

import sys

from nst_keras.cli.provenance import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
