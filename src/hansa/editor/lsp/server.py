"""Puts the language server together and serves it on stdin and stdout."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from hansa import __version__
from hansa.core.clock import SystemClock
from hansa.core.errors import HansaError
from hansa.editor.connection import Connection
from hansa.editor.events import Events
from hansa.editor.inline import Inline
from hansa.editor.lsp import actions
from hansa.editor.lsp.actions import Wanted
from hansa.editor.lsp.codebases import Codebases
from hansa.editor.lsp.documents import Documents, path_of
from hansa.editor.lsp.feedback import Feedback
from hansa.editor.lsp.inline import ACCEPTED, InlineCompletion
from hansa.editor.lsp.node import FoundNode
from hansa.editor.lsp.positions import Encoding
from hansa.editor.lsp.progress import WorkDone
from hansa.editor.lsp.protocol import Protocol
from hansa.editor.lsp.recent import RecentEdits
from hansa.editor.lsp.trouble import Trouble
from hansa.editor.preferences import Preferences

SHOWN = "hansa/shown"
PARTLY_ACCEPTED = "hansa/partlyAccepted"
REJECTED = "hansa/rejected"
"""Notifications of ours, from editors that know them; see docs/editors.md."""


@dataclass(frozen=True, slots=True)
class Setup:
    find: Callable[[], Connection]
    """Where the node is; asked again when it has gone."""
    state_dir: Path
    preferences: Preferences = field(default_factory=Preferences)
    larger: str = ""
    """Model to ask when a suggestion is asked for by hand and the other is unsure; empty: none."""
    index: bool = True
    """Whether codebases are indexed and looked at."""


def serve(setup: Setup) -> None:
    """Until the editor ends it or goes away."""
    HansaServer(setup).start_io()


class HansaServer(LanguageServer):
    """Holds the parts; what a request means stands with the part that answers it."""

    def __init__(self, setup: Setup) -> None:
        super().__init__("hansa", __version__, protocol_cls=Protocol)
        clock = SystemClock()
        self.setup = setup
        self.progress = WorkDone(self)
        self.documents = Documents(Path.home())
        self.recent = RecentEdits(self.documents)
        self.codebases = Codebases(setup.state_dir, self.progress)
        self.events = Events(setup.state_dir)
        self.feedback = Feedback(self.events, self.documents, clock)
        self.trouble = Trouble(clock, self.warn)
        self.node = FoundNode(setup.find)
        self.inline = Inline(
            self.node,
            clock,
            preferences=setup.preferences,
            larger=setup.larger,
            planner=self.codebases.plan,
        )
        self.completion = InlineCompletion(
            self.inline, self.documents, self.codebases, self.recent, self.feedback, self.trouble
        )
        self.clock = clock
        self.asks = False
        """Whether the editor can ask for the words of an edit."""
        for register in (_lifecycle, _sync, _suggestions, _commands):
            register(self)

    def warn(self, text: str) -> None:
        """Show a person what is wrong and what to do."""
        self.window_show_message(lsp.ShowMessageParams(lsp.MessageType.Warning, f"Hansa: {text}"))

    def shutdown(self) -> None:
        """However it ended: no thread outlives the connection."""
        self.codebases.close()
        super().shutdown()

    def status(self) -> dict[str, Any]:
        """What `hansa.status` tells."""
        counts = self.inline.counts
        read, cached = counts.prompt_tokens, counts.cached_tokens
        median = self.completion.latency_ms_median
        return {
            "node": self.trouble.known or "no trouble",
            "asked": counts.asked,
            "cached": counts.cached,
            "typed_over": counts.typed_over,
            "unsure": counts.unsure,
            "empty": counts.empty,
            "prompt_cache_hit_rate": round(cached / read, 3) if read else None,
            "latency_ms_median": None if median is None else round(median, 1),
            "index": {str(root): state for root, state in self.codebases.states.items()},
        }


def _lifecycle(server: HansaServer) -> None:
    @server.feature(lsp.INITIALIZE)
    def initialize(params: lsp.InitializeParams) -> None:  # pyright: ignore[reportUnusedFunction]  pygls calls it
        folders = [each.uri for each in params.workspace_folders or ()]
        paths = map(path_of, folders or [params.root_uri or ""])
        server.documents.folders = [path.resolve() for path in paths if path]
        server.documents.encoding = cast(
            "Encoding", str(_value(server.workspace.position_encoding))
        )
        given = params.initialization_options
        server.asks = bool(_get(given, "asks"))
        server.progress.ready(asyncio.get_running_loop())

    @server.feature(lsp.INITIALIZED)
    async def initialized(_: lsp.InitializedParams) -> None:  # pyright: ignore[reportUnusedFunction]  pygls calls it
        workspace = server.client_capabilities.workspace
        watched = workspace and workspace.did_change_watched_files
        if server.setup.index and watched and watched.dynamic_registration:
            everything = lsp.DidChangeWatchedFilesRegistrationOptions(
                [lsp.FileSystemWatcher(glob_pattern="**/*")]
            )
            method = lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES
            registration = lsp.Registration(method, method, everything)
            await server.client_register_capability_async(lsp.RegistrationParams([registration]))

    @server.feature(lsp.SHUTDOWN)
    async def shutdown(_: None) -> None:  # pyright: ignore[reportUnusedFunction]  pygls calls it
        await server.feedback.close()
        await server.node.close()


def _sync(server: HansaServer) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: lsp.DidOpenTextDocumentParams) -> None:  # pyright: ignore[reportUnusedFunction]  pygls calls it
        made = server.documents.opened(params.text_document)
        if made.root and server.setup.index:
            server.codebases.want(made.root)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: lsp.DidChangeTextDocumentParams) -> None:  # pyright: ignore[reportUnusedFunction]  pygls calls it
        server.documents.changed(params)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: lsp.DidCloseTextDocumentParams) -> None:  # pyright: ignore[reportUnusedFunction]  pygls calls it
        server.documents.closed(params.text_document.uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_SAVE)
    def saved(params: lsp.DidSaveTextDocumentParams) -> None:  # pyright: ignore[reportUnusedFunction]  pygls calls it
        server.codebases.changed(_paths([params.text_document.uri]))

    @server.feature(lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def watched(params: lsp.DidChangeWatchedFilesParams) -> None:  # pyright: ignore[reportUnusedFunction]  pygls calls it
        server.codebases.changed(_paths([each.uri for each in params.changes]))


def _suggestions(server: HansaServer) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_INLINE_COMPLETION, lsp.InlineCompletionOptions())
    async def complete(params: lsp.InlineCompletionParams) -> lsp.InlineCompletionList | None:  # pyright: ignore[reportUnusedFunction]  pygls calls it
        return await server.completion.complete(params)

    @server.command(ACCEPTED)
    def accepted(which: Any) -> None:  # pyright: ignore[reportUnusedFunction]  pygls calls it
        server.feedback.accepted(str(_get(which, "id")))

    @server.feature(SHOWN)
    def shown(params: Any) -> None:  # pyright: ignore[reportUnusedFunction]  pygls calls it
        server.feedback.shown(str(_get(params, "id")))

    @server.feature(PARTLY_ACCEPTED)
    def partly_accepted(params: Any) -> None:  # pyright: ignore[reportUnusedFunction]  pygls calls it
        chars = _get(params, "chars")
        if isinstance(chars, int):
            server.feedback.partly_accepted(str(_get(params, "id")), chars)

    @server.feature(REJECTED)
    def rejected(params: Any) -> None:  # pyright: ignore[reportUnusedFunction]  pygls calls it
        which = str(_get(params, "id"))
        opened = server.documents.get(server.feedback.rejected(which))
        if opened:
            server.inline.reject(opened.name, which)


def _commands(server: HansaServer) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_CODE_ACTION, lsp.CodeActionOptions(
        [lsp.CodeActionKind.QuickFix, lsp.CodeActionKind.RefactorRewrite]
    ))  # fmt: skip
    def code_actions(params: lsp.CodeActionParams) -> list[lsp.CodeAction]:  # pyright: ignore[reportUnusedFunction]  pygls calls it
        opened = server.documents.get(params.text_document.uri)
        if opened is None or opened.too_large:
            return []
        return list(actions.code_actions(opened, params, asks=server.asks))

    @server.command(actions.EDIT)
    async def edit(argument: Any) -> bool:  # pyright: ignore[reportUnusedFunction]  pygls calls it
        """Whether the editor made the edit; why not is shown."""
        try:
            made = await actions.edited(Wanted.read(argument), server.documents, server.node,
                                        server.clock, server.setup.preferences)  # fmt: skip
        except HansaError as error:
            server.warn(str(error))
            return False
        label = lsp.ApplyWorkspaceEditParams(made, label="Hansa: edit")
        return (await server.workspace_apply_edit_async(label)).applied

    @server.command(actions.EXPLAIN)
    def explain() -> list[str]:  # pyright: ignore[reportUnusedFunction]  pygls calls it
        return actions.explanation(server.inline.latest)

    @server.command(actions.STATUS)
    async def status() -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]  pygls calls it
        return server.status()


def _paths(uris: Iterable[str]) -> list[Path]:
    return [path.resolve() for path in map(path_of, uris) if path]


def _get(given: Any, name: str) -> Any:
    """A field of what an editor sent, which is a dictionary or what pygls makes of one."""
    if isinstance(given, dict):
        return cast("dict[str, Any]", given).get(name)
    return getattr(given, name, None)


def _value(encoding: Any) -> Any:
    return getattr(encoding, "value", encoding)
