"""The herald: tells people of alerts, hears their presses, and looks for trouble itself (docs/alerts.md)."""
