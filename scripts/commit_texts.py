"""Whether commits say what changed: no merge of branches, no note to oneself, no path of a machine.

python -m scripts.commit_texts [COMMIT]     the commits after COMMIT, or the last one
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

OBJECTIONS = {
    re.compile(
        r"\AMerge (?:remote-tracking )?(?:branch|commit|tag)\b"
    ): "rebase instead of merging",
    re.compile(r"\A(?:fixup|squash|amend)! |\A(?:wip|tmp)\b", re.IGNORECASE): "squash it",
    re.compile(r"(?<![\w.~/])/(?:home|Users|root|tmp|work|mnt|media|private)/\S+|\b[A-Z]:\\\S+"): (
        "leave out the path of your machine"
    ),
}


def objections(text: str) -> list[str]:
    """What stands against a commit's title and text, a phrase each."""
    return [remedy for pattern, remedy in OBJECTIONS.items() if pattern.search(text)]


def commits_after(base: str, folder: Path) -> dict[str, str]:
    """Their texts by their short names, the newest first."""
    command = ["git", "log", "--format=%h%n%B%x00", f"{base}..HEAD"]
    log = subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder).stdout
    entries = (entry.strip().partition("\n") for entry in log.split("\0") if entry.strip())
    return {name: text for name, _, text in entries}


def main(words: list[str], folder: Path) -> int:
    faults = [
        f"{name} {text.splitlines()[0]}: {', '.join(remedies)}"
        for name, text in commits_after(words[0] if words else "HEAD~1", folder).items()
        if (remedies := objections(text))
    ]
    print(*faults, sep="\n", end="\n" if faults else "", file=sys.stderr)
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path.cwd()))
