"""Video: a clip in, a clip in the manner of a painting out.

`reading` and `writing` know files, `flow` how things move, `stylising` makes one frame after the other, `making` leads
from the clip to its output, and `folder` keeps what is made meanwhile.
"""

__all__: list[str] = []
