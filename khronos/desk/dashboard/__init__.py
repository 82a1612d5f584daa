"""The operator's live page: what is waiting, what is amiss, what it costs (docs/dashboard.md)."""
