"""Write docs/api.txt: every public name of keratin with its signature.

python tools/api_listing.py            rewrite the file
python tools/api_listing.py --check    end with 1 where the file is not what it would be written as
"""

from __future__ import annotations

import argparse
import difflib
import enum
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from public import Name, members, public_names, unwrap

PACKAGE = "keratin"
FILE = Path(__file__).parent.parent / "docs" / "api.txt"
HEADER = "# Every public name of keratin with its signature.  Written by `make api`; `make check` compares.\n"


def main() -> int:
    """Write or check the listing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with the file and write nothing")
    check = parser.parse_args().check

    text = HEADER + "".join(f"{line}\n" for name in public_names(PACKAGE) for line in describe(name))
    if not check:
        FILE.parent.mkdir(exist_ok=True)
        FILE.write_text(text, encoding="utf-8")
        return 0
    old = FILE.read_text(encoding="utf-8") if FILE.exists() else ""
    if old == text:
        return 0
    changes = difflib.unified_diff(old.splitlines(), text.splitlines(), "docs/api.txt", "the package", lineterm="", n=0)
    print("\n".join(changes))
    print("The public API is not what docs/api.txt lists.  Where the change is meant: make api", file=sys.stderr)
    return 1


def describe(name: Name) -> Iterator[str]:
    """The lines for one name: a function has one, a class one more for each public member of its own."""
    if name.path != name.canonical:
        yield f"{name.path} = {name.canonical}"
    elif inspect.isclass(name.value):
        bases = ", ".join(base.__name__ for base in name.value.__bases__ if base is not object)
        yield f"class {name.path}{constructor(name.value)}" + (f": {bases}" if bases else "")
        for member_name, member in sorted(members(name.value, PACKAGE)):
            if isinstance(member, property):
                yield f"    {member_name}{returned(unwrap(member))}"
            else:
                yield f"    {member_name}{without_self(signature(unwrap(member)))}"
    elif callable(name.value):
        yield f"{name.path}{signature(name.value)}"
    else:
        yield f"{name.path}: {type(name.value).__name__}"


def constructor(cls: type) -> str:
    """The parameters of a class, without `self`."""
    if issubclass(cls, enum.Enum | BaseException) and "__init__" not in vars(cls):
        return ""
    text = signature(cls.__init__) if "__init__" in vars(cls) else signature(cls)
    return without_self(text).removesuffix(" -> None")


def without_self(text: str) -> str:
    """A method's signature as its caller sees it."""
    return re.sub(r"^\((self|cls)\b(: \w+)?(, /)?(, )?", "(", text)


def returned(function: Any) -> str:
    """What a property returns, as `: type`."""
    annotation = inspect.signature(function).return_annotation
    return "" if annotation is inspect.Signature.empty else f": {plain(annotation)}"


def signature(function: Any) -> str:
    """A signature in which nothing depends on the run: no addresses, and annotations as they are written."""
    try:
        found = inspect.signature(function)
    except (TypeError, ValueError):
        return "(...)"
    parameters = [
        parameter.replace(
            annotation=parameter.empty
            if parameter.annotation is parameter.empty
            else Text(plain(parameter.annotation)),
            default=parameter.empty if parameter.default is parameter.empty else Text(plain_value(parameter.default)),
        )
        for parameter in found.parameters.values()
    ]
    result = found.return_annotation
    return str(
        found.replace(parameters=parameters, return_annotation=result if result is found.empty else Text(plain(result)))
    ).replace("'", '"')


class Text(str):
    """Text that shows without quotes in a signature."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def plain(annotation: Any) -> str:
    """An annotation as text."""
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation).replace("typing.", "")


def plain_value(value: Any) -> str:
    """A default value as text."""
    if inspect.isroutine(value) or inspect.isclass(value):
        return value.__name__
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


if __name__ == "__main__":
    sys.exit(main())
