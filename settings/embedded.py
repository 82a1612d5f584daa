"""One machine, one command: SQLite and an embedded Valkey, unless the environment names grown ones."""

from settings.base import *
from settings.databases import configured

DATABASES = {"default": configured()}
