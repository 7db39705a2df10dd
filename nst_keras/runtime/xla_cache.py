"""What XLA has compiled, kept in a folder, from which a later process that needs the same step loads it.

TensorFlow keeps it, by the whole compiled program: other pictures, seeds and weights of the loss have the same one;
another size, network or optimizer has its own, of some 4 MB. The numbers are the same to the bit.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import pathlib
import platform
import re
import sys

from nst_keras import checks

__all__ = ["use"]

# TensorFlow's settings of XLA, which it reads once.
_VARIABLE = "TF_XLA_FLAGS"


def use(folder: str | os.PathLike) -> pathlib.Path:
    """Makes TensorFlow keep in a folder what XLA compiles for the processor, and load what it finds there.

    TensorFlow logs, as it loads, that the processor lacks `prefer-no-scatter`: this is a preference and no instruction.
    With `TF_CPP_MIN_LOG_LEVEL=3` in the environment it is silent.

    Args:
        folder: Made if it is not there; `~` stands for the home folder. Machines may share it: each version of
            TensorFlow and kind of processor has its own folder in it. It only grows; what lies in it may be deleted.

    Returns:
        The folder in it that this process uses.

    Raises:
        OSError: The folder cannot be made or written to.
        RuntimeError: TensorFlow is imported already, and may have read its settings.
    """
    root = pathlib.Path(folder).expanduser().absolute()
    checks.make_folder("xla_cache", root)
    own = root / f"{_tensorflow()}-{_processor()}"
    checks.make_folder("xla_cache", own)
    setting = f"--tf_xla_persistent_cache_directory={_quoted(own)} --tf_xla_persistent_cache_device_types=CPU"
    before = os.environ.get(_VARIABLE, "")
    if not before.endswith(setting):
        if "tensorflow" in sys.modules:
            raise RuntimeError(
                f"xla_cache: {str(folder)!r} comes too late, since TensorFlow is imported already. Start the process "
                "or notebook again, and name the folder before the import."
            )
        os.environ[_VARIABLE] = f"{before} {setting}".strip()
    return own


def _tensorflow() -> str:
    """Name and version of TensorFlow, which comes under several, without importing it."""
    name = importlib.metadata.packages_distributions().get("tensorflow", ["tensorflow"])[0]
    return f"{name}-{importlib.metadata.version(name)}"


def _processor() -> str:
    """What tells processors apart that cannot run each other's code."""
    system = pathlib.Path("/proc/cpuinfo")  # Linux alone has it.
    text = system.read_text(encoding="utf-8") if system.exists() else ""
    lines = re.findall(r"^(?:model name|flags|Features)\s*:.*", text, re.MULTILINE)
    kind = [platform.system(), platform.machine(), platform.processor(), *sorted(set(lines))]
    return hashlib.sha256("\n".join(kind).encode()).hexdigest()[:12]


def _quoted(path: pathlib.Path) -> str:
    """A path as TensorFlow reads it, whatever its letters."""
    text = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
