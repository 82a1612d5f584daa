"""From bytes to headings and paragraphs, whatever the format, within limits (docs/knowledge.md)."""
