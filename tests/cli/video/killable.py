"""A clip in parts of four frames, for a test to kill: `python -m tests.cli.video.killable CLIP OUTPUT PASSES`.

It says which frames it makes.
"""

import sys

from nst_keras.runtime import lean

if __name__ == "__main__":  # Then the process is this program's alone.
    lean.allow()
    lean.load()

from nst_keras import video
from nst_keras.cli.video import folder

LOOK = {"extractor": "compact", "epochs": 1, "steps_per_epoch": 10, "jit_compile": "false", "quiet": True}
PART = 4


def make(clip, output, passes=1, **options):
    """Makes the clip, the same in each process, and returns the report."""
    folder.PART = PART
    return video.stylize(clip, "sample:swirls", output, passes=passes, frame_steps=4, **{**LOOK, **options})


def say(frame):
    """Prints the pass and the number of a frame."""
    print(frame.round, frame.number, flush=True)


if __name__ == "__main__":
    make(sys.argv[1], sys.argv[2], int(sys.argv[3]), tell=say)
