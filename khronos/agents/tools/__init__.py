"""The tool gateway: what the assistant may call, and how a call is made (docs/tools.md)."""
