"""The weights w_l of the layers in the style and content loss."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from nst_keras import checks
from nst_keras.networks import architectures

__all__ = ["SCHEMES", "layer_weights"]

# {name: ratio of each layer's weight to that of the layer before it}.
SCHEMES: dict[str, float] = {
    "equal": 1.0,  # Gatys et al. 2015: w_l = 1/n.
    "fine": 0.25,  # The first layers, of brushwork and colour; crowsonkb/style-transfer-pytorch: 256:64:16:4:1.
    "coarse": 2.0,  # The last layers, of large shapes; the ratio of titu1994/Neural-Style-Transfer (INetwork).
}
# Beyond this ratio nearly all weight is on one layer; naming that layer alone is clearer.
LARGEST_RATIO = 1000.0


def layer_weights(
    kind: str,
    layers: Iterable[str] | Mapping[str, float] | None,
    count: int,
    architecture: architectures.Architecture | None,
    *,
    scheme: str | float = "equal",
) -> dict[str, float]:
    """Returns {layer: w_l}.

    Args:
        kind: "style" or "content".
        layers: {name: weight}, or names, which the scheme gives weights in their order. None stands for the network's
            documented layers.
        count: The number of documented layers, where `layers` is None.
        architecture: The network's entry in the registry; None for a network that is not known.
        scheme: The ratio of each layer's weight to that of the layer before: a name in `SCHEMES`, a number, or a number
            as text. The weights sum to 1.

    Raises:
        ValueError: A weight is negative; no layer has a weight above 0; a layer is named twice; `count` is larger than
            the number of documented layers; no layer is named for an unknown network; or `scheme` is unknown, or given
            beside {name: weight}.
        TypeError: `layers` is of another type.

    Example:
    >>> layer_weights("style", ["conv1_1", "conv2_1", "conv3_1"], 3, None, scheme=0.5)
    {'conv1_1': 0.5714285714285714, 'conv2_1': 0.2857142857142857, 'conv3_1': 0.14285714285714285}
    """
    ratio = _ratio(f"{kind}_layer_scheme", scheme)
    if layers is not None and not isinstance(layers, Iterable):
        raise TypeError(f"{kind}_layers must be names or {{name: weight}}, but {layers!r} was given.")
    if isinstance(layers, Mapping):
        if ratio != 1.0:
            raise ValueError(
                f"{kind}_layer_scheme={scheme!r} has no effect on weights given in {kind}_layers={dict(layers)!r}. "
                "Leave out the scheme, or give the names alone."
            )
        weights = {name: checks.non_negative(f"{kind}_layers[{name!r}]", weight) for name, weight in layers.items()}
        return _not_nothing(kind, weights)
    if layers is None:
        layers = _first_documented(kind, count, architecture)
    names = [layers] if isinstance(layers, str) else list(layers)
    if len(set(names)) < len(names):
        raise ValueError(f"{kind}_layers={names!r} names a layer twice. Name it once, or give {{name: weight}}.")
    shares = [ratio**place for place in range(len(names))]
    whole = sum(shares)
    return _not_nothing(kind, {name: share / whole for name, share in zip(names, shares, strict=True)})


def _ratio(argument: str, scheme: str | float) -> float:
    try:
        ratio = SCHEMES.get(str(scheme)) or float(scheme)
    except (TypeError, ValueError):
        ratio = 0.0
    if isinstance(scheme, bool) or not 1.0 / LARGEST_RATIO <= ratio <= LARGEST_RATIO:
        sentence = checks.unknown_name(argument, scheme, SCHEMES).removesuffix(".")
        raise ValueError(f"{sentence}, or a ratio of weights, {1.0 / LARGEST_RATIO:g} to {LARGEST_RATIO:g}.")
    return ratio


def _not_nothing(kind: str, weights: dict[str, float]) -> dict[str, float]:
    if not any(weights.values()):
        raise ValueError(f"{kind}_layers={weights!r} leaves no layer. Name one; {kind}_weight=0 leaves the term out.")
    return weights


def _first_documented(kind: str, count: int, architecture: architectures.Architecture | None) -> tuple[str, ...]:
    if architecture is None:
        raise ValueError(f"{kind}_layers must be given for an extractor of your own: the names of its layers.")
    known = architecture.style_layers if kind == "style" else architecture.content_layers
    if checks.integer(f"n_{kind}_layers", count) > len(known):
        raise ValueError(
            f"n_{kind}_layers={count}, but this network has {len(known)} documented {kind} layers. "
            f"Name others in {kind}_layers."
        )
    return known[:count]
