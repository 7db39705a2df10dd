"""absl flags, each derived from a signature: its name, type, default and help stand in the code that takes it.

The signatures are read from the source, not imported, so that `--help` and a bad flag are answered without waiting for
TensorFlow.
"""

from __future__ import annotations

import ast
import inspect
import pathlib
import re
from collections.abc import Callable, Mapping
from typing import Any

from absl import flags

__all__ = [
    "FIT",
    "HEADER",
    "SETUP",
    "WITHOUT_FLAG",
    "arguments",
    "define",
    "flag_line",
    "layers_from_text",
    "signature",
]

SETUP = ("transfer", "NeuralStyleTransfer", "__init__")
FIT = ("transfer", "NeuralStyleTransfer", "fit_style_transfer")
SAVE = ("outcome", "Outcome", "save")

# How a flagfile begins that a run has written.
HEADER = "# Made by nst_keras"
# What no text can name.
WITHOUT_FLAG = ("self", "preprocess", "callbacks", "verbose", "path")


def signature(module: str, *names: str) -> tuple[inspect.Signature, dict[str, str]]:
    """Signature of a function of this package, and what its docstring, or its class's, says of each argument.

    Args:
        module: Of `nst_keras`, without the package's name; a room of a folder as `"folder.room"`.
        names: The function's, or the class's and the method's.

    Returns:
        The signature, with annotations as text, and {argument: help}.
    """
    source = pathlib.Path(__file__).parent.joinpath(*module.split(".")).with_suffix(".py")
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
        if name not in WITHOUT_FLAG:
            default = None if parameter.default is parameter.empty else parameter.default
            _define(name, str(parameter.annotation), default, helps[name], values)


def arguments(values: flags.FlagValues, *function: str) -> dict[str, Any]:
    """{argument: value} of a function, from the flags that `define` made of it."""
    parameters, _ = signature(*function)
    return {name: values[name].value for name in parameters.parameters if name not in WITHOUT_FLAG}


def flag_line(name: str, value: Any) -> str:
    """The line of a flagfile that gives a flag this value."""
    if isinstance(value, Mapping):
        text = ",".join(f"{layer}:{weight!r}" for layer, weight in value.items())
    elif isinstance(value, (list, tuple)):
        text = ",".join(value)
    elif value is None or isinstance(value, bool):
        text = str(value).lower()
    else:
        text = str(value)
    return f"--{name}={text}"


def layers_from_text(text: str) -> list[str] | dict[str, float]:
    """Layers from `name,name` or `name:weight,name:weight`.

    Raises:
        ValueError: An empty name, a weight that is no number, or weights for some layers only.
    """
    pairs = [[part.strip() for part in entry.split(":")] for entry in text.split(",")]
    if any(len(pair) > 2 or not pair[0] for pair in pairs) or len({len(pair) for pair in pairs}) > 1:
        raise ValueError(f"{text!r} must be name,name,... or name:weight,name:weight,...")
    if len(pairs[0]) == 1:
        return [name for (name,) in pairs]
    return {name: float(weight) for name, weight in pairs}


def _argument_help(docstring: str) -> dict[str, str]:
    """{argument: its text} from the `Args:` of a docstring."""
    section = re.search(r"^Args:\n((?: .*\n|\n)*)", docstring + "\n", re.MULTILINE)
    entries = re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", section[1] if section else "", re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in entries}


class _Parser(flags.ArgumentParser):
    """Parses the text of a flag by a function; `none` stands for None where the argument may be None."""

    def __init__(self, kind: str, function: Callable[[str], Any], *, optional: bool) -> None:
        self._kind, self._function, self._optional = kind, function, optional
        self.syntactic_help = f"{kind} or none" if optional else kind

    def parse(self, argument: Any) -> Any:
        """The value that a text stands for."""
        if not isinstance(argument, str) or (self._optional and argument.lower() == "none"):
            return None if isinstance(argument, str) else argument
        try:
            return self._function(argument)
        except ValueError as error:
            reason = str(error) if self._kind == "layers" else f"{argument!r} is not {self._kind}"
            raise ValueError(reason) from error

    def flag_type(self) -> str:
        """What the value is, in words."""
        return self._kind


def _define(name: str, annotation: str, default: Any, text: str, values: flags.FlagValues) -> None:
    if annotation == "bool":
        flags.DEFINE_bool(name, default, text, values, module_name="nst_keras.run")
    else:
        parser, serializer = _parser(annotation), flags.ArgumentSerializer()
        flags.DEFINE(parser, name, default, text, values, serializer, module_name="nst_keras.run")


def _number_or_text(text: str) -> int | str:
    return int(text) if text.isdigit() else text


def _parser(annotation: str) -> flags.ArgumentParser:
    """The parser for an annotation such as `int | None`; what is neither a number nor layers is text."""
    alternatives = annotation.split(" | ")
    optional = "None" in alternatives
    if {"int", "str"} <= set(alternatives):
        return _Parser("text", _number_or_text, optional=optional)
    for name, kind, function in (("int", "a whole number", int), ("float", "a number", float)):
        if name in alternatives:
            return _Parser(kind, function, optional=optional)
    if any(part.startswith(("Iterable[str]", "Mapping[str")) for part in alternatives):
        return _Parser("layers", layers_from_text, optional=optional)
    return _Parser("text", str, optional=optional)
