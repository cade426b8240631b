"""End with 1 where a public name of keratin has no docstring, no annotation, or a type that pyright cannot tell.

The first two are read from the running package, name by name, as a user reaches them.  The last is pyright's report on
the package as a typed library (`pyright --verifytypes`), for the same names.
"""

from __future__ import annotations

import enum
import inspect
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from public import members, public_names, unwrap

PACKAGE = "keratin"
# Attributes have the types of what is assigned, and a class whose base is reported is not reported again.
HARMLESS = (
    "No docstring found",
    "Type is missing type annotation and could be inferred",
    "Ambiguous base class override",
    'Type of base class "',
)


def main() -> int:
    """Print what is missing."""
    names = [name for name in public_names(PACKAGE) if name.path == name.canonical]
    problems: list[str] = []
    homes: set[str] = set()
    for name in names:
        homes.add(f"{getattr(name.value, '__module__', None)}.{getattr(name.value, '__qualname__', None)}")
        if inspect.isclass(name.value):
            problems += class_problems(name.path, name.value)
        elif inspect.isroutine(name.value):
            problems += function_problems(name.path, name.value)
    problems += untyped(homes)
    for problem in problems:
        print(problem)
    print(f"{len(names)} public names, {len(problems)} problems")
    return 1 if problems else 0


def class_problems(path: str, cls: type) -> Iterator[str]:
    """What a class and its own members lack."""
    if not vars(cls).get("__doc__"):
        yield f"{path}: no docstring"
    if "__init__" in vars(cls) and not issubclass(cls, enum.Enum):
        yield from unannotated(f"{path}.__init__", cls.__init__, returns=False)
    for name, member in members(cls, PACKAGE):
        if inspect.getdoc(getattr(cls, name)) is None:
            yield f"{path}.{name}: no docstring"
        yield from unannotated(f"{path}.{name}", unwrap(member))


def function_problems(path: str, function: Any) -> Iterator[str]:
    """What a function lacks."""
    if inspect.getdoc(function) is None:
        yield f"{path}: no docstring"
    yield from unannotated(path, function)


def unannotated(path: str, function: Any, returns: bool = True) -> Iterator[str]:
    """The parameters, and the return value, that have no annotation."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return
    for parameter in signature.parameters.values():
        if parameter.annotation is parameter.empty and parameter.name not in ("self", "cls"):
            yield f"{path}: parameter `{parameter.name}` has no annotation"
    if returns and signature.return_annotation is signature.empty:
        yield f"{path}: the return value has no annotation"


def untyped(homes: set[str]) -> Iterator[str]:
    """The names among `homes`, and their public members, whose type pyright finds incomplete."""
    programs = Path(sys.executable).parent
    command = [str(programs / "pyright"), "--verifytypes", PACKAGE, "--ignoreexternal", "--outputjson"]
    # pyright looks for the installed package with the first `python` of PATH.
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', '')}"}
    report = json.loads(subprocess.run(command, capture_output=True, text=True, check=False, env=environment).stdout)
    for problem in report["generalDiagnostics"]:
        if "No py.typed file" in problem["message"] or "does not exist" in problem["message"]:
            yield f"pyright: {problem['message']}"
    for symbol in report["typeCompleteness"]["symbols"]:
        owner, _, member = symbol["name"].rpartition(".")
        if symbol["name"] in homes or (owner in homes and not member.startswith("_")):
            messages = [diagnostic["message"].split("\n")[0] for diagnostic in symbol["diagnostics"]]
            if wrong := "; ".join(message for message in messages if not message.startswith(HARMLESS)):
                yield f"{symbol['name']}: {wrong}"


if __name__ == "__main__":
    sys.exit(main())
