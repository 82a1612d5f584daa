"""A forked child starts with fresh locks and without its parent's threads, and remembers nothing."""

import os
import weakref
from collections.abc import Callable

_renewals: list[weakref.WeakMethod[Callable[[], None]]] = []


def renew_in_children(renew: Callable[[], None]) -> None:
    """To be called with a bound method; it does not keep its object alive."""
    _renewals.append(weakref.WeakMethod(renew))


def _renew_all() -> None:
    for known in _renewals:
        if renew := known():
            renew()


os.register_at_fork(after_in_child=_renew_all)
