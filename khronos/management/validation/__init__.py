"""Is all well? Every part of a running Khronos is asked, each against a clock (docs/checks.md)."""
