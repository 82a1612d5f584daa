"""Bringing an instance up, seeing what runs, taking it down. docs/processes.md tells how."""
