"""How the database is copied, for how long copies are kept, when they are late (docs/backup.md)."""

from datetime import timedelta
from pathlib import Path

from settings import dotenv
from settings.env import env

BACKUP_REPLICA_URL = env.litestream_replica_url
BACKUP_SYNC_S = env.litestream_sync_s
BACKUP_WHOLE_EVERY = timedelta(hours=env.litestream_snapshot_h)
BACKUP_KEPT = timedelta(days=env.backup_kept_days)
BACKUP_DUMP_EVERY = timedelta(minutes=env.backup_dump_min)
BACKUP_JOURNAL = env.backup_journal
POSTGRESQL_BIN = env.postgresql_bin
BACKUP_FINE = timedelta(hours=env.backup_fine_h)
BACKUP_STALE_S = env.backup_stale_s
BACKUP_PATIENCE_S = env.backup_patience_s  # Litestream's own is above 20 s
BACKUP_CHECK_MAX = timedelta(minutes=env.backup_check_max_min)
RESTORE_DOUBTFUL = env.restore_doubtful

# The outside programs read these from their environment; they may stand in `.env`.
BACKUP_ENVIRONMENT = {name: value for name, value in dotenv.merged().items() if name.startswith("AWS_")}
BACKUP_ENVIRONMENT.pop("AWS_CA_BUNDLE", None)  # it breaks Litestream's S3 client

BACKUP_FOLDER = Path(env.home).absolute() / "backup"
