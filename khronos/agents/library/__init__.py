"""Agents that are written down, one a file (docs/agents.md)."""
