"""Modules of Python that are read only when somebody asks them more than one question.

click and dataclasses import `inspect`, and with it `ast`, `dis` and `tokenize`; uuid imports `platform`; click has its words
translated by `gettext`, which looks for a catalogue that nobody wrote, and asks `shutil`, which knows of archives, how wide a
terminal is; subprocess may ask `locale` for an encoding, and waits for several pipes by `selectors`; pathlib knows of Windows
(`ntpath`) and of addresses of files (`urllib.parse`, and with it `ipaddress`); dataclasses may have to `copy`. `datetime` is
there in C and once more in Python, and so is what click asks of `threading`; `hashlib` loads OpenSSL, in 10 ms, for a hash that
Python has itself. That is a quarter of what `netlab exec` takes before it knows what to do, and all that they ask is in
ONE_QUESTION. A stand-in answers this; asked for anything else, it becomes the module.
(importlib.util.LazyLoader cannot do it: it reads the module at any question.)

Only the program does so (`__main__`): whoever imports netlab has the modules of Python as they are.
Source: Python's library reference, importlib (lazy imports), sys.modules.
"""

from __future__ import annotations

import _thread
import importlib
import os
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

_lock = _thread.allocate_lock()  # what `threading` gives, too; not held while a module is read, which may ask another one


class _StandIn(ModuleType):
    def __getattr__(self, name: str) -> Any:
        """Become the module: `name` is not among the answers."""
        if name == "__path__":  # `from gettext import gettext` asks first whether that is a package
            raise AttributeError(name)
        return getattr(_become(self), name)


def stand_in() -> None:
    """Put a stand-in in the place of each module that nobody has imported yet."""
    for name, answers in ONE_QUESTION.items():
        if name not in sys.modules:
            sys.modules[name] = module = _StandIn(name)
            vars(module).update(answers)
            package, _, last = name.rpartition(".")
            if package:
                setattr(importlib.import_module(package), last, module)


def _become(module: _StandIn) -> ModuleType:
    """Return the real module. Whoever holds the stand-in has all of it there, too."""
    with _lock:
        if sys.modules.get(module.__name__) is module:
            del sys.modules[module.__name__]
    real = importlib.import_module(module.__name__)  # which puts it into its package, too
    vars(module).update(vars(real))
    return real


def _real(name: str) -> ModuleType:
    """Return the module itself, for an answer that only it knows."""
    module = sys.modules.get(name)
    return _become(module) if isinstance(module, _StandIn) else importlib.import_module(name)  # another thread may be at it


def _without_indent(text: str) -> str:
    """What inspect.cleandoc returns; of a text in one line, as the help of an option is, that is little work."""
    if text.isprintable():
        return text.lstrip(" ")
    clean: str = _real("inspect").cleandoc(text)
    return clean


def _as_it_is(text: str) -> str:
    return text


def _of_number(one: str, many: str, number: int) -> str:
    return one if number == 1 else many


def _selector() -> object:
    return _real("selectors").PollSelector()


def _sha256(text: bytes = b"", **options: bool) -> object:
    """What hashlib.sha256 returns where OpenSSL is missing; OpenSSL's own is worth its loading for megabytes."""
    try:
        hashes = importlib.import_module("_sha256" if sys.version_info < (3, 12) else "_sha2")
    except ImportError:
        hashes = _real("hashlib")
    return hashes.sha256(text, **options)


def _terminal_size(fallback: tuple[int, int] = (80, 24)) -> os.terminal_size:
    """What shutil.get_terminal_size returns; where a variable says it, or the terminal knows half of it, that one is asked."""
    if os.environ.keys().isdisjoint({"COLUMNS", "LINES"}):
        try:
            size = os.get_terminal_size(sys.__stdout__.fileno())  # type: ignore[union-attr] # nobody's is an AttributeError
        except (AttributeError, ValueError, OSError):
            return os.terminal_size(fallback)
        if all(size):
            return size
    known: os.terminal_size = _real("shutil").get_terminal_size(fallback)
    return known


def _quoted(text: bytes) -> str:
    quoted: str = _real("urllib.parse").quote_from_bytes(text)
    return quoted


ONE_QUESTION: Mapping[str, Mapping[str, object]] = {
    "copy": {},
    "dataclasses": {},  # frozen.py asks it when a class is used for more than instances with simple fields
    "datetime": {name: value for name, value in vars(importlib.import_module("_datetime")).items() if not name.startswith("_")},
    "inspect": {"cleandoc": _without_indent},
    "gettext": {"gettext": _as_it_is, "ngettext": _of_number},
    "hashlib": {"sha256": _sha256},
    "locale": {},
    "ntpath": {},
    "platform": {"system": lambda: os.uname().sysname},
    "selectors": {"PollSelector": _selector},  # subprocess asks whether there is one, and makes one for several pipes
    "shutil": {"get_terminal_size": _terminal_size},
    "threading": {"Lock": _thread.allocate_lock, "local": _thread._local},  # noqa: SLF001 - as it has them itself
    "urllib.parse": {"quote_from_bytes": _quoted},
}
