"""Break everything at random, from a seed, while people write; then judge. See docs/chaos.md."""
