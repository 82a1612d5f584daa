"""What keeps us from asking in vain, too often or twice: breakers, limits, caches (docs/resilience.md)."""
