"""Databases of a PostgreSQL server: made, read, judged, renamed and dropped."""

import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from django.apps import apps
from django.db import connection
from django.utils.translation import gettext as _
from psycopg import sql

from khronos.backup.engine import BackupFailed, NoRoom, Unreachable

APPLICATION = "khronos backup"
LONGEST_NAME = 63  # bytes
OPTIONS = "-c statement_timeout=10min -c lock_timeout=10s"  # whole tables are counted here
MOST = 20  # complaints; one is enough

REPLICATION = re.compile(r"replication|WAL sender", re.I)
TO_READ = re.compile(r"permission denied for|must be owner of", re.I)

BROKEN = """
    SELECT 'index ' || indexrelid::regclass FROM pg_index WHERE NOT indisvalid
    UNION ALL
    SELECT conrelid::regclass || ': ' || conname FROM pg_constraint WHERE NOT convalidated
"""
CLIENTS = """
    SELECT DISTINCT application_name || coalesce(' (' || host(client_addr) || ')', '')
    FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
LOOKS = """
    SELECT pg_encoding_to_char(encoding), datcollate, datctype, datlocprovider,
        coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale')
    FROM pg_database d WHERE datname = %s
"""


def live() -> str:
    return str(connection.settings_dict["NAME"])


def maintenance() -> str:
    """A database that every server has, to speak to it while ours is renamed."""
    return "template1" if live() == "postgres" else "postgres"


def parameters(place: str) -> dict[str, Any]:
    """As the settings have them, for that database."""
    given = connection.settings_dict
    known = {each.keyword.decode() for each in psycopg.pq.Conninfo.get_defaults()} - {"options"}
    found = {name: value for name, value in given["OPTIONS"].items() if name in known}
    found |= {"host": given["HOST"], "port": given["PORT"], "user": given["USER"]}
    found |= {"password": given["PASSWORD"], "dbname": place, "application_name": APPLICATION}
    return {name: value for name, value in found.items() if value not in ("", None)}


@contextmanager
def opened(place: str) -> Iterator["psycopg.Connection[Any]"]:
    with explained():
        options = OPTIONS if connection.settings_dict["OPTIONS"].get("options") else ""
        found = psycopg.connect(**parameters(place), options=options, autocommit=True)
    try:
        with explained():
            yield found
    finally:
        found.close()


@contextmanager
def explained() -> Iterator[None]:
    """What the server says, in words that name the fix."""
    try:
        yield
    except psycopg.Error as error:
        why = {"why": str(error).strip().partition("\n")[0] or type(error).__name__}
        match error:
            case psycopg.errors.InsufficientPrivilege():
                raise BackupFailed(
                    _("PostgreSQL does not permit it: %(why)s") % why, permit(str(error))
                ) from None
            case psycopg.errors.ObjectInUse():
                raise BackupFailed(_("The database is in use: %(why)s") % why, leave()) from None
            case psycopg.errors.DiskFull():
                raise NoRoom(_("The disk is full: %(why)s") % why, _("make room there")) from None
            case psycopg.errors.DuplicateDatabase():
                raise BackupFailed(str(why["why"]), _("name another database")) from None
            case psycopg.OperationalError():
                raise Unreachable(_("PostgreSQL does not answer: %(why)s") % why, reach()) from None
        raise BackupFailed(why["why"], reach()) from None


def permit(why: str) -> str:
    role = {"role": connection.settings_dict["USER"] or "khronos"}
    if "pg_hba.conf" in why:
        return (
            _("give %(role)s a line in the server's pg_hba.conf, for `replication` too, and reload it") % role
        )
    if REPLICATION.search(why):
        return _("as an administrator of the server: `ALTER ROLE %(role)s REPLICATION`") % role
    if TO_READ.search(why):
        return (
            _("as an administrator of the server: make %(role)s the owner of the database and its tables")
            % role
        )
    return _("as an administrator of the server: `ALTER ROLE %(role)s CREATEDB`") % role


def reach() -> str:
    return _("start the database, or correct DATABASE_URL")


def leave() -> str:
    return _("`make down` on each machine, and end other programs that hold it")


def major() -> int:
    with opened(maintenance()) as found:
        return found.info.server_version // 10_000


def exists(place: str) -> bool:
    with opened(maintenance()) as found:
        return found.execute("SELECT 1 FROM pg_database WHERE datname = %s", [place]).fetchone() is not None


def named(end: str, place: str) -> str:
    """A name beside it, that is not too long for PostgreSQL."""
    return place[: LONGEST_NAME - len(end)] + end


def make(place: str, like: str) -> None:
    """An empty one that sorts and encodes as the other does."""
    with opened(maintenance()) as found:
        looks = found.execute(LOOKS, [like]).fetchone()
        parts = [sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(place))]
        if looks:
            encoding, collate, ctype, provider, locale = looks
            words = [("ENCODING", encoding), ("LC_COLLATE", collate), ("LC_CTYPE", ctype)]
            if provider in ("i", "b"):
                kind = {"i": ("icu", "ICU_LOCALE"), "b": ("builtin", "BUILTIN_LOCALE")}[provider]
                words += [("LOCALE_PROVIDER", kind[0]), (kind[1], locale)]
            parts += [sql.SQL(name + " {}").format(sql.Literal(value)) for name, value in words]
        found.execute(sql.SQL(" ").join(parts))


def drop(place: str) -> None:
    """The server's own vacuum may be at it: a plain role may not end that, a drop without force does."""
    plainly = sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(place))
    forced = plainly + sql.SQL(" WITH (FORCE)")
    with opened(maintenance()) as found:
        try:
            found.execute(forced)
        except psycopg.errors.InsufficientPrivilege:
            with suppress(psycopg.errors.ObjectInUse):
                found.execute(plainly)
            found.execute(forced)


@contextmanager
def alone(place: str) -> Iterator[bool]:
    """Whether nobody else of ours is at it, on any machine; a killed one is forgotten by the server."""
    with opened(maintenance()) as found:
        number = zlib.crc32(place.encode())
        row = found.execute("SELECT pg_try_advisory_lock(%s)", [number]).fetchone()
        yield bool(row and row[0])


def size(place: str) -> int:
    with opened(maintenance()) as found:
        row = found.execute("SELECT pg_database_size(%s)", [place]).fetchone()
        return int(row[0]) if row else 0


def clients(place: str) -> list[str]:
    with opened(maintenance()) as found:
        return sorted(str(row[0]) for row in found.execute(CLIENTS, [place]))


def insist_on_nobody(place: str) -> None:
    if names := clients(place):
        raise BackupFailed(
            _("The database is in use: %(why)s") % {"why": ", ".join(names[:MOST])},
            leave(),
        )


def swap(restored: str, place: str, kept: str) -> None:
    """Both renames at once, or none. The server refuses where somebody is connected to either."""
    insist_on_nobody(place)
    rename = "ALTER DATABASE {} RENAME TO {}"
    with opened(maintenance()) as found, found.transaction():
        if kept:
            found.execute(sql.SQL(rename).format(sql.Identifier(place), sql.Identifier(kept)))
        found.execute(sql.SQL(rename).format(sql.Identifier(restored), sql.Identifier(place)))


def write(place: str, statements: Sequence[str]) -> None:
    with opened(place) as found, found.transaction():
        for statement in statements:
            found.execute(statement.encode())


def complaints(place: str) -> list[str]:
    """Rows, unique keys and foreign keys were checked by the server as they were restored."""
    wanted = {model._meta.db_table for model in apps.get_app_config("khronos").get_models()}
    with opened(place) as found:
        there = {row[0] for row in found.execute("SELECT tablename FROM pg_tables")}
        missing = [_("%(table)s is missing") % {"table": table} for table in sorted(wanted - there)]
        return (missing + [str(row[0]) for row in found.execute(BROKEN)])[:MOST]
