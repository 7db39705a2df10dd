"""Keras callbacks that act at each step of a run: they record, show, check and store it.

Keras hands every callback the run as `self.model`. `RunView` is all that a callback may read of it:

- progress: `step`, `first_step`, `total_steps`, `steps_left()`, `stage`, `stage_count`, `stage_size`;
- pictures: `image`, `generated_image`, `optimized_image`, `content_image`, `style_images`;
- losses: `objective`, `terms`, `history`;
- the rest: `optimizer_variables()`, `settings`, and `stop_training`, which may also be set.

The callbacks here derive from `RunCallback`, whose `self.run` is the same object with that type. Callbacks that derive
from `keras.callbacks.Callback` and read `self.model` work too.
"""

from nst_keras.callbacks.balance import BalanceCheck
from nst_keras.callbacks.checkpointing import Checkpointer
from nst_keras.callbacks.display import ImageDisplay
from nst_keras.callbacks.frames import FrameRecorder, StoredFrames, recorder
from nst_keras.callbacks.history import StepHistory
from nst_keras.callbacks.lockstep import Lockstep
from nst_keras.callbacks.progress import Progress
from nst_keras.callbacks.run_view import RunCallback, RunView
from nst_keras.callbacks.standard import standard
from nst_keras.callbacks.tensorboard import TensorBoard
from nst_keras.callbacks.watching import watching

__all__ = [
    "BalanceCheck",
    "Checkpointer",
    "FrameRecorder",
    "ImageDisplay",
    "Lockstep",
    "Progress",
    "RunCallback",
    "RunView",
    "StepHistory",
    "StoredFrames",
    "TensorBoard",
    "recorder",
    "standard",
    "watching",
]
