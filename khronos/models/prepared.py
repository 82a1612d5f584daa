"""Statements of the hot path: the ORM writes each of them once, then it is run with new values.

To write the same statement again for every message costs many times what the database takes to run it.

    BY_AGE = Select(lambda: Person.objects.filter(age__gt=Slot("age", IntegerField())))
    BY_AGE(age=18)
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from functools import lru_cache, partial
from types import SimpleNamespace
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, models, transaction
from django.db.models.constants import OnConflict
from django.db.models.expressions import CombinedExpression, Expression
from django.db.models.functions import Now
from django.db.models.query import get_related_populators
from django.db.models.sql import InsertQuery, UpdateQuery

NOW = Now()  # one for all: before Django compares an expression it looks at how each was made


@lru_cache(maxsize=64)
def from_now(after: timedelta) -> CombinedExpression:
    return NOW + after


class Slot(Expression):
    """Stands in a query for a value that is known when it is run."""

    def __init__(self, name: str, field: Any) -> None:
        super().__init__(output_field=field)
        self.name = name

    def as_sql(self, _compiler: Any, _connection: Any) -> Any:
        return "%s", [self]


class Plan:
    """A statement as one connection's compiler wrote it, and the cursor that runs it time and again."""

    def __init__(self, compiler: Any) -> None:
        self.connection = compiler.connection
        written = compiler.as_sql()
        self.sql, params = written[0] if isinstance(written, list) else written
        self.slots = [
            (param.name, param.output_field.get_db_prep_value) if isinstance(param, Slot) else (None, param)
            for param in params
        ]
        self._cursor: Any = None
        self._opened_by: Any = None

    def run(self, values: Mapping[str, Any]) -> Any:
        cursor = self.cursor()
        cursor.execute(self.sql, self.fill(values))
        return cursor

    def cursor(self) -> Any:
        """Another one where the connection is another, or a test wants to see what is asked."""
        connection = self.connection
        is_kept = self._opened_by is not None and self._opened_by is connection.connection
        if not is_kept or connection.queries_logged:
            self._cursor, self._opened_by = connection.cursor(), connection.connection
        return self._cursor

    def fill(self, values: Mapping[str, Any]) -> list[Any]:
        connection = self.connection
        return [
            prepare if name is None else prepare(values[name], connection) for name, prepare in self.slots
        ]


class Prepared:
    """Compilers belong to a connection, and connections to a thread: each thread has its own plans."""

    def __init__(self) -> None:
        self._here = threading.local()

    def plan(self) -> Any:
        connection = connections[DEFAULT_DB_ALIAS]
        plan: Plan | None = getattr(self._here, "plan", None)
        if plan is None or plan.connection is not connection:
            plan = self._here.plan = self.made(self.compiler(connection))
        return plan

    def made(self, compiler: Any) -> Plan:
        return Plan(compiler)

    def compiler(self, connection: Any) -> Any:
        raise NotImplementedError


class Reading[M: models.Model](Plan):
    """Rows become objects as `ModelIterable` makes them; what the statement alone decides is decided once."""

    def __init__(self, compiler: Any) -> None:
        super().__init__(compiler)
        info, columns = compiler.klass_info, [column for column, *_ in compiler.select]
        self.model: type[M] = info["model"]
        self.own = slice(info["select_fields"][0], info["select_fields"][-1] + 1)
        self.names = [column.target.attname for column in columns[self.own]]
        self.related: Any = get_related_populators(info, compiler.select, DEFAULT_DB_ALIAS)  # type: ignore[call-arg]
        self.converted = partial(compiler.apply_converters, converters=compiler.get_converters(columns))

    def objects(self, values: Mapping[str, Any]) -> Iterator[M]:
        for row in self.converted(self.run(values).fetchall()):
            made = self.model.from_db(DEFAULT_DB_ALIAS, self.names, row[self.own])
            for each in self.related:
                each.populate(row, made)
            yield made


class Select[M: models.Model](Prepared):
    """A query for whole objects; `select_related` and `only` are honoured."""

    def __init__(self, build: Callable[[], "models.QuerySet[M]"]) -> None:
        super().__init__()
        self._build = build

    def made(self, compiler: Any) -> Reading[M]:
        return Reading(compiler)

    def compiler(self, connection: Any) -> Any:
        return self._build().query.get_compiler(connection=connection)

    def __call__(self, **values: Any) -> list[M]:
        return list(self.plan().objects(values))


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
        with transaction.mark_for_rollback_on_error(using=DEFAULT_DB_ALIAS):
            return int(self.plan().run(values).rowcount)


class Insert(Prepared):
    """One row, answering its key where asked to, or many."""

    def __init__(
        self, model: type[models.Model], fixed: Mapping[str, Any], *, unless_there: bool, tells_key: bool
    ) -> None:
        super().__init__()
        self._model, self._fixed = model, fixed
        self._unless_there, self._tells_key = unless_there, tells_key

    def compiler(self, connection: Any) -> Any:
        fields = columns(self._model)
        slots = {field.attname: Slot(field.attname, field) for field in fields}
        query: Any = InsertQuery(self._model, on_conflict=OnConflict.IGNORE if self._unless_there else None)
        query.insert_values(fields, [SimpleNamespace(**{**slots, **self._fixed})], raw=True)
        compiler = query.get_compiler(connection=connection)
        compiler.returning_fields = [self._model._meta.pk] if self._tells_key else None
        return compiler

    def __call__(self, **values: Any) -> int | None:
        with transaction.mark_for_rollback_on_error(using=DEFAULT_DB_ALIAS):
            done = self.plan().run(values)
            return done.fetchone()[0] if self._tells_key else None

    def once(self, **values: Any) -> bool:
        """False where it is there already."""
        with transaction.mark_for_rollback_on_error(using=DEFAULT_DB_ALIAS):
            return bool(self.plan().run(values).rowcount == 1)

    def many(self, rows: Iterable[Mapping[str, Any]]) -> None:
        plan = self.plan()
        with transaction.mark_for_rollback_on_error(using=DEFAULT_DB_ALIAS):
            plan.cursor().executemany(plan.sql, [plan.fill(values) for values in rows])


def insert[M: models.Model](row: M, *, unless_there: bool = False) -> M:
    """What `row.save(force_insert=True)` does, without signals; `unless_there`: a conflict is no error."""
    given = values_of(row)
    tells_key = not unless_there and isinstance(row._meta.pk, models.AutoField)
    row.pk = inserting(type(row), expressions(given), unless_there, tells_key)(**given) or row.pk
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
    return row


def insert_once(row: models.Model) -> bool:
    """False where the row is there already. The key that the database makes stays unknown."""
    given = values_of(row)
    return inserting(type(row), expressions(given), True, False).once(**given)


def insert_all(rows: Iterable[models.Model], *, unless_there: bool = False) -> None:
    """In one go. The keys that the database makes stay unknown."""
    alike: dict[Insert, list[dict[str, Any]]] = {}
    for row in rows:
        given = values_of(row)
        insert_ = inserting(type(row), expressions(given), unless_there, False)
        alike.setdefault(insert_, []).append(given)
    for insert_, values in alike.items():
        insert_.many(values)


def values_of(row: models.Model) -> dict[str, Any]:
    return {field.attname: field.pre_save(row, add=True) for field in columns(type(row))}


type Pairs = tuple[tuple[str, Any], ...]


def expressions(given: Mapping[str, Any]) -> Pairs:
    return tuple((name, value) for name, value in given.items() if hasattr(value, "resolve_expression"))


@lru_cache(maxsize=64)
def inserting(model: type[models.Model], fixed: Pairs, unless_there: bool, tells_key: bool) -> Insert:
    return Insert(model, dict(fixed), unless_there=unless_there, tells_key=tells_key)


@lru_cache
def columns(model: type[models.Model]) -> "list[models.Field[Any, Any]]":
    """All but the key that the database makes."""
    return [field for field in model._meta.local_concrete_fields if not isinstance(field, models.AutoField)]
