"""Every option of a style transfer, declared once with its type, default, check and help.

Flags, `--help`, docstrings, the record inside a picture and the comparison of hosts all read the fields of these
classes. A new option is one field here, one argument of `NeuralStyleTransfer`, and its use. No module here imports
TensorFlow, so that `--help` and the error for a bad flag appear at once.
"""

from nst_keras.settings.batch import BatchSettings
from nst_keras.settings.fit import CONTENT_SIZE, FitSettings, LearningRate, SaveSettings
from nst_keras.settings.job import FileSettings, JobSettings, ProcessSettings
from nst_keras.settings.options import (
    Group,
    Option,
    built,
    declared,
    documents,
    fields,
    groups,
    helps,
    option,
    optional,
    values,
)
from nst_keras.settings.studio import StudioSettings
from nst_keras.settings.transfer import (
    FrameSettings,
    ImageChanges,
    ImageSettings,
    ImageSource,
    LossSettings,
    NetworkSettings,
    OptimizerSettings,
    RuntimeSettings,
    ScheduleSettings,
    TransferSettings,
)
from nst_keras.settings.video import VideoSettings

__all__ = [
    "CONTENT_SIZE",
    "BatchSettings",
    "FileSettings",
    "FitSettings",
    "FrameSettings",
    "Group",
    "ImageChanges",
    "ImageSettings",
    "ImageSource",
    "JobSettings",
    "LearningRate",
    "LossSettings",
    "NetworkSettings",
    "OptimizerSettings",
    "Option",
    "ProcessSettings",
    "RuntimeSettings",
    "SaveSettings",
    "ScheduleSettings",
    "StudioSettings",
    "TransferSettings",
    "VideoSettings",
    "built",
    "declared",
    "documents",
    "fields",
    "groups",
    "helps",
    "option",
    "optional",
    "values",
]
