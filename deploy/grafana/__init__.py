"""Grafana's dashboards: boards.py says what they show; dashboards/*.json is made of it."""
