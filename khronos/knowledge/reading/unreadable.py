"""Why a file cannot be read: names of reasons, since the reader knows no languages (guarded.py)."""


class Unfit(Exception):
    """Its argument is one of the names in `REASONS`."""
