"""What decides the frames of a clip, for a command that goes on, and what the clip's file says of how it was made."""

from __future__ import annotations

import functools
import inspect
import json

from nst_keras import presets, settings
from nst_keras.cli.video import flow as flow_lib
from nst_keras.export import record
from nst_keras.settings import paths

__all__ = ["comment", "fingerprint"]

# Options of a clip that decide its frames.
_OF_FRAMES = ("start", "end", "every", "frame_steps", "temporal_weight", "passes")


def fingerprint(
    given: settings.TransferSettings,
    fit: settings.FitSettings,
    video: settings.VideoSettings,
    *,
    clip: str,
    flow: flow_lib.Flow,
) -> presets.Options:
    """Returns {name: value} of all that decides the frames, as JSON holds it.

    Args:
        given: The look.
        fit: Steps and weights.
        video: The options of the clip.
        clip: SHA-256 of the clip's file, or `sample:NAME`.
        flow: The flow between two frames.
    """
    transfer, known = settings.values(given), record.recorded_options()
    options = {**transfer, **settings.values(fit)}
    found = {name: record.described(record.resolved(name, value)) for name, value in options.items() if name in known}
    found |= {name: getattr(video, name) for name in _OF_FRAMES} | record.digests(transfer)
    found |= {"video": clip, "flow": _name(flow)}
    return json.loads(json.dumps(found))


def comment(given: settings.TransferSettings, fit: settings.FitSettings, video: settings.VideoSettings) -> str:
    """Returns the text that a clip's file holds: the settings that differ from the defaults."""
    usual = settings.values(settings.TransferSettings()) | settings.values(settings.FitSettings())
    usual |= settings.values(settings.VideoSettings())
    used = settings.values(given) | settings.values(fit) | settings.values(video)
    # As texts: an array has no single answer to whether it equals something.
    described = {name: (_public(value), _public(usual[name])) for name, value in used.items()}
    changed = {name: value for name, (value, default) in described.items() if value != default}
    return "Made by nst_keras.video: " + json.dumps(changed, sort_keys=True)


def _name(flow: object) -> str:
    """Returns what tells a function from others: its name, with the arguments that `functools.partial` gives it."""
    flow = inspect.unwrap(flow) if callable(flow) else flow
    if isinstance(flow, functools.partial):
        return f"{_name(flow.func)} {flow.args} {flow.keywords}"
    return getattr(flow, "__qualname__", type(flow).__name__)


def _public(value: object) -> object:
    """Returns a value as JSON holds it, without a password of a URL in it."""
    if isinstance(value, (list, tuple)):
        return [_public(part) for part in value]
    return paths.without_password(value) if isinstance(value, str) else record.described(value)
