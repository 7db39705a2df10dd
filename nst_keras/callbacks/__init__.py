"""What happens at each step of a run, as Keras callbacks.

They are handed the run as `self.model`, a `NeuralStyleTransfer`, and read its `step` (counted through all epochs),
`image` (uint8), `generated_image` (float), `optimized_image`, `terms` and `objective`.
"""

from nst_keras.callbacks.balance import BalanceCheck
from nst_keras.callbacks.checkpointing import Checkpointer
from nst_keras.callbacks.display import ImageDisplay
from nst_keras.callbacks.frames import FrameRecorder, StoredFrames, recorder
from nst_keras.callbacks.history import StepHistory
from nst_keras.callbacks.lockstep import Lockstep
from nst_keras.callbacks.progress import Progress
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
    "StepHistory",
    "StoredFrames",
    "TensorBoard",
    "recorder",
    "standard",
    "watching",
]
