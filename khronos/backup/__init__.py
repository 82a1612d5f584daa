"""Copies of the database, and whether they are any good (docs/backup.md).

engine.py      what keeps copies: litestream.py for SQLite, postgres.py for PostgreSQL
verify.py      a restored database judged
validate.py    the newest copy restored on trial, and its outcome kept
watch.py       are copies late?
mend.py        a whole new copy, where there is none or a damaged one
aftermath.py   what may have been answered after the moment that was restored
"""
