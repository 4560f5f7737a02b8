"""Completion of verbs, options and names with the Tab key: a script for your shell.

The script asks gradbook itself what can come next, so it never grows old.
"""

from __future__ import annotations

from argparse import REMAINDER, SUPPRESS, ArgumentParser, Namespace
from collections.abc import Iterator

from gradbook.cli.main import VERBS, verb_parser
from gradbook.cli.terminal.arguments import one_of
from gradbook.cli.terminal.completing import Candidate, candidates

EXAMPLES = """\
  gradbook completion bash >> ~/.bashrc
  gradbook completion zsh >> ~/.zshrc        after the line with compinit
  gradbook completion fish > ~/.config/fish/completions/gradbook.fish
  gradbook completion powershell >> $PROFILE
"""

BASH = r"""
_gradbook() {
  local IFS=$'\n'
  COMPREPLY=($(gradbook completion --words "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1))
}
complete -o default -F _gradbook gradbook
"""
ZSH = r"""
_gradbook() {
  local line
  local -a found
  for line in "${(@f)$(gradbook completion --words "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -n $line ]] && found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
  done
  if (( $#found )); then _describe gradbook found; else _files; fi
}
compdef _gradbook gradbook
"""
FISH = r"""
function __gradbook_next
    set -l before (commandline --tokenize --cut-at-cursor --current-process)
    set -l last (commandline --cut-at-cursor --current-token)
    gradbook completion --words $before[2..] "$last" 2>/dev/null
end
complete --command gradbook --arguments '(__gradbook_next)'
"""
POWERSHELL = r"""
Register-ArgumentCompleter -Native -CommandName gradbook -ScriptBlock {
    param($last, $command, $cursor)
    $words = @($command.CommandElements | Select-Object -Skip 1 | ForEach-Object { "$_" })
    if (-not $last) { $words += ' ' }
    gradbook completion --words $words 2>$null | ForEach-Object {
        $word, $about = $_ -split "`t", 2
        if (-not $about) { $about = $word }
        [System.Management.Automation.CompletionResult]::new($word, $word, 'ParameterValue', $about)
    }
}
"""
SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH, "powershell": POWERSHELL}


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "shell", nargs="?", metavar="SHELL", type=one_of(*SCRIPTS), help=", ".join(SCRIPTS)
    )
    parser.add_argument("--words", nargs=REMAINDER, help=SUPPRESS)  # that a shell asks about


def run(options: Namespace) -> int:
    if options.words is not None:
        for word, about in what_is_next(options.words):
            print(f"{word}\t{about}")
    elif options.shell:
        print(SCRIPTS[options.shell].strip())
    else:
        verb_parser("completion").print_help()
    return 0


def what_is_next(words: list[str]) -> list[Candidate]:
    """What the last of the words typed so far may become."""
    typed = [word.strip() for word in words if word != "="]  # bash parts --rate=1 at its =
    return candidates(typed, VERBS, verb_parser, NAMES)


def _networks() -> Iterator[Candidate]:
    from gradbook.builtin import BUILTIN

    return ((name, "a network") for name in BUILTIN)


def _recipes() -> Iterator[Candidate]:
    from gradbook.lab.recipes import RECIPES

    return ((name, "a recipe") for name in RECIPES)


def _data_sets() -> Iterator[Candidate]:
    from gradbook.data.sources import KNOWN

    return ((name, "a data set") for name in KNOWN)


def _topics() -> Iterator[Candidate]:
    from gradbook.cli.verbs.about.help import TOPICS

    return iter((VERBS | TOPICS).items())


NAMES = {"NET": _networks, "RECIPE": _recipes, "DATA": _data_sets, "TOPIC": _topics}
