"""What a text means, as a vector: by a model of our own, or by a hosted one (docs/knowledge.md)."""
