"""What is so right now, asked for at a scrape: queues, ages, breakers, processes (docs/metrics.md)."""
