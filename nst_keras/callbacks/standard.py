"""The callbacks of a run, in their order."""

from __future__ import annotations

import keras

from nst_keras.callbacks import balance, checkpointing, frames, history, lockstep, watching
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
) -> list[keras.callbacks.Callback]:
    """Returns the callbacks of a run: history, the user's own, frames, warnings, progress, checkpoints.

    Args:
        plan: What is run.
        recorder: Keeps the frames.
        replicas: What the work is shared out to. The chief alone shows progress and writes files.
        header: A line above the progress.
        checkpoint: What the run goes on from.
        store: Where its checkpoints are written; None for a run without.

    Raises:
        ValueError: A bad option of what is shown.
        OSError: A folder or file that cannot be written to.
        ImportError: A package that is missing.
    """
    fit, is_chief = plan.fit, hosts.is_chief(replicas)
    made: list[keras.callbacks.Callback] = [
        history.StepHistory(checkpoint and checkpoint.record["history"]),
        *fit.callbacks,
        recorder,
        balance.BalanceCheck(),
    ]
    if is_chief:
        made += watching.watching(
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
