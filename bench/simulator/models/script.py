"""Which answer a prompt gets: ordered ones first, then the answer function."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.simulator.models.prompt import Answer, Prompt, Provider, echo

type Answerer = Callable[[Prompt], Answer | str]


@dataclass(slots=True)
class Line:
    """An answer to order: for prompts that hold `when`, so many times."""

    answer: Answer
    when: str | None = None
    times: int | None = 1
    provider: Provider | None = None

    def fits(self, prompt: Prompt) -> bool:
        if self.provider is not None and self.provider != prompt.provider:
            return False
        if self.answer.tools and not self._tools_given(prompt):
            return False
        return self.when is None or self.when in prompt.question

    def _tools_given(self, prompt: Prompt) -> bool:
        return not prompt.results and all(tool.name in prompt.tools for tool in self.answer.tools)


class Script:
    """Lines are tried in order; a line that is used up is struck out."""

    def __init__(self) -> None:
        self.answerer: Answerer = echo
        self._lines: list[Line] = []

    def add(self, line: Line) -> None:
        self._lines.append(line)

    def clear(self) -> None:
        self._lines.clear()
        self.answerer = echo

    def answer(self, prompt: Prompt) -> Answer:
        for line in self._lines:
            if line.fits(prompt):
                self._use(line)
                return line.answer
        answer = self.answerer(prompt)
        return Answer(answer) if isinstance(answer, str) else answer

    def _use(self, line: Line) -> None:
        if line.times is not None:
            line.times -= 1
            if line.times == 0:
                self._lines.remove(line)
