"""Fake model providers: Anthropic and OpenAI."""

from bench.simulator.models.prompt import Answer, Prompt, ToolCall, Usage
from bench.simulator.models.service import Models

__all__ = ["Answer", "Models", "Prompt", "ToolCall", "Usage"]
