"""What is expected to fail: the name of a check, and the reason with a link."""

EXPECTED: dict[str, str] = {}
