"""What whoever writes down sound must be able to do."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Recording:
    raw: bytes
    name: str  # its ending tells the form
    media_type: str
    language: str = ""  # a hint: two letters


class Transcriber(Protocol):
    def transcribe(self, recording: Recording) -> str:
        """What is said; empty where nothing is. Raises Transient, Permanent or Unauthorized."""
