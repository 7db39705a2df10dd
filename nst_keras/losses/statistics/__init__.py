"""Style statistics: what of a layer's features counts as style, and how far the picture's is from the style's.

Each takes the features as a cloud of M points in N dimensions, one a location, and forgets where the points were:

- `"gram"`: the Gram matrix G/M, each two channels' mean product (Gatys et al. 2015, eq. 3). It is C + m m^T, where m is
  the cloud's mean and C its covariance matrix, and knows but the sum of the two.
- `"covariance"`: m and C, each for itself (what Li et al. transfer, "Universal Style Transfer via Feature Transforms",
  NeurIPS 2017).
- `"wasserstein"`: how far the points of a normal distribution of that m and C have to go, the squared 2-Wasserstein
  distance (as in https://github.com/crowsonkb/style-transfer-pytorch).
- `"sliced_wasserstein"`: how far the cloud's own points have to go, whatever its shape, along each of many lines
  (Heitz et al., "A Sliced Wasserstein Loss for Neural Texture Synthesis", CVPR 2021).

Where G_s/M is the style's Gram matrix, its trace is the mean square of a point's length. The statistics beside `"gram"`
are defined relative to the style's own size, as `normalization="relative"` asks for. Under `"mean"` they are multiplied
by mean (G_s/M)^2, which the Gram loss of a picture without any features is, so that the usual weights keep their
meaning. `"gatys2015"` is the paper's own loss, of Gram matrices alone.

All but the last are functions of sums over the locations, and so can be had from a picture's parts, see `Additive`.

With `compact`, whose features are coordinates of VGG19's, means, covariances and distances are those in VGG19's N
dimensions. Lines lie among the dimensions that the coordinates span; any others would show the same cloud, shortened,
of the picture and of the style alike.
"""

from __future__ import annotations

from nst_keras import checks, losses
from nst_keras.losses.statistics.base import Additive, StyleStatistic, count
from nst_keras.losses.statistics.moments import Covariance, Gram, Wasserstein
from nst_keras.losses.statistics.sliced import SlicedWasserstein

__all__ = [
    "STATISTICS",
    "Additive",
    "Covariance",
    "Gram",
    "SlicedWasserstein",
    "StyleStatistic",
    "Wasserstein",
    "count",
    "get",
]

STATISTICS: dict[str, StyleStatistic] = {
    "gram": Gram(),
    "covariance": Covariance(),
    "wasserstein": Wasserstein(),
    "sliced_wasserstein": SlicedWasserstein(),
}


def get(style_statistic: str | StyleStatistic, *, normalization: str) -> StyleStatistic:
    """Returns a statistic, from its name or itself.

    Args:
        style_statistic: A name in `STATISTICS`, or a `StyleStatistic`.
        normalization: A name in `losses.NORMALIZATIONS`.

    Raises:
        ValueError: Unknown name, or a normalization for which the statistic is not defined.
        TypeError: `style_statistic` is of another type, for example a class in place of an object.
    """
    checks.one_of("normalization", normalization, losses.NORMALIZATIONS)
    statistic = _named(style_statistic) if isinstance(style_statistic, str) else style_statistic
    if not isinstance(statistic, StyleStatistic):
        raise TypeError(
            f"style_statistic must be one of {', '.join(STATISTICS)} or a StyleStatistic object, "
            f"but {style_statistic!r} was given."
        )
    if normalization not in statistic.normalizations:
        name = style_statistic if isinstance(style_statistic, str) else type(style_statistic).__name__
        raise ValueError(
            f"normalization={normalization!r} is not defined for style_statistic={name!r}: choose one of "
            f"{', '.join(statistic.normalizations)}, or style_statistic='gram'."
        )
    return statistic


def _named(name: str) -> StyleStatistic:
    return STATISTICS[checks.one_of("style_statistic", name, STATISTICS)]
