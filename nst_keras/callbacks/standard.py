"""The callbacks of a run, in their order."""

from __future__ import annotations

from collections.abc import Hashable

import keras

from nst_keras.callbacks import balance, checkpointing, frames, history, lockstep
from nst_keras.callbacks.watching import watching
from nst_keras.engine import checkpoints
from nst_keras.engine import plan as plan_lib
from nst_keras.runtime import devices, hosts

__all__ = ["standard"]


def standard(
    plan: plan_lib.Plan,
    recorder: frames.FrameRecorder,
    *,
    replicas: devices.Replicas,
    header: str,
    checkpoint: checkpoints.Checkpoint | None = None,
    store: checkpoints.Store | None = None,
    balanced: set[Hashable] | None = None,
) -> list[keras.callbacks.Callback]:
    """Returns the callbacks of a run: history, the user's own, frames, warnings, progress, checkpoints.

    Args:
        plan: The plan of the run.
        recorder: The callback that keeps the frames.
        replicas: The replicas that share the work. Only their chief shows progress and writes files.
        header: A line above the progress.
        checkpoint: The checkpoint that the run resumes from. Default: none.
        store: The folder for the run's checkpoints. None: no checkpoints are written.
        balanced: See `balance.BalanceCheck`. Default: the run is checked.

    Raises:
        ValueError: `show_interval` or `verbose` is out of range, or `preview` is no picture file.
        OSError: A file or folder cannot be written to.
        ImportError: `tensorboard` is given, but the package of that name is not installed.
    """
    fit, is_chief = plan.fit, hosts.is_chief(replicas)
    made: list[keras.callbacks.Callback] = [
        history.StepHistory(checkpoint and checkpoint.record["history"]),
        *fit.callbacks,
        recorder,
        balance.BalanceCheck(checked=balanced),
    ]
    if is_chief:
        made += watching(
            show_image=fit.show_image,
            show_interval=fit.show_interval,
            preview=fit.preview,
            tensorboard=fit.tensorboard,
            verbose=fit.verbose,
            shown_settings={name: value for name, value in plan_lib.asked(plan).items() if value is not None},
            header=header,
        )
    if store is not None and is_chief:
        made.append(
            checkpointing.Checkpointer(
                store, fit.checkpoint_interval, plan.setup.pictures.seed, plan_lib.fingerprint(plan)
            )
        )
    if replicas.has_other_hosts():
        made.append(lockstep.Lockstep(replicas))
    return made
