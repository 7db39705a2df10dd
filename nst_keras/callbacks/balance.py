"""A warning where style and content are out of balance."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Mapping

import tensorflow as tf

from nst_keras.callbacks import run_view

__all__ = ["BalanceCheck"]


class BalanceCheck(run_view.RunCallback):
    """Warns once if style and content are so far out of balance that one of them will not be seen.

    The check compares the norms of the two terms' gradients at a probe image, one step along the style gradient away
    from the present one. At the present image they would mislead: an optimizer only accepts points where the terms'
    gradients balance each other, and the content gradient is 0 at a content start.

    The limits were measured with VGG19 at 128 px on three image pairs, with both starts and both optimizers. With
    weights that give a good picture, the content gradient was 0.0005 to 0.35 times the style gradient (the least with
    Gatys's alpha/beta of 1e-3). With the tutorial's weights and conv4_2, which leave the photograph as it is, it was 3
    to 12 times. The check costs three evaluations of the objective, so runs that share weights can share one check.

    Args:
        after: The step after which the check is made. Default: 5.
        checked: Weights that need no check, because an earlier run has made it. This run adds its own. Default: none.
    """

    MOST, LEAST, USUAL = 1.0, 1e-4, 0.1  # Norm of the content gradient, as a multiple of the style gradient's.
    PROBE = 5.0  # Levels of 0..255 by which each pixel is moved: a step of Adam at its usual rate.

    def __init__(self, after: int = 5, *, checked: set[Hashable] | None = None) -> None:
        super().__init__()
        self.after = after
        self._checked: set[Hashable] = set() if checked is None else checked

    def on_train_batch_end(self, batch: int, logs: run_view.Logs = None) -> None:
        """Compares the gradients of the terms, after one step only."""
        objective = self.run.objective
        if self.run.step != self.after or not (objective.weights["style"] and objective.weights["content"]):
            return
        weights = (self.run.settings["strength"], *sorted(objective.weights.items()))
        if weights in self._checked:
            return
        self._checked.add(weights)
        image = self.run.optimized_image
        gradient = objective.term_gradient("style", image)
        with tf.device(image.device):  # The image's own device: tiles may keep it in main memory.
            probe = image - self.PROBE * tf.sign(gradient)
        style, content = (float(tf.norm(objective.term_gradient(term, probe))) for term in ("style", "content"))
        if content > 0 and style > 0:
            self._compare(content / style, objective.weights)

    def _compare(self, ratio: float, weights: Mapping[str, float]) -> None:
        if ratio >= self.MOST:
            found = f"the content term pulls back {ratio:.2g} times as hard as the style term pulls on"
            outcome = "the picture will hardly be stylised"
            cure = f"style_weight={weights['style'] * ratio / self.USUAL:.3g}"
        elif ratio <= self.LEAST:
            found = f"the style term pulls {1 / ratio:.2g} times as hard as the content term"
            outcome = "nothing of the content will be kept"
            cure = f"content_weight={weights['content'] * self.USUAL / ratio:.3g}"
        else:
            return
        warnings.warn(f"One step from here {found}: {outcome}. {cure} would balance them.", stacklevel=2)
