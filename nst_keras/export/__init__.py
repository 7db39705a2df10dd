"""Files out: stills, animations and plots of a run, each written whole or not at all."""

from nst_keras.export.animations import ANIMATION_WRITERS, check_animation, save_animation
from nst_keras.export.files import check_destination, check_suffix, encoded, replacing
from nst_keras.export.stills import STILL_OPTIONS, StillOptions, check_still, save_image

__all__ = [
    "ANIMATION_WRITERS",
    "STILL_OPTIONS",
    "StillOptions",
    "check_animation",
    "check_destination",
    "check_still",
    "check_suffix",
    "encoded",
    "replacing",
    "save_animation",
    "save_image",
]
