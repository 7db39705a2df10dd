"""absl flags, each derived from a signature: its name, type, default and help stand in the code that takes it.

The signatures are read from the source, not imported, so that `--help` and a bad flag are answered without waiting for
TensorFlow.
"""

from __future__ import annotations

import ast
import functools
import inspect
import pathlib
import re
from collections.abc import Sequence
from typing import Any

from absl import flags

from nst_keras.cli import flag_kinds
from nst_keras.export import record

__all__ = [
    "FIT",
    "HEADER",
    "JOB",
    "SAVE",
    "SETUP",
    "arguments",
    "define",
    "flag_line",
    "given",
    "kind_of",
    "signature",
]

SETUP = ("transfer", "NeuralStyleTransfer", "__init__")
FIT = ("transfer", "NeuralStyleTransfer", "fit_style_transfer")
SAVE = ("engine.result", "Outcome", "save")
JOB = ("cli.job", "Job", "__init__")

# How a flagfile begins that a run has written.
HEADER = "# Made by nst_keras"


def signature(module: str, *names: str) -> tuple[inspect.Signature, dict[str, str]]:
    """Signature of a function of this package, and what its docstring, or its class's, says of each argument.

    Args:
        module: Of `nst_keras`, without the package's name; a room of a folder as `"folder.room"`.
        names: The function's, or the class's and the method's.

    Returns:
        The signature, with annotations as text, and {argument: help}.
    """
    source = pathlib.Path(__file__).parents[1].joinpath(*module.split(".")).with_suffix(".py")
    tree = ast.parse(source.read_text(encoding="utf-8"))
    node, helps = tree, {}
    for name in names:
        node = next(n for n in node.body if isinstance(n, (ast.ClassDef, ast.FunctionDef)) and n.name == name)
        helps |= _argument_help(ast.get_docstring(node) or "")
    # The function without its body needs nothing of its module, as long as its defaults are literals.
    node.body, node.decorator_list = [ast.Pass()], []
    future = ast.parse("from __future__ import annotations").body
    namespace: dict[str, Any] = {}
    exec(compile(ast.fix_missing_locations(ast.Module([*future, node], [])), str(module), "exec"), namespace)
    return inspect.signature(namespace[node.name]), helps


def define(values: flags.FlagValues, *function: str) -> None:
    """Defines a flag for each argument of a function that text can name.

    Args:
        values: Where the flags are defined.
        function: As `signature` takes it.
    """
    parameters, helps = signature(*function)
    for name, parameter in parameters.parameters.items():
        if name not in record.WITHOUT_FLAG:
            default = None if parameter.default is parameter.empty else parameter.default
            _define(name, str(parameter.annotation), default, helps[name], values)


def arguments(values: flags.FlagValues, *function: str) -> dict[str, Any]:
    """{argument: value} of a function, from the flags that `define` made of it."""
    parameters, _ = signature(*function)
    return {name: values[name].value for name in parameters.parameters if name not in record.WITHOUT_FLAG}


def flag_line(name: str, value: Any) -> str:
    """The line of a flagfile that gives a flag this value."""
    return f"--{name}={_Serializer(kind_of(name)).serialize(value)}"


def given(argv: Sequence[str], values: flags.FlagValues) -> list[tuple[str, str | None]]:
    """The flags of a command line as it is written, `--flagfile` among them, but not what stands in flagfiles.

    Args:
        argv: Arguments, without the program's name; those that absl has parsed without an error.
        values: All flags but `--flagfile`.

    Returns:
        [(name, text)]; the text is None for a boolean flag that stands alone.
    """
    found, rest = [], iter(argv)
    takes_text = {"flagfile", "undefok"} | {name for name in values if not values[name].boolean}
    for argument in rest:
        if argument == "--" or not argument.startswith("-"):
            break
        name, equals, text = argument.removeprefix("-").removeprefix("-").partition("=")
        if not equals:
            text = next(rest, None) if name in takes_text else None
        found.append((name, text))
    return found


@functools.cache
def kind_of(name: str) -> flag_kinds.Kind:
    """The kind of a flag that `define` makes of one of this module's functions; text for a name that is in none.

    It is the kind of the argument's annotation.
    """
    for function in (SETUP, FIT, SAVE, JOB):
        parameters, _ = signature(*function)
        if name in parameters.parameters:
            return flag_kinds.kind(str(parameters.parameters[name].annotation))
    return flag_kinds.kind("str")


def _argument_help(docstring: str) -> dict[str, str]:
    """{argument: its text} from the `Args:` of a docstring."""
    section = re.search(r"^Args:\n((?: .*\n|\n)*)", docstring + "\n", re.MULTILINE)
    entries = re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", section[1] if section else "", re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in entries}


class _Parser(flags.ArgumentParser):
    """Parses the text of a flag as its kind does; `none` stands for None where the argument may be None."""

    def __init__(self, kind: flag_kinds.Kind, *, optional: bool) -> None:
        self._kind, self._optional = kind, optional
        self.syntactic_help = f"{kind.description}, or none" if optional else kind.description

    def parse(self, argument: Any) -> Any:
        """The value that a text stands for; a default is a value already."""
        if not isinstance(argument, str):
            return argument
        if self._optional and argument.lower() == "none":
            return None
        try:
            return self._kind.parse(argument)
        except ValueError as error:
            raise ValueError(f"{argument!r} is not {self._kind.description}") from error

    def flag_type(self) -> str:
        """What the value is, in words."""
        return self._kind.description


class _Serializer(flags.ArgumentSerializer):
    """The inverse of `_Parser`."""

    def __init__(self, kind: flag_kinds.Kind) -> None:
        self._kind = kind

    def serialize(self, value: Any) -> str:
        """The text that stands for a value."""
        return "none" if value is None else self._kind.text(value)


def _define(name: str, annotation: str, default: Any, text: str, values: flags.FlagValues) -> None:
    if annotation == "bool":  # absl's own, which understands --name and --noname too.
        flags.DEFINE_bool(name, default, text, values, module_name="nst_keras.run")
    else:
        kind = flag_kinds.kind(annotation)
        parser = _Parser(kind, optional="None" in annotation.split(" | "))
        flags.DEFINE(parser, name, default, text, values, _Serializer(kind), module_name="nst_keras.run")
