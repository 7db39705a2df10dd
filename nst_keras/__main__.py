"""nst-keras CONTENT STYLE [OUTPUT] [--flag=value ...]

Makes the scene of CONTENT, a photograph, in the style of STYLE, a painting, and writes it to OUTPUT.

Examples:
  nst-keras photo.jpg painting.jpg                        a picture in about half a minute
  nst-keras photo.jpg painting.jpg bold.png --preset=bold another look
  nst-keras sample:landscape sample:swirls                pictures that come with the package
  nst-keras studio --open                                 a page on which the picture forms
  nst-keras batch photos/ paintings/ made/                every photograph in every style
  nst-keras video clip.mp4 painting.jpg made.mp4          a clip whose strokes move with what they lie on

A picture is a path, a URL or sample:NAME. Commas separate several styles. Without OUTPUT, the file is named after both.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

from nst_keras.cli import command, process
from nst_keras.cli.studio import serving
from nst_keras.settings import docstrings

__all__ = ["main", "run"]


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the short command, and returns the exit status.

    Args:
        argv: The arguments after the program's name. Default: those of the process.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    if argv[:1] == ["studio"]:
        return serving.main(argv[1:])
    if argv[:1] == ["batch"]:
        from nst_keras.cli.batch import command as batch  # noqa: PLC0415  It loads NumPy, which few commands need.

        return batch.main(argv[1:], is_short=True)
    if argv[:1] == ["video"]:
        from nst_keras.cli.video import command as video  # noqa: PLC0415  As above.

        return video.main(argv[1:], is_short=True)
    return command.main(argv, usage=docstrings.of(sys.modules[__name__]), is_short=True)


def run() -> NoReturn:
    """Runs the short command as all that this process does, and ends the process."""
    process.run(main)


if __name__ == "__main__":
    run()
