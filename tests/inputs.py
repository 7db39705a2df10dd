"""Inputs of a run from options given one by one, and what its plan says."""

from nst_keras import settings
from nst_keras.engine import plan, reading
from nst_keras.settings import modes


def read(style_image, content_image, *, mode="transfer", seed=0, image_size=None, **options):
    """Returns the inputs of a run, read as a run reads them; by default at the pictures' own sizes."""
    given = settings.ImageSettings(
        style_image=style_image, content_image=content_image, image_size=image_size, **options
    )
    return reading.read(given, modes.get(mode, given), seed=seed)


def tile_sizes(style_transfer):
    """Returns the size of a transfer's tiles at each stage; None for a picture that is taken whole."""
    return [stage.tile_size for stage in plan.make(style_transfer.setup, settings.FitSettings()).stages]
