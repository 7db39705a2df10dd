"""The weight w_l of each layer, from what a user says of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from nst_keras import architectures, checks

__all__ = ["layer_weights"]


def layer_weights(
    kind: str,
    layers: Iterable[str] | Mapping[str, float] | None,
    count: int,
    architecture: architectures.Architecture | None,
) -> dict[str, float]:
    """The weight w_l of each layer, from what a user says of them.

    Args:
        kind: "style" or "content".
        layers: Names, each of weight 1/n, or {name: weight}; None for the network's documented ones.
        count: How many of the documented ones, where `layers` is None.
        architecture: The network's entry; None where it is not known.

    Raises:
        ValueError: A negative weight, no layer or none of weight above 0, one named twice, more than are documented, or
            none named for an unknown network.
        TypeError: `layers` of another type.
    """
    if layers is not None and not isinstance(layers, Iterable):
        raise TypeError(f"{kind}_layers must be names or {{name: weight}}, but {layers!r} was given.")
    if isinstance(layers, Mapping):
        weights = {name: checks.non_negative(f"{kind}_layers[{name!r}]", weight) for name, weight in layers.items()}
        return _not_nothing(kind, weights)
    if layers is None:
        layers = _first_documented(kind, count, architecture)
    names = [layers] if isinstance(layers, str) else list(layers)
    if len(set(names)) < len(names):
        raise ValueError(f"{kind}_layers={names!r} names a layer twice. Name it once, or give {{name: weight}}.")
    return _not_nothing(kind, {name: 1.0 / len(names) for name in names})


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
