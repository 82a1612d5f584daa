"""Settings, one file per concern: `embedded` by default, `production` grown up, `test` for the tests."""

import sys

try:
    # Many Pythons carry an SQLite older than the fix of the WAL-reset corruption bug (3.51.3).
    import pysqlite3
except ImportError:
    pass
else:
    sys.modules["sqlite3"] = pysqlite3
    sys.modules["sqlite3.dbapi2"] = pysqlite3.dbapi2
