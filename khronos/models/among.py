"""Statements of the hot path that ask for many keys at once, written once as those of `prepared` are.

    WHO = SelectAmong(lambda pks: Person.objects.filter(pk__in=pks), pks=Person._meta.pk)
    WHO(pks=[3, 5, 8])

There is a statement for 1, 2, 4, 8 … keys; the last key is asked for again where some are left over.
"""

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

from django.db import models

from khronos.models.prepared import Select, Slot


class SelectAmong[M: models.Model]:
    """`build` is given a list of slots for each of the `fields`. Among nothing there is nothing."""

    def __init__(self, build: "Callable[..., models.QuerySet[M]]", **fields: Any) -> None:
        self._build, self._fields = build, fields
        self._sized: Callable[..., Select[M]] = cache(self._with_room_for)

    def _with_room_for(self, *sizes: int) -> Select[M]:
        fields = zip(self._fields.items(), sizes, strict=True)
        slots = {
            name: [Slot(f"{name}_{number}", field) for number in range(size)]
            for (name, field), size in fields
        }
        return Select(partial(self._build, **slots))

    def __call__(self, **keys: Sequence[Any]) -> list[M]:
        if not all(keys.values()):
            return []
        lists = [filled_up(keys[name]) for name in self._fields]
        values = {
            f"{name}_{number}": key
            for name, keys in zip(self._fields, lists, strict=True)
            for number, key in enumerate(keys)
        }
        return self._sized(*map(len, lists))(**values)


def filled_up(keys: Sequence[Any]) -> list[Any]:
    room = 1 << (len(keys) - 1).bit_length()
    return [*keys, *[keys[-1]] * (room - len(keys))]
