"""Fake Telegram and fake models with programmable faults and a ledger. See docs/simulator.md."""

from bench.simulator.simulator import Simulator

__all__ = ["Simulator"]
