"""Keeps what XLA compiles in a folder, from which a later process with the same step loads it.

TensorFlow does this by the whole compiled program. Other pictures, seeds and loss weights share one program; another
size, network or optimizer needs its own, of some 4 MB. Results are the same to the bit.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import pathlib
import platform
import re
import shutil
import sys
import warnings

from nst_keras import checks

__all__ = ["use"]

# The environment variable of TensorFlow's settings for XLA, which it reads once.
_VARIABLE = "TF_XLA_FLAGS"
_ROOM = 64 * 2**20  # Bytes: a dozen compiled programs.


def use(folder: str | os.PathLike[str]) -> pathlib.Path | None:
    """Makes TensorFlow keep what XLA compiles for the processor in a folder, and load what is already there.

    When TensorFlow loads a program, it logs that the processor lacks `prefer-no-scatter`. This is a preference, not an
    instruction. It is not seen unless the environment has a log level, see `quiet`.

    A folder that cannot be made or written to, or whose disk has less than 64 MiB free, is not used, with a warning:
    TensorFlow would end the run there.

    Args:
        folder: Made if it does not exist; `~` stands for the home folder. Machines may share it, since each version of
            TensorFlow and kind of processor has its own subfolder. It only grows; its contents may be deleted.

    Returns:
        The subfolder that this process uses; None for none.

    Raises:
        RuntimeError: TensorFlow is imported already, and may have read its settings.
    """
    root = pathlib.Path(folder).expanduser().absolute()
    own = root / f"{_tensorflow()}-{_processor()}"
    try:
        checks.make_folder("xla_cache", root)
        checks.make_folder("xla_cache", own)
        free = shutil.disk_usage(own).free
        if free < _ROOM:
            raise OSError(f"xla_cache: the disk of {str(folder)!r} has only {free / 2**20:.0f} MiB free.")
    except OSError as error:
        warnings.warn(f"{error} The run goes on without the cache.", stacklevel=2)
        return None
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
    """Returns the name and version of TensorFlow's package, which has several names, without importing it."""
    name = importlib.metadata.packages_distributions().get("tensorflow", ["tensorflow"])[0]
    return f"{name}-{importlib.metadata.version(name)}"


def _processor() -> str:
    """Returns a digest that differs between processors that cannot run each other's code."""
    system = pathlib.Path("/proc/cpuinfo")  # Linux only.
    text = system.read_text(encoding="utf-8") if system.exists() else ""
    lines = re.findall(r"^(?:model name|flags|Features)\s*:.*", text, re.MULTILINE)
    kind = [platform.system(), platform.machine(), platform.processor(), *sorted(set(lines))]
    return hashlib.sha256("\n".join(kind).encode()).hexdigest()[:12]


def _quoted(path: pathlib.Path) -> str:
    """Returns a path, of any characters, quoted for TensorFlow's settings."""
    text = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
