"""Whether compiling a stage with XLA pays: what it costs before the first step, against what it saves at each.

On two cores, compiling costs seconds that hardly depend on the picture's size, and each step then saves time in
proportion to its pixels. `benchmarks/start_up.py` measures both. The answer depends on the settings and the number of
processors alone, never on a timing: the same command makes the same picture twice.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from nst_keras.runtime import processors

__all__ = ["COSTS", "pays"]


class Cost(NamedTuple):
    """What XLA costs and saves for a network, in float32, on two cores of an AMD EPYC (Zen 4), at 256 and 512 px.

    Attributes:
        compiling: Seconds that compiling takes, less those that the graph takes for its own first step.
        saved: Seconds that a step saves for each megapixel of the picture.
    """

    compiling: float
    saved: float


COSTS = {
    "vgg19": Cost(7.2, 3.7),
    "vgg16": Cost(6.1, 2.9),  # VGG19's, by its share of convolutions and of products.
    "compact": Cost(6.4, 0.7),
    "compact_v2": Cost(7.5, 0.3),  # By its ratios to `compact` on two cores with AVX2.
    "inception_v3": Cost(4.3, 0.0),
}
# A network that was not measured: XLA's compiler takes as long, and less of such a network can be made faster.
_OTHER = Cost(7.0, 0.5)

_MEASURED_ON = 2  # Processors.


def pays(network: str, size: tuple[int, int], steps: int) -> bool:
    """Returns whether a stage takes less time in all with XLA, on a processor; on an accelerator, always True.

    Args:
        network: The network's name.
        size: Height and width of the picture at this stage, in pixels.
        steps: Number of the stage's steps, 0 or more.
    """
    if processors.has_accelerator():
        return True
    cost = COSTS.get(network, _OTHER)
    saved = cost.saved * steps * math.prod(size) / 1e6 * _MEASURED_ON / processors.count()
    return saved > cost.compiling
