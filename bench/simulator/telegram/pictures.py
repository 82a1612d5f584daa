"""A real photo, of 16 by 12 pixels, and others of any length: models look at nothing else."""

from base64 import b64decode

PHOTO = b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABsSFBcUERsXFhceHBsgKEIrKCUlKFE6PTBCYFVlZF9VXVtqeJmBanGQc1tdhbWG"
    "kJ6jq62rZ4C8ybqmx5moq6T/2wBDARweHigjKE4rK06kbl1upKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSk"
    "pKSkpKSkpKSkpKSkpKT/wAARCAAMABADASIAAhEBAxEB/8QAFgABAQEAAAAAAAAAAAAAAAAAAAME/8QAHxAAAQMEAwEAAAAA"
    "AAAAAAAAAwECEQAEEhMFMUHR/8QAFQEBAQAAAAAAAAAAAAAAAAAAAwX/xAAZEQACAwEAAAAAAAAAAAAAAAAAEQECEiH/2gAM"
    "AwEAAhEDEQA/AK8XZDvNuxz0wiMVT2flOUsh2erW565zOSp5H2sgykFOsj2T3i5UmhCkLGwj3x1k5VihcIpZttvh/9k="
)


def photo(size: int = 0, mark: bytes = b"") -> bytes:
    """Of so many bytes; the `mark` stands behind the picture, where no reader looks."""
    return PHOTO + mark + b"\0" * max(0, size - len(PHOTO) - len(mark))
