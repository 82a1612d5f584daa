"""Before a model is asked: may whoever pays spend what the answer may cost?"""

from django.conf import settings

from khronos.agents.providers import model_of
from khronos.agents.providers.answers import most_tokens, words_with_papers
from khronos.agents.providers.base import Prompt, tokens
from khronos.usage import budget
from khronos.usage.charging import FREE, payer, tenant_of
from khronos.usage.prices import Tokens, micros


def reserve(name: str, prompt: Prompt) -> None:
    """Raises budget.Spent or budget.Held."""
    turn = payer()
    if turn is not None and name != FREE and budget.limit_of(tenant_of(turn)):
        budget.reserve(turn, estimate(model_of(name, prompt.models), prompt))


def estimate(model: str, prompt: Prompt) -> int:
    """In millionths: the prompt by its size, and the longest answer that is allowed."""
    said = tokens(prompt.system) + sum(tokens(words_with_papers(line)) for line in prompt.lines)
    said += settings.IMAGE_TOKENS * sum(len(line.images) for line in prompt.lines)
    if prompt.tools:
        said += tokens(str(prompt.tools)) + tokens(str(prompt.rounds))
    return micros(model, Tokens(into=round(said), out=most_tokens(model, prompt)))
