"""Presets: complete looks by name.

Each is a flagfile in this folder: comments, of which the first line says what the preset makes, then options of
`NeuralStyleTransfer` and of `fit_style_transfer`. It names no pictures and no files to write.
"""

from nst_keras.presets.looks import DEFAULT, FIELDS, FOLDER, Options, Preset, get, listing, names
from nst_keras.presets.merging import completing, options, run_options, settings_of, void_with

__all__ = [
    "DEFAULT",
    "FIELDS",
    "FOLDER",
    "Options",
    "Preset",
    "completing",
    "get",
    "listing",
    "names",
    "options",
    "run_options",
    "settings_of",
    "void_with",
]
