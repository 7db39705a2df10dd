"""A warning where style and content are out of balance."""

from __future__ import annotations

import warnings

import keras
import tensorflow as tf

__all__ = ["BalanceCheck"]

Logs = dict[str, float] | None


class BalanceCheck(keras.callbacks.Callback):
    """Warns, once, where style and content are so far out of balance that one of them will not be seen.

    The gradients are compared where a step along the style's own would lead, since the terms' gradients come to balance
    each other at any point that an optimizer accepts, and the content's is 0 at a content start. Over three pairs, both
    starts and both optimizers, with VGG19 at 128 px, the content's was there 0.0005 to 0.35 times the style's with
    weights that give a good picture (the least is Gatys's alpha/beta of 1e-3), and 3 to 12 times with the tutorial's
    weights and conv4_2, which leave the photograph as it is. The check costs three evaluations.
    """

    MOST, LEAST, USUAL = 1.0, 1e-4, 0.1  # Of the content's gradient, in shares of the style's.
    PROBE = 5.0  # Levels by which each pixel is moved: a step of Adam at its usual rate.

    def __init__(self, after: int = 5) -> None:
        super().__init__()
        self.after = after

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Compares the gradients of the terms, at one step only."""
        weights = self.model.objective.weights
        if self.model.step != self.after or not (weights["style"] and weights["content"]):
            return
        image = self.model.optimized_image
        gradient = self.model.objective.term_gradient("style", image)
        with tf.device(image.device):  # Where tiles keep it.
            probe = image - self.PROBE * tf.sign(gradient)
        style, content = (float(tf.norm(self.model.objective.term_gradient(t, probe))) for t in ("style", "content"))
        if content > 0 and style > 0:
            self._compare(content / style, weights)

    def _compare(self, share: float, weights: dict[str, float]) -> None:
        if share >= self.MOST:
            found = f"the content term pulls back {share:.2g} times as hard as the style term pulls on"
            outcome = "the picture will hardly be stylised"
            cure = f"style_weight={weights['style'] * share / self.USUAL:.3g}"
        elif share <= self.LEAST:
            found = f"the style term pulls {1 / share:.2g} times as hard as the content term"
            outcome = "nothing of the content will be kept"
            cure = f"content_weight={weights['content'] * self.USUAL / share:.3g}"
        else:
            return
        warnings.warn(f"One step from here {found}: {outcome}. {cure} would balance them.", stacklevel=2)
