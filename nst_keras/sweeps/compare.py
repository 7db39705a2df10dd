"""`compare`: runs of one style transfer with each combination of several values of its options."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import Any

from nst_keras import optimizers, presets, settings, transfer
from nst_keras.callbacks import progress
from nst_keras.engine import inputs as inputs_lib
from nst_keras.engine import plan as plan_lib
from nst_keras.engine import result as result_lib
from nst_keras.engine import state
from nst_keras.runtime import messages
from nst_keras.settings import modes
from nst_keras.sweeps import comparison as comparison_lib
from nst_keras.sweeps import variation

__all__ = ["Sweep", "compare"]

# So long an interval that only the last frame of a run is kept.
_LAST_FRAME = settings.FrameSettings(frame_interval=2**62)

# Kinds of errors that keep their kind when the combination is added to their sentence.
_KINDS = (MemoryError, ConnectionError, OSError, TypeError, ValueError, RuntimeError)


def compare(
    style_transfer: transfer.NeuralStyleTransfer, vary: Mapping[str, Iterable[Any]], **fit_options: Any
) -> comparison_lib.Comparison:
    """Makes a picture with each combination of several values of options, for a sheet that shows them side by side.

    All combinations are checked before the first run. The style transfer itself is not changed. Its seed is used in all
    runs, unless `seed` varies. Only the last frame of each run is kept. Ctrl-C ends the comparison, and keeps the
    pictures made so far.

    Example:
    ```python
    vary = {"content_weight": [0.01, 0.1], "style_layer_scheme": ["fine", "coarse"]}
    compared = compare(style_transfer, vary, epochs=2)
    compared.save("compared")
    ```

    Args:
        style_transfer: The style transfer whose settings hold in all runs.
        vary: {option of `NeuralStyleTransfer` or of `fit_style_transfer`: list of its values}, for at most 100
            combinations.
        fit_options: Options of `fit_style_transfer` that hold in all runs. Default: those of the transfer's preset.

    Returns:
        The comparison: `figure` (the sheet), `results`, `pictures`, and `save(folder)`.

    Raises:
        ValueError: An option that is unknown or does not change the picture, a bad value, or a combination that makes
            no run. The message names it.
        TypeError: No style transfer, no list of values, or a value of an unsupported type.
        OSError: A picture cannot be read.
        KeyboardInterrupt: Ctrl-C came before there was a picture.
    """
    if not isinstance(style_transfer, transfer.NeuralStyleTransfer):
        raise TypeError(f"style_transfer must be a NeuralStyleTransfer, but {style_transfer!r} was given.")
    checked = variation.checked(vary, fit_options)
    variation.check_held(fit_options)
    sweep = Sweep(
        style_transfer.given, checked, settings.FitSettings(**{**_of_preset(style_transfer, checked), **fit_options})
    )
    sweep.run()
    return sweep.comparison


def _of_preset(style_transfer: transfer.NeuralStyleTransfer, vary: Iterable[str]) -> presets.Options:
    """Returns the options of a run that a transfer's preset has, but those without meaning where others vary."""
    void = presets.void_with(vary)
    return {name: value for name, value in style_transfer.preset_run.items() if name not in void}


class Sweep:
    """The runs of a comparison. At construction all combinations are checked, and nothing is computed.

    Args:
        given: The settings of all transfers. Without a seed, one is drawn for all.
        vary: {option: its values}, as `variation.checked` returns them.
        fit: The settings of all runs.

    Attributes:
        combinations: All combinations, in order.
        is_chief: Whether this process writes files and shows progress.
        begun: Whether a run has begun.

    Raises:
        ValueError: A combination makes no run. The message names it.
        TypeError: A value of an unsupported type.
        OSError: A picture or weights cannot be read.
    """

    def __init__(
        self, given: settings.TransferSettings, vary: Mapping[str, Sequence[Any]], fit: settings.FitSettings
    ) -> None:
        progress.of_verbose(fit.verbose)  # Raises for a bad value.
        self.combinations = variation.combinations(vary)
        self.is_chief, self.begun = True, False
        self._verbose = fit.verbose
        self._fits = [self._fit_of(one, fit) for one in self.combinations]
        with messages.of_keras(shown=fit.verbose != 0):
            self._transfers = self._checked_transfers(dataclasses.replace(given, frames=_LAST_FRAME))
        self._made: dict[int, result_lib.Result] = {}
        self._interrupted = False

    @property
    def inputs(self) -> list[inputs_lib.Inputs]:
        """The pictures of each transfer whose runs are not all made, at the size of its results."""
        return [style_transfer.state.pictures for style_transfer in self._transfers.values()]

    @property
    def comparison(self) -> comparison_lib.Comparison:
        """The comparison so far."""
        return comparison_lib.Comparison(
            combinations=self.combinations, made=dict(self._made), interrupted=self._interrupted
        )

    def run(self) -> None:
        """Makes the pictures, until all are made or Ctrl-C ends it.

        Raises:
            Exception: A run raised it. The message begins with the run's combination.
            KeyboardInterrupt: Ctrl-C came before there was a picture.
        """
        try:
            for count, at in enumerate(self._order(), 1):
                self._make(at, count)
                if self._interrupted:
                    break
        except KeyboardInterrupt:
            self._interrupted = True
        if self._interrupted and not self._made:
            raise KeyboardInterrupt

    def _make(self, at: int, count: int) -> None:
        """Makes the picture of one combination.

        Args:
            at: Index of the combination.
            count: Number of the run, from 1.
        """
        one, fit = self.combinations[at], self._fits[at]
        style_transfer = self._transfers[_key(one)]
        title = f"{count}/{len(self.combinations)}  {one.label()}"
        shown = progress.of_verbose(self._verbose, title=title) if self.is_chief else []
        with _named(one):
            try:
                style_transfer.fit(dataclasses.replace(fit, callbacks=(*fit.callbacks, *shown), verbose=0))
            finally:
                self.begun = self.begun or style_transfer.state.begun
        result = style_transfer.result
        if result.step or result.completed:
            # The record names the user's callbacks, not the progress line.
            self._made[at] = dataclasses.replace(result, options={**result.options, "callbacks": fit.callbacks})
        self._interrupted = style_transfer.state.interrupted or result.stop.reason is state.StopReason.INTERRUPTED
        if not any(_key(other) == _key(one) for other in self._left()):
            del self._transfers[_key(one)]  # Its memory is free for the others.

    def _order(self) -> list[int]:
        """Returns the indices of the combinations in the order of the runs: those of one transfer together."""
        keys = list(self._transfers)
        return sorted(range(len(self.combinations)), key=lambda at: keys.index(_key(self.combinations[at])))

    def _left(self) -> list[variation.Combination]:
        return [one for at, one in enumerate(self.combinations) if at not in self._made]

    def _fit_of(self, one: variation.Combination, fit: settings.FitSettings) -> settings.FitSettings:
        """Returns the settings of a combination's run."""
        with _named(one):
            return variation.with_values(fit, one.values)

    def _checked_transfers(
        self, given: settings.TransferSettings
    ) -> dict[tuple[int, ...], transfer.NeuralStyleTransfer]:
        """Returns the transfers of all combinations, after checking the run of each."""
        made: dict[tuple[int, ...], transfer.NeuralStyleTransfer] = {}
        for one, fit in zip(self.combinations, self._fits, strict=True):
            with _named(one):
                if _key(one) not in made:
                    own = variation.with_values(given, one.values)
                    made[_key(one)] = transfer.NeuralStyleTransfer.from_settings(own)
                _check_run(made[_key(one)], fit)
            if given.runtime.seed is None:
                runtime = dataclasses.replace(given.runtime, seed=made[_key(one)].seed)
                given = dataclasses.replace(given, runtime=runtime)
        self.is_chief = all(style_transfer.is_chief for style_transfer in made.values())
        return made


def _key(one: variation.Combination) -> tuple[int, ...]:
    """Returns what tells the transfers of combinations apart: those with the same key share one."""
    return tuple(one.places_in(settings.TransferSettings).values())


def _check_run(style_transfer: transfer.NeuralStyleTransfer, fit: settings.FitSettings) -> None:
    """Raises the errors that `fit` would raise for these settings, before anything is computed."""
    setup = style_transfer.result.plan.setup
    modes.get(setup.settings.losses.mode, fit)
    plan_lib.make(setup, fit)
    asked = setup.optimization
    optimizers.get(
        asked.optimizer,
        learning_rate=fit.learning_rate,
        averaging=asked.averaging or 0.0,
        lbfgs_history=asked.lbfgs_history,
        preconditioning=asked.preconditioning,
        tolerance=asked.tolerance,
    )


@contextlib.contextmanager
def _named(one: variation.Combination) -> Generator[None, None, None]:
    """Puts a combination before the sentence of an error."""
    try:
        yield
    except Exception as error:
        kind = next((kind for kind in _KINDS if isinstance(error, kind)), RuntimeError)
        raise kind(f"With {one.label()}: {str(error) or type(error).__name__}") from error
