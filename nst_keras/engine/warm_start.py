"""A run that goes on from the picture of an earlier one."""

from __future__ import annotations

from nst_keras import optimizers, settings
from nst_keras.engine import plan as plan_lib
from nst_keras.engine import run as run_lib
from nst_keras.engine import setup as setup_lib
from nst_keras.engine import state as state_lib

__all__ = ["optimizer", "plan"]


def plan(before: run_lib.Run, setup: setup_lib.Setup, asked: settings.FitSettings) -> plan_lib.Plan:
    """Returns the plan of a run that starts at the picture of an earlier one, at the size of the result alone.

    Args:
        before: The earlier run.
        setup: Pictures, network and layers as they are now.
        asked: Steps and weights.
    """
    setup = setup_lib.from_picture(setup, before.state.optimized_image)
    return plan_lib.make(setup, asked, went_on=f"the picture of an earlier run, after its step {before.state.step}")


def optimizer(before: run_lib.Run, plan: plan_lib.Plan) -> optimizers.Optimizer | None:
    """Returns the optimizer of an earlier run, with what it has learned; None if the new run needs a new one.

    It is reused if size, loss and optimizer are the same, and neither an error nor Ctrl-C ended the earlier run.
    """
    state, last = before.state, plan.stages[-1]
    has_ended_well = state.completed or state.stop.reason is state_lib.StopReason.CALLBACK
    if not has_ended_well or state.picture_replaced or state.stage_size != last.pictures.size:
        return None
    is_same_loss = plan_lib.loss_fingerprint(before.present) == plan_lib.loss_fingerprint(plan)
    return state.solver if is_same_loss else None
