"""Changes of a run while it is going: requested by a callback or another thread, made between two steps."""

from __future__ import annotations

import dataclasses
import functools
import threading
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np

from nst_keras import checks, settings
from nst_keras.engine import descriptions
from nst_keras.engine import plan as plan_lib
from nst_keras.engine import setup as setup_lib
from nst_keras.engine import state as state_lib

__all__ = ["Change", "Steered", "Steering"]


_STYLE_OPTIONS = [name for name in settings.values(settings.ImageSettings()) if name.startswith("style_")]


class Change(NamedTuple):
    """A change that was requested.

    Attributes:
        what: The change in words, for the record: `style_weight=2.0`.
        apply: Function of the plan so far to the plan from now on.
    """

    what: str
    apply: Callable[[plan_lib.Plan], plan_lib.Plan]


class Steered(Protocol):
    """What `Steering` needs of a run."""

    @property
    def present(self) -> plan_lib.Plan:
        """The plan of the run, as it is now."""
        ...

    @property
    def state(self) -> state_lib.RunState:
        """The present state of the run."""
        ...


class _Left(NamedTuple):
    """What a handle still tells of a run that has given way to another."""

    present: plan_lib.Plan
    state: state_lib.RunState


class Steering:
    """The handle of a run: changes its weights, its strength or its style while it is going, or stops it.

    A callback finds it as `self.model.run`, other threads as `style_transfer.run`. A change is checked at once, and
    made before the next step. Nothing is compiled again, unless a term had no weight until then. Of several hosts, each
    must ask for the same change before the same step.

    Args:
        run: The run.
    """

    def __init__(self, run: Steered) -> None:
        self._run: Steered = run
        self._changes: list[Change] = []
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        """Says of which run it is the handle, and how far that has come."""
        return f"<{type(self).__name__}: {descriptions.standing(self._run.present.setup, self._run.state)}>"

    def leave(self) -> None:
        """Lets go of the run, which has ended."""
        self._run = _Left(self._run.present, self._run.state)

    def set_weights(self, **weights: float) -> None:
        """Changes weights of the loss from the next step on.

        Args:
            weights: `style_weight`, `content_weight`, `var_weight`, `alpha_norm_weight`, or the name of a further term;
                each 0 or more. Those not named stay.

        Raises:
            ValueError: A bad weight, an unknown name, or a term that the run does not have.
            RuntimeError: The run has ended.
        """
        if not weights:
            raise ValueError("weights: none was given. Name one, such as style_weight=2.0.")
        if "strength" in weights:
            raise ValueError("strength is no weight. Call set_strength.")
        self._ask(_described(weights), lambda plan: plan_lib.with_fit(plan, **weights))

    def set_strength(self, strength: float) -> None:
        """Changes the strength of the style from the next step on, 0..1; see `FitSettings`.

        Raises:
            ValueError: A bad strength, or a run without style or content.
            RuntimeError: The run has ended.
        """
        self._ask(f"strength={strength!r}", lambda plan: plan_lib.with_fit(plan, strength=strength))

    def set_style(self, style_image: Any, **images: Any) -> None:
        """Changes the style from the next step on. The pictures are read at once, in the thread that calls.

        Args:
            style_image: The new style image, or a list of them.
            images: Other options of the style images: `style_blend`, `style_mask`, `style_scale`.

        Raises:
            ValueError: A bad option, an option that is not the style's, or a style that changes the picture's size.
            TypeError: An option of an unsupported type.
            OSError: The picture cannot be read.
            RuntimeError: The run has ended.
        """
        images = {"style_image": style_image, **images}
        for name in images:
            if not name.startswith("style_"):
                raise ValueError(f"{name} cannot change during a run. Call set_images before the next run.")
            checks.one_of("set_style: the option", name, _STYLE_OPTIONS)
        self._check_going("set_style")
        with self._lock:
            setup = self._plan_to_come().setup
        given = dataclasses.replace(setup.settings, images=dataclasses.replace(setup.settings.images, **images))
        changed = setup_lib.with_images(setup, given, images)
        self._ask(_described(images), lambda plan: plan_lib.with_setup(plan, changed))

    def stop(self) -> None:
        """Ends the run after the present step; its picture and frames are kept."""
        self._run.state.stop_called = self._run.state.stop_training = True

    def taken(self) -> tuple[plan_lib.Plan, list[str]]:
        """Returns the plan with the changes requested since the last call, and these in words, in their order.

        The run calls it between two steps.
        """
        with self._lock:
            plan = self._plan_to_come()
            made, self._changes = self._changes, []
        return plan, [change.what for change in made]

    def _ask(self, what: str, apply: Callable[[plan_lib.Plan], plan_lib.Plan]) -> None:
        """Checks a change together with those that are waiting, and adds it to them."""
        with self._lock:
            self._check_going(what)
            apply(self._plan_to_come())  # Raises for a change that cannot be made.
            self._changes.append(Change(what, apply))

    def _plan_to_come(self) -> plan_lib.Plan:
        """Returns the plan with the changes that wait. The caller holds the lock."""
        return functools.reduce(lambda plan, change: change.apply(plan), self._changes, self._run.present)

    def _check_going(self, what: str) -> None:
        state = self._run.state
        if state.stop_training or state.stop.reason is not state_lib.StopReason.RUNNING:
            raise RuntimeError(
                f"{what} came after the run had ended. Give it to the next run, by set_images or fit_style_transfer; "
                "warm_start=True goes on from this picture."
            )


def _described(options: dict[str, Any]) -> str:
    """Returns options as text. A picture that is not given by name stands as its kind, such as `ndarray`."""
    plain = {name: value.item() if isinstance(value, np.generic) else value for name, value in options.items()}
    return ", ".join(
        f"{name}={value!r}" if isinstance(value, (str, float, int, type(None))) else f"{name}: {type(value).__name__}"
        for name, value in plain.items()
    )
