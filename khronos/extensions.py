"""Code that is laid beside Khronos, loaded when it is needed (docs/extending.md).

What is wrong with a file is said with its name, the line and the fix, and stops the start.
"""

import sys
import traceback
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from threading import RLock
from types import ModuleType
from typing import Any

from django.conf import settings

from khronos.exceptions import Misconfigured
from settings.dotenv import merged
from settings.extensions import Extension

_loading = RLock()


def names(sort: str) -> list[str]:
    return list(settings.EXTENSIONS[sort])


def load(sort: str, name: str) -> ModuleType:
    extension: Extension = settings.EXTENSIONS[sort][name]
    with _loading:
        try:
            if extension.module:
                return import_module(extension.module)
            return of_file(sort, name, extension.path)
        except Exception as error:
            raise Misconfigured(trouble(extension.path, error)) from error


def of_file(sort: str, name: str, path: Path) -> ModuleType:
    dotted = f"khronos_extensions.{sort}.{name}"
    if dotted in sys.modules:
        return sys.modules[dotted]
    spec = spec_from_file_location(dotted, path)
    if spec is None or spec.loader is None:
        raise ImportError("this is no Python file")
    module = sys.modules[dotted] = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[dotted]
        raise
    return module


def one_of[T](sort: str, name: str, kind: type[T], fix: str) -> T:
    """The object of this type that the file holds."""
    found = [value for value in vars(load(sort, name)).values() if isinstance(value, kind)]
    if len(found) != 1:
        raise lacking(sort, name, f"holds {len(found) or 'no'} {kind.__name__}", fix)
    return found[0]


def named(sort: str, name: str, attribute: str, fix: str) -> Any:
    """What the file calls so."""
    try:
        return getattr(load(sort, name), attribute)
    except AttributeError:
        raise lacking(sort, name, f"holds no {attribute}", fix) from None


def class_in(sort: str, name: str, methods: tuple[str, ...], fix: str) -> type[Any]:
    """The class that the file itself defines with these methods."""
    module = load(sort, name)
    made = [value for value in vars(module).values() if isinstance(value, type)]
    own = [each for each in made if each.__module__ == module.__name__]
    fitting = [each for each in own if all(callable(getattr(each, method, None)) for method in methods)]
    if len(fitting) != 1:
        raise lacking(sort, name, f"holds {len(fitting) or 'no'} class with {', '.join(methods)}", fix)
    return fitting[0]


def lacking(sort: str, name: str, what: str, fix: str) -> Misconfigured:
    return Misconfigured(f"{settings.EXTENSIONS[sort][name].path} {what}.\n  Fix: {fix}")


def trouble(path: Path, error: Exception) -> str:
    steps = [step for step in traceback.extract_tb(error.__traceback__) if step.filename == str(path)]
    line = error.lineno if isinstance(error, SyntaxError) else steps[-1].lineno if steps else None
    where = f"{path}, line {line}" if line else str(path)
    if isinstance(error, Misconfigured):
        return f"{where}: {error}"
    return f"{where}: {type(error).__name__}: {error}\n  Fix: mend the file, or take it out of {path.parent}."


def setting(name: str, default: str | None = None) -> str:
    """Of the environment or `.env`. Raises Misconfigured where it is not there and has no default."""
    value = merged().get(name, default)
    if value is None:
        raise Misconfigured(f"{name} is not set.\n  Fix: put {name}=… into .env.")
    return value
