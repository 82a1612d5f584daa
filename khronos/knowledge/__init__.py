"""What a tenant's documents say: read, split, embedded, found (docs/knowledge.md)."""

import os

# Before numpy is loaded: threads of its own would take the cores from those who answer.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
