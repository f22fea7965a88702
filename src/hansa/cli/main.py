"""The `hansa` command: finds the verb, loads only that file, turns errors into exit codes."""

import importlib
import sys

import click

from hansa import __version__
from hansa.cli.output import print_error
from hansa.core.errors import HansaError

COMMANDS = {
    "up": "hansa.cli.up:up",
    "demo": "hansa.cli.demo:demo",
    "complete": "hansa.cli.complete:complete",
    "edit": "hansa.cli.edit:edit",
    "apply": "hansa.cli.apply:apply",
    "undo": "hansa.cli.undo:undo",
    "refactor": "hansa.cli.refactor:refactor",
    "do": "hansa.cli.do:do",
    "ask": "hansa.cli.ask:ask",
    "index": "hansa.cli.index:index",
    "search": "hansa.cli.search:search",
    "lsp": "hansa.cli.lsp:lsp",
    "events": "hansa.cli.events:events",
    "next": "hansa.cli.next:next_edits",
    "mcp": "hansa.cli.mcp:mcp",
    "node": "hansa.cli.node:node",
    "doctor": "hansa.cli.doctor:doctor",
    "key": "hansa.cli.key:key",
    "tier": "hansa.cli.tier:tier",
    "audit": "hansa.cli.audit:audit",
    "league": "hansa.cli.league:league",
    "receipts": "hansa.cli.receipts:receipts",
    "settle": "hansa.cli.settle:settle",
    "model": "hansa.cli.model:model",
    "train": "hansa.cli.train:train",
    "distil": "hansa.cli.distil:distil",
    "federate": "hansa.cli.federate:federate",
    "quantise": "hansa.cli.quantise:quantise",
    "privacy": "hansa.cli.privacy:privacy",
    "promote": "hansa.cli.promote:promote",
    "canary": "hansa.cli.canary:canary",
    "rollback": "hansa.cli.canary:rollback",
    "route": "hansa.cli.route:route",
    "corpus": "hansa.cli.corpus:corpus",
    "eval": "hansa.cli.eval:evaluate",
}
"""Verb to `module:function`. A verb's module is imported only when it is used."""

HELP = {
    "up": "Start a node with the embedded model and index this repository.",
    "demo": "Run a three-member league on this machine and show every step.",
    "complete": "Complete code at FILE:LINE:COL.",
    "edit": "Change a file as described in words; shows a diff first.",
    "apply": "Make the changes of a patch: blocks, a diff or a whole file.",
    "undo": "Take back the last change that Hansa made.",
    "refactor": "Rename, extract or inline, checked before it is written.",
    "do": "Propose a shell command for what is wanted; run it when confirmed.",
    "ask": "Answer a question about the codebase, with files and lines.",
    "index": "Make a repository searchable.",
    "search": "Search the indexed repository.",
    "lsp": "Serve an editor: the language server it starts.",
    "events": "Keep, show and erase what became of suggestions; off until asked.",
    "next": "Say which lines follow from the latest edits, and how.",
    "mcp": "Serve the codebase to an agent (Model Context Protocol).",
    "node": "Serve, inspect or drain a member's node.",
    "doctor": "Check this machine and configuration; say what to do.",
    "key": "Create, list and revoke API keys.",
    "tier": "Show what keys of each tier may use.",
    "audit": "List and verify who administered a node.",
    "league": "Found, join, sign, verify and show a league's charter.",
    "receipts": "List, verify and reconcile receipts.",
    "settle": "Price a period's receipts and share them out.",
    "model": "List the catalog, fetch and verify weights.",
    "train": "Improve a model by a recipe; goes on where it was broken off.",
    "distil": "Let a model of the league write examples for a smaller one.",
    "federate": "Train one adapter together with other members.",
    "quantise": "Pack a trained model as GGUF; say what each packing costs.",
    "privacy": "Plant secrets among pairs; say whether an adapter gives them away.",
    "promote": "Hold a trained model against the gates; sign the decision.",
    "canary": "Show candidates on trial, beside the models they stand in for.",
    "rollback": "Take back a candidate on trial, or let it be tried again.",
    "route": "Explain which replica serves a request, and why.",
    "corpus": "Make code to train on, and say what is in it.",
    "eval": "Measure models: HumanEval, infilling, latency, cost.",
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(HELP.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="hansa")
def cli() -> None:
    """One AI coding assistant, run together by organisations that stay independent.

    Exit codes: 0 done, 1 it ran and the answer is no, 2 wrong use or configuration.
    """


def main() -> None:
    """Run the command line; the only place where a command's errors are turned into an exit."""
    try:
        ended = cli.main(prog_name="hansa", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except click.Abort:
        sys.exit(130)
    except HansaError as error:
        print_error(error)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    else:
        # Click's own exits, such as `context.exit(1)`, come back as a number.
        if isinstance(ended, int) and ended:
            sys.exit(ended)
