"""Keeps what XLA compiles in a folder, from which a later process with the same step loads it.

TensorFlow does this by the whole compiled program. Other pictures, seeds and loss weights share one program; another
size, network or optimizer needs its own, of some 4 MB. Results are the same to the bit.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import os
import pathlib
import platform
import re
import shutil
import sys
import time
import warnings

import platformdirs

from nst_keras import checks

__all__ = ["AUTO", "use", "use_default", "use_named"]

AUTO = "auto"  # In place of a folder: that of `use_default`.

# The environment variable of TensorFlow's settings for XLA, which it reads once.
_VARIABLE = "TF_XLA_FLAGS"
_LEAST_FREE = 64 * 2**20  # Bytes: a dozen compiled programs.
_MOST_KEPT = 256 * 2**20  # Bytes of a folder, over all versions and processors.
_ENTRIES = "xla_compile_cache__*.pb*"  # TensorFlow's names for its programs, and for those half-written.
_DAY = 24 * 60 * 60.0


def use(folder: str | os.PathLike[str]) -> pathlib.Path | None:
    """Makes TensorFlow keep what XLA compiles for the processor in a folder, and load what is already there.

    When TensorFlow loads a program, it logs that the processor lacks `prefer-no-scatter`. This is a preference, not an
    instruction. It is not seen unless the environment has a log level, see `quiet`.

    A folder that cannot be made or written to, or whose disk has less than 64 MiB free, is not used, with a warning:
    TensorFlow would end the run there. For the same reason, programs that are cut off are deleted. Those that were not
    used for longest are deleted too, until the folder holds at most 256 MiB; that is done once, here.

    Args:
        folder: Made if it does not exist; `~` stands for the home folder. Machines and processes may share it, since
            each version of TensorFlow and kind of processor has its own subfolder. Its contents may be deleted.

    Returns:
        The subfolder that this process uses; None for none.

    Raises:
        RuntimeError: TensorFlow is imported already, and may have read its settings.
    """
    try:
        own = _made(folder)
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


def use_default() -> pathlib.Path | None:
    """Uses a folder in the user's cache folder, such as `~/.cache/nst_keras/xla`; see `use`.

    Returns:
        The subfolder that this process uses. None, without a warning, where it cannot be written to, has too little
        room, or comes too late.
    """
    if "tensorflow" in sys.modules or "tf_xla_persistent_cache" in os.environ.get(_VARIABLE, ""):
        return None  # Too late, or the user has a cache of their own.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return use(platformdirs.user_cache_path("nst_keras", appauthor=False) / "xla")
        except (RuntimeError, importlib.metadata.PackageNotFoundError):  # No home folder; TensorFlow of no known name.
            return None


def use_named(folder: str | os.PathLike[str] | None) -> None:
    """Uses the folder that an option names, before TensorFlow is loaded; see `use`.

    Args:
        folder: The folder; `auto` for the usual one, None for none.
    """
    if folder == AUTO:
        use_default()
    elif folder is not None:
        use(folder)


def _made(folder: str | os.PathLike[str]) -> pathlib.Path:
    """Returns the subfolder for this kind of process, made and tidied.

    Raises:
        OSError: It cannot be made or written to, or its disk has too little room.
    """
    root = pathlib.Path(folder).expanduser().absolute()
    own = root / f"{_tensorflow()}-{_processor()}"
    checks.make_folder("xla_cache", root)
    checks.make_folder("xla_cache", own)
    free = shutil.disk_usage(own).free
    if free < _LEAST_FREE:
        raise OSError(f"xla_cache: the disk of {str(folder)!r} has only {free / 2**20:.0f} MiB free.")
    _tidy(root)
    return own


def _tidy(root: pathlib.Path) -> None:
    """Deletes programs that are cut off, and those that were not used for longest, until few enough bytes are left.

    Another process may read, write or delete the same files: one that it misses, it compiles again.
    """
    found: list[tuple[float, int, pathlib.Path]] = []
    for path in root.glob(f"*/{_ENTRIES}"):
        try:
            known = path.stat()
            used = max(known.st_atime, known.st_mtime)
            is_being_written = path.suffix != ".pb" and time.time() - used < _DAY
            if is_being_written or (path.suffix == ".pb" and _is_whole(path, known.st_size)):
                found.append((used, known.st_size, path))
            else:
                path.unlink(missing_ok=True)
        except OSError:  # Deleted by another process; or not ours to delete.
            continue
    total = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if total <= _MOST_KEPT:
            break
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        total -= size


def _is_whole(path: pathlib.Path, size: int) -> bool:
    """Returns whether a file ends where its outermost fields, which name their lengths, say that it does.

    TensorFlow writes a program as a protocol buffer of such fields, and fails on one that is cut off.
    """
    place = 0
    with open(path, "rb") as file:
        while place < size:
            file.seek(place)
            kind, *digits = file.read(11)
            count = next((number for number, digit in enumerate(digits, 1) if digit < 128), None)
            if kind & 7 != 2 or count is None:  # 2: a field with its length before it.
                return False
            length = sum((digit & 127) << 7 * number for number, digit in enumerate(digits[:count]))
            place += 1 + count + length
    return 0 < place == size


def _tensorflow() -> str:
    """Returns the name and version of TensorFlow's package, which has several names, without importing it."""
    name = "tensorflow"
    try:
        return f"{name}-{importlib.metadata.version(name)}"
    except importlib.metadata.PackageNotFoundError:  # Another name, which takes longer to find.
        name = importlib.metadata.packages_distributions().get(name, [name])[0]
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
