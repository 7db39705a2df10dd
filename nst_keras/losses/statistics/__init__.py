"""Style statistics: which properties of a layer's features are style, and how far the picture's are from the style's.

Each statistic takes the features as a cloud of M points in N dimensions, one per location, and forgets where the points
were in the image:

- `"gram"`: the Gram matrix G/M, the mean product of each two channels (Gatys et al. 2015, eq. 3). It equals C + m m^T,
  where m is the cloud's mean and C its covariance matrix, and knows only the sum of the two.
- `"covariance"`: m and C separately (as Li et al. transfer them, "Universal Style Transfer via Feature Transforms",
  NeurIPS 2017).
- `"wasserstein"`: the squared 2-Wasserstein distance between normal distributions with those m and C (as in
  https://github.com/crowsonkb/style-transfer-pytorch).
- `"sliced_wasserstein"`: the squared distance that the cloud's own points have to move along each of many lines,
  whatever the cloud's shape (Heitz et al., "A Sliced Wasserstein Loss for Neural Texture Synthesis", CVPR 2021).

The trace of the style's Gram matrix G_s/M is the mean squared length of its points. All statistics but `"gram"` are
relative to this size of the style, as `normalization="relative"` demands. Under `"mean"` they are multiplied by
mean (G_s/M)^2, the Gram loss of a picture without any features, so that the usual weights keep their meaning. They are
not defined under `"gatys2015"`, the paper's own loss of Gram matrices.

All but `"sliced_wasserstein"` are functions of sums over locations, which parts of a picture can add up, see
`Additive`.

The features of `compact` are coordinates of VGG19's. Means, covariances and distances are then those in VGG19's N
dimensions. Lines lie in the subspace that the coordinates span: any others would show the same clouds, the picture's
and the style's, shortened alike.
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
    "additive",
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
    statistic = _object(style_statistic)
    if normalization not in statistic.normalizations:
        name = style_statistic if isinstance(style_statistic, str) else type(style_statistic).__name__
        raise ValueError(
            f"normalization={normalization!r} is not defined for style_statistic={name!r}: choose one of "
            f"{', '.join(statistic.normalizations)}, or style_statistic='gram'."
        )
    return statistic


def additive(style_statistic: str | StyleStatistic) -> Additive:
    """Returns a statistic that parts of a picture can add up, as tiles need.

    Args:
        style_statistic: A name in `STATISTICS`, or a `StyleStatistic`.

    Raises:
        ValueError: Unknown name, or a statistic that is no sum over locations.
        TypeError: `style_statistic` is of another type.
    """
    statistic = _object(style_statistic)
    if isinstance(statistic, Additive):
        return statistic
    names: dict[type, str] = {type(one): name for name, one in STATISTICS.items()}
    choices = [name for name, one in STATISTICS.items() if isinstance(one, Additive)]
    raise ValueError(
        f"style_statistic={names.get(type(statistic), type(statistic).__name__)!r} is no sum over the picture's "
        f"locations, which tiles need. Choose one of: {', '.join(choices)}; or tile_size=None."
    )


def _object(style_statistic: object) -> StyleStatistic:
    if isinstance(style_statistic, str):
        return STATISTICS[checks.one_of("style_statistic", style_statistic, STATISTICS)]
    if isinstance(style_statistic, StyleStatistic):
        return style_statistic
    raise TypeError(
        f"style_statistic must be one of {', '.join(STATISTICS)} or a StyleStatistic object, "
        f"but {style_statistic!r} was given."
    )
