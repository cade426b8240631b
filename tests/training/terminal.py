"""Scripts run in a pseudo-terminal or through a pipe, and the screen that results."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios


def in_terminal(script: str, columns: int = 80, **environment: str) -> str:
    """What a script writes to a terminal of this width."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdin=slave, stdout=slave, stderr=slave, env=_environment(environment)
    )
    os.close(slave)
    written = b""
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:  # how Linux tells that the other side is closed
            break
        if not part:
            break
        written += part
    os.close(master)
    assert process.wait() == 0, written.decode(errors="replace")
    return written.decode()


def through_pipe(script: str, **environment: str) -> str:
    """What a script writes to a pipe."""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, env=_environment(environment))
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


class Screen:
    """The lines of a terminal of a width, with every state of them: carriage returns, line feeds and wrapping."""

    def __init__(self, written: str, columns: int = 80) -> None:
        self.lines = [""]
        self.states: list[str] = []  # the current line before each carriage return or line feed
        self.wrapped = False
        column = 0
        for character in re.sub(r"\x1b\[\d+m", "", written):
            if character in "\r\n":
                self.states.append(self.lines[-1].rstrip())
            if character == "\r":
                column = 0
            elif character == "\n":
                self.lines.append("")
                column = 0
            else:
                assert character.isprintable(), repr(character)
                if column == columns:
                    self.lines.append("")
                    self.wrapped, column = True, 0
                line = self.lines[-1].ljust(column)
                self.lines[-1] = line[:column] + character + line[column + 1 :]
                column += 1
        self.lines = [line.rstrip() for line in self.lines]


def _environment(extra: dict[str, str]) -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS", "PYCHARM_HOSTED")}
    return {**inherited, "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8", **extra}
