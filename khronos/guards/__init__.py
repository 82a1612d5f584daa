"""What keeps us from asking in vain, or too often: breakers and limits (docs/resilience.md)."""
