"""Completion scripts for bash, zsh and fish, from one description.

Each walks through the words before the cursor: an option takes one value or many, every other word is the next positional. What
that says of the word at the cursor chooses a list; where none fits, the shell completes file names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["SHELLS", "Completion", "Words"]

Words = tuple[str, ...]


@dataclass(frozen=True)
class Completion:
    """What can be completed.

    Attributes
    ----------
    commands : tuple of str
    options : dict of str to tuple of str
        The options of each command.
    taking : tuple of (str, str, int)
        ``COMMAND OPTION``, the list of its values, and how many it takes.
    positions : tuple of (str, str)
        ``COMMAND NUMBER``, from 0 (``*``: and all that follow), and its list.
    lists : dict of str to tuple of str
    folder : str
        The user's store folder, unless ``$NASBENCH_KIT_HOME`` names another: its files are benchmarks too.
    """

    commands: Words
    options: dict[str, Words]
    taking: tuple[tuple[str, str, int], ...]
    positions: tuple[tuple[str, str], ...]
    lists: dict[str, Words]
    folder: str


def _quoted(text: str) -> str:
    """Text as one word of bash and zsh."""
    return "'" + text.replace("'", "'\\''") + "'"


def _cases(subject: str, cases: list[tuple[str, str]], indent: str) -> str:
    """A case statement of bash and zsh, with numbers and options literally, and ``*`` as a pattern."""
    lines = [f"{indent}case {subject} in"]
    for pattern, body in cases:
        literal = _quoted(pattern.removesuffix("*")) + ("*" if pattern.endswith("*") else "")
        lines.append(f"{indent}    {literal}) {body} ;;")
    return "\n".join([*lines, f"{indent}esac"])


def _common(found: Completion, words: str) -> str:
    """The part that bash and zsh share: sets ``kind`` and ``list`` from ``cur``, ``at`` and the words, numbered from 0."""
    taking = [(pattern, f"kind={kind} left={count}") for pattern, kind, count in found.taking]
    positions = [(pattern, f"kind={kind}") for pattern, kind in found.positions]
    lists = [(kind, f"list={_quoted(' '.join(names))}") for kind, names in found.lists.items()]
    options = [(command, f"list={_quoted(' '.join(flags))}") for command, flags in found.options.items()]
    word = words.replace("INDEX", "i")
    return f"""    local command={words.replace("INDEX", "1")} kind= list= word= i=2 left=0 position=0
    if [ "$at" -eq 1 ]; then
        list={_quoted(" ".join([*found.commands, "--help", "--version"]))}
    else
        while [ "$i" -lt "$at" ]; do
            word={word} i=$((i + 1))
            case "$word" in
            -*)
                kind= left=0
{_cases('"$command $word"', taking, " " * 16)}
                ;;
            *)
                if [ "$left" -gt 0 ]; then left=$((left - 1)); else position=$((position + 1)); fi
                ;;
            esac
        done
        case "$cur" in
        -*)
{_cases('"$command"', options, " " * 12)}
            ;;
        *)
            if [ "$left" -eq 0 ]; then
                kind=
{_cases('"$command $position"', positions, " " * 16)}
            fi
{_cases('"$kind"', lists, " " * 12)}
            ;;
        esac
    fi"""


def _stores(found: Completion, matching: str) -> str:
    """Adds the stores in the user's folder to a list of benchmarks, in bash and zsh."""
    return f"""    case "$kind" in
    benchmarks | names)
        local folder={_quoted(found.folder)}
        if [ -n "$NASBENCH_KIT_HOME" ]; then folder=$NASBENCH_KIT_HOME; fi
        for word in "$folder"/{matching}; do
            if [ -e "$word" ]; then
                word=${{word##*/}}
                list="$list ${{word%.h5}}"
            fi
        done
        ;;
    esac"""


def bash(found: Completion) -> str:
    """The script for bash."""
    return f"""# bash completion of nasbench-kit, printed by: nasbench-kit completion bash
_nasbench_kit() {{
    local cur="${{COMP_WORDS[COMP_CWORD]}}" at=$COMP_CWORD
{_common(found, '"${COMP_WORDS[INDEX]}"')}
{_stores(found, "*.h5")}
    COMPREPLY=($(compgen -W "$list" -- "$cur"))
}}
complete -o default -F _nasbench_kit nasbench-kit
"""


def zsh(found: Completion) -> str:
    """The script for zsh."""
    return f"""#compdef nasbench-kit
# zsh completion of nasbench-kit, printed by: nasbench-kit completion zsh
_nasbench_kit() {{
    local cur="${{words[CURRENT]}}" at=$((CURRENT - 1))
{_common(found, '"${words[INDEX + 1]}"')}
{_stores(found, "*.h5(N)")}
    if [ -n "$list" ]; then
        compadd -- ${{=list}} && return
    fi
    _files
}}
if [ "$funcstack[1]" = _nasbench_kit ]; then
    _nasbench_kit "$@"
else
    compdef _nasbench_kit nasbench-kit
fi
"""


def _switch(subject: str, cases: list[tuple[str, str]], indent: str) -> str:
    """A switch statement of fish."""
    lines = [f"{indent}switch {subject}"]
    for pattern, body in cases:
        lines += [f"{indent}    case {_fish_quoted(pattern)}", f"{indent}        {body}"]
    return "\n".join([*lines, f"{indent}end"])


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def fish(found: Completion) -> str:
    """The script for fish."""
    taking = [(pattern, f"set kind {kind}; set left {count}") for pattern, kind, count in found.taking]
    positions = [(pattern, f"set kind {kind}") for pattern, kind in found.positions]
    lists = [(kind, f"set list {' '.join(names)}") for kind, names in found.lists.items()]
    options = [(command, f"set list {' '.join(flags)}") for command, flags in found.options.items()]
    return f"""# fish completion of nasbench-kit, printed by: nasbench-kit completion fish
function __nasbench_kit_complete
    set -l words (commandline -opc)
    set -l cur (commandline -ct)
    set -l command "$words[2]"
    set -l kind
    set -l list
    set -l left 0
    set -l position 0
    if test (count $words) -eq 1
        set list {" ".join(found.commands)} --help --version
    else
        for word in $words[3..-1]
            switch $word
                case '-*'
                    set kind
                    set left 0
{_switch('"$command $word"', taking, " " * 20)}
                case '*'
                    if test $left -gt 0
                        set left (math $left - 1)
                    else
                        set position (math $position + 1)
                    end
            end
        end
        switch "$cur"
            case '-*'
{_switch('"$command"', options, " " * 16)}
            case '*'
                if test $left -eq 0
                    set kind
{_switch('"$command $position"', positions, " " * 20)}
                end
{_switch('"$kind"', lists, " " * 16)}
        end
    end
    if contains -- "$kind" benchmarks names
        set -l folder {_fish_quoted(found.folder)}
        set -q NASBENCH_KIT_HOME; and test -n "$NASBENCH_KIT_HOME"; and set folder $NASBENCH_KIT_HOME
        for word in $folder/*.h5
            set -a list (string replace -r '.*/(.*)\\.h5$' '$1' -- $word)
        end
    end
    set -l matching (string match -- "$cur*" $list)
    if test (count $matching) -gt 0
        printf '%s\\n' $matching
    else
        __fish_complete_path "$cur"
    end
end
complete -c nasbench-kit -f -a '(__nasbench_kit_complete)'
"""


SHELLS: dict[str, Callable[[Completion], str]] = {"bash": bash, "zsh": zsh, "fish": fish}
