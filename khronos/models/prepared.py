"""Statements of the hot path: the ORM writes each of them once, then it is run with new values.

To write the same statement again for every message costs many times what the database takes to run it.

    BY_AGE = Select(lambda: Person.objects.filter(age__gt=Slot("age", IntegerField())))
    BY_AGE(age=18)
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, models, transaction
from django.db.models.constants import OnConflict
from django.db.models.expressions import Expression
from django.db.models.query import get_related_populators
from django.db.models.sql import InsertQuery, UpdateQuery
from django.db.models.sql.constants import ROW_COUNT


class Slot(Expression):
    """Stands in a query for a value that is known when it is run."""

    def __init__(self, name: str, field: Any) -> None:
        super().__init__(output_field=field)
        self.name = name

    def as_sql(self, _compiler: Any, _connection: Any) -> Any:
        return "%s", [self]


class Plan:
    """A statement as one connection's compiler wrote it."""

    def __init__(self, compiler: Any) -> None:
        self.compiler = compiler
        self.connection = compiler.connection
        written = compiler.as_sql()
        self.sql, self.params = written[0] if isinstance(written, list) else written
        compiler.as_sql = self.filled
        self.values: dict[str, Any] = {}

    def filled(self) -> tuple[str, tuple[Any, ...]]:
        return self.sql, tuple(
            param.output_field.get_db_prep_value(self.values[param.name], self.connection)
            if isinstance(param, Slot)
            else param
            for param in self.params
        )


class Prepared:
    """Compilers belong to a connection, and connections to a thread: each thread has its own plans."""

    def __init__(self) -> None:
        self._here = threading.local()

    def plan(self, values: dict[str, Any]) -> Plan:
        connection = connections[DEFAULT_DB_ALIAS]
        plan: Plan | None = getattr(self._here, "plan", None)
        if plan is None or plan.connection is not connection:
            plan = self._here.plan = Plan(self.compiler(connection))
        plan.values = values
        return plan

    def compiler(self, connection: Any) -> Any:
        raise NotImplementedError


class Select[M: models.Model](Prepared):
    """A query for whole objects; `select_related` and `only` are honoured."""

    def __init__(self, build: Callable[[], "models.QuerySet[M]"]) -> None:
        super().__init__()
        self._build = build

    def compiler(self, connection: Any) -> Any:
        return self._build().query.get_compiler(connection=connection)

    def __call__(self, **values: Any) -> list[M]:
        return list(self._objects(self.plan(values).compiler))

    def _objects(self, compiler: Any) -> Iterator[M]:
        """As `ModelIterable` makes them."""
        info = compiler.klass_info
        start, end = info["select_fields"][0], info["select_fields"][-1] + 1
        names = [column[0].target.attname for column in compiler.select[start:end]]
        populators: Any = get_related_populators(info, compiler.select, DEFAULT_DB_ALIAS)  # type: ignore[call-arg]
        for row in compiler.results_iter(compiler.execute_sql()):
            made: M = info["model"].from_db(DEFAULT_DB_ALIAS, names, row[start:end])
            for populator in populators:
                populator.populate(row, made)
            yield made


class Update[M: models.Model](Prepared):
    """Answers how many rows were changed."""

    def __init__(self, build: Callable[[], "models.QuerySet[M]"], **changes: Any) -> None:
        super().__init__()
        self._build, self._changes = build, changes

    def compiler(self, connection: Any) -> Any:
        query: Any = self._build().query.chain(UpdateQuery)
        query.add_update_values(self._changes)
        return query.get_compiler(connection=connection)

    def __call__(self, **values: Any) -> int:
        compiler = self.plan(values).compiler
        with transaction.mark_for_rollback_on_error(using=DEFAULT_DB_ALIAS):
            return int(compiler.execute_sql(ROW_COUNT))


class Insert(Prepared):
    """Answers the new row's key; where it may be there already, nothing."""

    def __init__(self, model: type[models.Model], fixed: Mapping[str, Any], unless_there: bool) -> None:
        super().__init__()
        self._model, self._fixed, self._unless_there = model, fixed, unless_there

    def compiler(self, connection: Any) -> Any:
        fields = columns(self._model)
        slots = {field.attname: Slot(field.attname, field) for field in fields}
        query: Any = InsertQuery(self._model, on_conflict=OnConflict.IGNORE if self._unless_there else None)
        query.insert_values(fields, [SimpleNamespace(**{**slots, **self._fixed})], raw=True)
        compiler = query.get_compiler(connection=connection)
        compiler.returning_fields = None if self._unless_there else [self._model._meta.pk]
        return compiler

    def __call__(self, **values: Any) -> int | None:
        plan = self.plan(values)
        with (
            transaction.mark_for_rollback_on_error(using=DEFAULT_DB_ALIAS),
            plan.connection.cursor() as cursor,
        ):
            cursor.execute(*plan.filled())
            return None if self._unless_there else cursor.fetchone()[0]


def insert[M: models.Model](row: M, *, unless_there: bool = False) -> M:
    """What `row.save(force_insert=True)` does, without signals; `unless_there`: a conflict is no error."""
    given = {field.attname: field.pre_save(row, add=True) for field in columns(type(row))}
    fixed = {name: value for name, value in given.items() if hasattr(value, "resolve_expression")}
    row.pk = inserting(type(row), tuple(fixed.items()), unless_there)(**given) or row.pk
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
    return row


@lru_cache(maxsize=64)
def inserting(model: type[models.Model], fixed: tuple[tuple[str, Any], ...], unless_there: bool) -> Insert:
    return Insert(model, dict(fixed), unless_there)


@lru_cache
def columns(model: type[models.Model]) -> "list[models.Field[Any, Any]]":
    """All but the key that the database makes."""
    return [field for field in model._meta.local_concrete_fields if not isinstance(field, models.AutoField)]
