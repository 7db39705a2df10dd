"""python -m nst_keras.run --content_image=CONTENT --style_image=STYLE [--flag=value ...]

Makes the scene of CONTENT, a photograph, in the style of STYLE, a painting.

Examples:
  python -m nst_keras.run --flagfile=configs/quickstart.flags
  python -m nst_keras.run --preset=quick --content_image=photo.jpg --style_image=painting.jpg --output=made.png
  python -m nst_keras.run --preset=list                   all looks

A picture is a path, a URL or sample:NAME. Commas separate several styles. nst-keras does the same in fewer words.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from nst_keras.cli import command, process
from nst_keras.settings import docstrings

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line, and returns the exit status.

    Args:
        argv: The arguments after the program's name. Default: those of the process.
    """
    return command.main(argv, usage=docstrings.of(sys.modules[__name__]))


if __name__ == "__main__":
    process.run(main)
