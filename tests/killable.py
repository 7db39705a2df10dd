"""A small run with checkpoints, for a test to kill: `python -m tests.killable OPTIMIZER CHECKPOINTS RESULT`."""

import sys

from nst_keras.runtime import lean

if __name__ == "__main__":  # Then the process is this program's alone.
    lean.allow()
    lean.load()

import keras
import numpy as np

from nst_keras import export, transfer
from nst_keras.images import samples
from nst_keras.networks import extractors
from tests.conftest import LAYERS, centred, small_model
from tools.drawing import swirls_night

STEPS = 40


def run(optimizer, **options):
    """The run, the same in each process."""
    style_transfer = transfer.NeuralStyleTransfer(
        swirls_night.swirls(88)[:72:2, ::2],
        samples.read("grace_hopper")[100:436:7, 80:360:7],
        extractors.FeatureExtractor(small_model(), centred),
        normalization="relative",
        optimizer=optimizer,
        init="noise",
        seed=0,
        jit_compile="false",
        frame_interval=5,
        **LAYERS,
    )
    style_transfer.fit_style_transfer(1, STEPS, verbose=0, **options)
    return style_transfer


def main(optimizer, folder, result):
    """Goes on with the run in the folder; says which steps it makes, and writes its picture at its end."""
    begun = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: print(batch, flush=True))
    style_transfer = run(optimizer, checkpoint_dir=folder, checkpoint_interval=1, resume=True, callbacks=[begun])
    with export.replacing(result) as temporary:
        np.save(temporary, style_transfer.generated_image)


if __name__ == "__main__":
    main(*sys.argv[1:])
