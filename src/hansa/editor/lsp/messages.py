"""Every message an editor sends, and which part of the server it goes to.

The functions' first parameter is filled in by pygls. `FEATURES` and `COMMANDS` list them all.
"""

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, cast

from lsprotocol import types as lsp

from hansa.core.errors import HansaError
from hansa.editor.lsp import actions
from hansa.editor.lsp.documents import path_of
from hansa.editor.lsp.inline import ACCEPTED
from hansa.editor.lsp.next_edits import METHOD as NEXT_EDIT
from hansa.editor.lsp.server import HansaServer, Setup

SHOWN = "hansa/shown"
PARTLY_ACCEPTED = "hansa/partlyAccepted"
REJECTED = "hansa/rejected"
"""Notifications of ours, from editors that know them; see docs/editors.md."""


def serve(setup: Setup) -> None:
    """Serve an editor on stdin and stdout, until it ends it or goes away."""
    server = HansaServer(setup)
    for method, (feature, options) in FEATURES.items():
        server.feature(method, options)(feature)
    for name, command in COMMANDS.items():
        server.command(name)(command)
    server.start_io()


def initialize(ls: HansaServer, params: lsp.InitializeParams) -> None:
    folders = [each.uri for each in params.workspace_folders or ()]
    ls.documents.folders = _paths(folders or [params.root_uri or ""])
    encoding = ls.workspace.position_encoding
    ls.documents.encoding = lsp.PositionEncodingKind(encoding).value
    ls.asks = bool(_get(params.initialization_options, "asks"))
    ls.work_done.ready(asyncio.get_running_loop())


async def initialized(ls: HansaServer, _: lsp.InitializedParams) -> None:
    """Ask to be told when files change on disk, if the editor can tell; get ready meanwhile."""
    warm = asyncio.create_task(asyncio.to_thread(ls.node.warm))
    await _ask_to_be_told(ls)
    await warm


async def _ask_to_be_told(ls: HansaServer) -> None:
    workspace = ls.client_capabilities.workspace
    watched = workspace and workspace.did_change_watched_files
    if not (ls.setup.index and watched and watched.dynamic_registration):
        return
    method = lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES
    everything = lsp.DidChangeWatchedFilesRegistrationOptions([lsp.FileSystemWatcher("**/*")])
    registration = lsp.Registration(method, method, everything)
    await ls.client_register_capability_async(lsp.RegistrationParams([registration]))


async def shutdown(ls: HansaServer, _: None) -> None:
    await ls.feedback.close()
    await ls.node.close()


def opened(ls: HansaServer, params: lsp.DidOpenTextDocumentParams) -> None:
    made = ls.documents.opened(params.text_document)
    if made.root and ls.setup.index:
        ls.codebases.want(made.root)


def changed(ls: HansaServer, params: lsp.DidChangeTextDocumentParams) -> None:
    ls.documents.changed(params)


def closed(ls: HansaServer, params: lsp.DidCloseTextDocumentParams) -> None:
    ls.documents.closed(params.text_document.uri)


def saved(ls: HansaServer, params: lsp.DidSaveTextDocumentParams) -> None:
    ls.codebases.changed(_paths([params.text_document.uri]))


def watched_files_changed(ls: HansaServer, params: lsp.DidChangeWatchedFilesParams) -> None:
    ls.codebases.changed(_paths(each.uri for each in params.changes))


async def complete(
    ls: HansaServer, params: lsp.InlineCompletionParams
) -> lsp.InlineCompletionList | None:
    found = await ls.completion.complete(params)
    ls.learn_limits()
    return found


def shown(ls: HansaServer, params: Any) -> None:
    ls.feedback.shown(str(_get(params, "id")))


def accepted(ls: HansaServer, which: Any) -> None:
    ls.feedback.accepted(str(_get(which, "id")))


def partly_accepted(ls: HansaServer, params: Any) -> None:
    chars = _get(params, "chars")
    if isinstance(chars, int):
        ls.feedback.partly_accepted(str(_get(params, "id")), chars)


def rejected(ls: HansaServer, params: Any) -> None:
    which = str(_get(params, "id"))
    if found := ls.documents.get(ls.feedback.rejected(which)):
        ls.inline.reject(found.name, which)


async def next_edits(ls: HansaServer, params: Any) -> list[dict[str, Any]]:
    uri, position = _get(_get(params, "textDocument"), "uri"), _get(params, "position")
    line, column = _get(position, "line"), _get(position, "character")
    if not isinstance(uri, str) or not isinstance(line, int) or not isinstance(column, int):
        return []
    return await ls.next_edits.find(uri, lsp.Position(line, column))


def code_actions(ls: HansaServer, params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
    found = ls.documents.get(params.text_document.uri)
    if found is None or found.too_large:
        return []
    return list(actions.code_actions(found, params, asks=ls.asks))


async def edit(ls: HansaServer, argument: Any) -> bool:
    """Whether the editor made the edit; why not is shown."""
    try:
        wanted = actions.Wanted.read(argument)
        made = await actions.edited(wanted, ls.documents, ls.node, ls.clock, ls.setup.preferences)
    except HansaError as error:
        ls.warn(str(error))
        return False
    asked = lsp.ApplyWorkspaceEditParams(made, label=f"Hansa: {wanted.instruction}")
    return (await ls.workspace_apply_edit_async(asked)).applied


def explain(ls: HansaServer) -> list[str]:
    return actions.explanation(ls.inline.latest)


def status(ls: HansaServer) -> dict[str, Any]:
    return ls.status()


FEATURES: dict[str, tuple[Callable[..., Any], Any]] = {
    lsp.INITIALIZE: (initialize, None),
    lsp.INITIALIZED: (initialized, None),
    lsp.SHUTDOWN: (shutdown, None),
    lsp.TEXT_DOCUMENT_DID_OPEN: (opened, None),
    lsp.TEXT_DOCUMENT_DID_CHANGE: (changed, None),
    lsp.TEXT_DOCUMENT_DID_CLOSE: (closed, None),
    lsp.TEXT_DOCUMENT_DID_SAVE: (saved, None),
    lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES: (watched_files_changed, None),
    lsp.TEXT_DOCUMENT_INLINE_COMPLETION: (complete, lsp.InlineCompletionOptions()),
    lsp.TEXT_DOCUMENT_CODE_ACTION: (code_actions, lsp.CodeActionOptions(actions.KINDS)),
    NEXT_EDIT: (next_edits, None),
    SHOWN: (shown, None),
    PARTLY_ACCEPTED: (partly_accepted, None),
    REJECTED: (rejected, None),
}

COMMANDS: dict[str, Callable[..., Any]] = {
    ACCEPTED: accepted,
    actions.EDIT: edit,
    actions.EXPLAIN: explain,
    actions.STATUS: status,
}


def _paths(uris: Iterable[str]) -> list[Path]:
    return [path.resolve() for path in map(path_of, uris) if path]


def _get(given: Any, name: str) -> Any:
    """A field of what an editor sent, which is a dictionary or what pygls makes of one."""
    if isinstance(given, dict):
        return cast("dict[str, Any]", given).get(name)
    return getattr(given, name, None)
