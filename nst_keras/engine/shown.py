"""What a transfer shows of its session: its last result, attributes read through, and options not to be assigned."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from nst_keras import settings as settings_lib
from nst_keras.engine import descriptions
from nst_keras.engine import result as result_lib
from nst_keras.engine import setup as setup_lib
from nst_keras.engine import state as state_lib
from nst_keras.export import record as record_lib

if TYPE_CHECKING:
    import matplotlib.figure

__all__ = ["Session", "Shown"]


class Session(Protocol):
    """What is shown of a session.

    Attributes:
        setup: Pictures, network and layers.
        state: The state of the last run, also during the run.
    """

    setup: setup_lib.Setup
    state: state_lib.RunState

    def result(self) -> result_lib.Result:
        """Returns the result of the last run."""
        ...

    def shown(self, name: str) -> Any:
        """Returns the attribute of this name; raises `AttributeError` if there is none."""
        ...

    def refusal(self, name: str) -> str | None:
        """Returns why an attribute of this name cannot be assigned; None if it can be."""
        ...


SessionT = TypeVar("SessionT", bound=Session)


class Shown(Generic[SessionT]):
    """Base of a class with a session as `_session`, whose attributes and last result it shows as its own."""

    _session: SessionT

    @property
    def result(self) -> result_lib.Result:
        """The result of the last run. During a run: so far. Before the first run: the start image."""
        return self._session.result()

    def record(self, **saved: Any) -> record_lib.Record:
        """Returns the record of how the picture was made, see `export.record`; with the options of `save`, if given."""
        return self.result.record(settings_lib.SaveSettings(**saved) if saved else None)

    def plot_history(self, path: str | os.PathLike[str] | None = None) -> matplotlib.figure.Figure:
        """Returns a plot of the losses, see `Result.plot_history`."""
        return self.result.plot_history(path)

    def plot_frames(
        self, path: str | os.PathLike[str] | None = None, *, rows: int = 1, columns: int = 6
    ) -> matplotlib.figure.Figure:
        """Returns a contact sheet, see `Result.plot_frames`."""
        return self.result.plot_frames(path, rows=rows, columns=columns)

    def __repr__(self) -> str:
        """Returns what is made and how far it has come, in one line."""
        return f"<{type(self).__name__}: {descriptions.standing(self._session.setup, self._session.state)}>"

    def __reduce_ex__(self, protocol: object) -> Any:
        """Raises `TypeError`: compiled functions and locks can be neither copied nor pickled."""
        name = type(self).__name__
        raise TypeError(
            f"A {name} cannot be copied or pickled. Make another with {name}.from_settings(this.given), or keep its "
            "picture: this.image, or this.save(path)."
        )

    @property
    def stop_training(self) -> bool:
        """Whether the run ends after the present step. A callback sets it to True to end the run."""
        return self._session.state.stop_training

    @stop_training.setter
    def stop_training(self, value: bool) -> None:
        """Ends the run after the present step, if True."""
        self._session.state.stop_training = value

    if not TYPE_CHECKING:  # Type checkers know only the attributes that the class names.

        def __getattr__(self, name: str) -> Any:
            """Returns the attribute of this name of the session, or the one that callbacks see of the last run."""
            if name.startswith("_") or hasattr(type(self), name):  # The latter: an error inside a property.
                raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")
            return self._session.shown(name)

        def __setattr__(self, name: str, value: Any) -> None:
            """Refuses to set an option, or what a run has made, which would only hide it."""
            is_own = name.startswith("_") or hasattr(type(self), name) or "_session" not in vars(self)
            if not is_own and (refusal := self._session.refusal(name)):
                raise AttributeError(refusal)
            super().__setattr__(name, value)
