"""The database as this version needs it: made, migrated after a copy, or refused when it is newer."""

import time
from contextlib import closing
from typing import Any

from django.db import DatabaseError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from khronos.backup.engine import BackupFailed, engine
from khronos.exceptions import Misconfigured
from khronos.launch.home import Home
from khronos.launch.screen import Screen

KEEP_COPIES = 5


def bring_up_to_date(home: Home, screen: Screen) -> str:
    """What was done, or nothing."""
    try:
        with closing(connection):
            return migrate(home, screen)
    except OperationalError as error:
        raise Misconfigured(explain(error)) from None
    except DatabaseError as error:
        raise Misconfigured(
            f"The database is damaged or no database: {error}.\n"
            f"  Fix: look into {where()}, or put a copy from the backup folder in its place."
        ) from None


def migrate(home: Home, screen: Screen) -> str:
    executor = MigrationExecutor(connection)
    refuse_newer(executor)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not plan:
        return ""
    is_new = not executor.loader.applied_migrations
    kept = None if is_new else copy_first(home, screen)
    with screen.busy("Making the database …" if is_new else f"Migrating the database ({len(plan)} steps) …"):
        executor.migrate(executor.loader.graph.leaf_nodes(), plan)
    if is_new:
        return f"Made the database ({where()})"
    return f"Migrated the database, {len(plan)} steps" + (f" (the one before: {kept})" if kept else "")


def refuse_newer(executor: MigrationExecutor) -> None:
    loader = executor.loader
    known = {app for app, _name in loader.disk_migrations}
    replaced = {key for migration in loader.disk_migrations.values() for key in migration.replaces}
    unknown = [
        f"{app}.{name}"
        for app, name in loader.applied_migrations
        if app in known and (app, name) not in loader.disk_migrations and (app, name) not in replaced
    ]
    if unknown:
        raise Misconfigured(
            f"The database was made by a newer Khronos (it knows {', '.join(sorted(unknown)[:3])}).\n"
            f"  Fix: update this checkout (`git pull`), or restore a copy from before the update "
            f"(KHRONOS_HOME/backup holds one)."
        )


def copy_first(home: Home, screen: Screen) -> str | None:
    """SQLite's own copy: whole, without its journal. Of PostgreSQL a dump, where one can be made."""
    if connection.vendor != "sqlite":
        return dump_first(screen)
    target = (
        home.path / "backup" / f"before-migration-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}.sqlite3"
    )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(target)])
    target.chmod(0o600)
    for old in sorted(target.parent.glob("before-migration-*.sqlite3"))[:-KEEP_COPIES]:
        old.unlink()
    return str(target)


def dump_first(screen: Screen) -> str | None:
    try:
        return f"the dump of {engine().make(lambda _part: None).at:%Y-%m-%d %H:%M:%S} UTC"
    except BackupFailed as error:
        screen.warn(f"The database was not copied before it is migrated: {error} Fix: {error.fix}")
        return None


def explain(error: Exception) -> str:
    text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if connection.vendor == "postgresql":
        return f"DATABASE_URL does not answer: {text}.\n  Fix: start the database, or correct it."
    if "full" in text:
        return f"The disk is full: {where()} cannot grow.\n  Fix: make room, then start again."
    return (
        f"The database {where()} cannot be used: {text}.\n"
        f"  Fix: make the file and its folder writable for this user, and end other programs that hold it."
    )


def where() -> str:
    name: Any = connection.settings_dict["NAME"]
    return str(name)
