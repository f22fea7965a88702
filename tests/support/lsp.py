"""An editor for tests: a real client that speaks to `hansa lsp` over stdio."""

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

from lsprotocol import types as lsp
from pygls.lsp.client import LanguageClient

from support.nodes import HANSA

TIMEOUT_S = 30.0


class Editor(LanguageClient):
    """Remembers what the server shows; makes the edits it asks for by remembering them too."""

    def __init__(self) -> None:
        super().__init__("test", "1")
        self.messages: list[str] = []
        self.progress: list[Any] = []
        self.edits: list[lsp.WorkspaceEdit] = []
        self.registered: list[str] = []
        self.capabilities: lsp.ServerCapabilities

        @self.feature(lsp.WINDOW_SHOW_MESSAGE)
        def show(params: lsp.ShowMessageParams) -> None:
            self.messages.append(params.message)

        @self.feature(lsp.WINDOW_WORK_DONE_PROGRESS_CREATE)
        def create(_params: lsp.WorkDoneProgressCreateParams) -> None:
            return None

        @self.feature(lsp.PROGRESS)
        def at(params: lsp.ProgressParams) -> None:
            self.progress.append(params.value)

        @self.feature(lsp.CLIENT_REGISTER_CAPABILITY)
        def register(params: lsp.RegistrationParams) -> None:
            self.registered += [each.method for each in params.registrations]

        @self.feature(lsp.WORKSPACE_APPLY_EDIT)
        def apply(params: lsp.ApplyWorkspaceEditParams) -> lsp.ApplyWorkspaceEditResult:
            self.edits.append(params.edit)
            return lsp.ApplyWorkspaceEditResult(applied=True)

    def report_server_error(self, error: Exception, source: Any) -> None:
        raise AssertionError(f"{source}: {error}")

    def open(self, uri: str, text: str, language: str = "python") -> None:
        item = lsp.TextDocumentItem(uri, language, 1, text)
        self.text_document_did_open(lsp.DidOpenTextDocumentParams(item))

    def change(self, uri: str, *changes: lsp.TextDocumentContentChangeEvent) -> None:
        identifier = lsp.VersionedTextDocumentIdentifier(2, uri)
        self.text_document_did_change(lsp.DidChangeTextDocumentParams(identifier, changes))

    async def complete(
        self, uri: str, line: int, column: int, *, invoked: bool = True
    ) -> lsp.InlineCompletionItem | None:
        """The one suggestion, if there is one."""
        answer = await asyncio.wait_for(
            self.text_document_inline_completion_async(inline(uri, line, column, invoked=invoked)),
            TIMEOUT_S,
        )
        assert answer is None or isinstance(answer, lsp.InlineCompletionList)
        return answer.items[0] if answer else None

    async def run(self, command: str, *arguments: Any) -> Any:
        return await asyncio.wait_for(
            self.workspace_execute_command_async(
                lsp.ExecuteCommandParams(command, arguments=list(arguments))
            ),
            TIMEOUT_S,
        )

    async def status(self) -> Any:
        return await self.run("hansa.status")

    async def indexed(self, root: Path) -> None:
        """Wait until the server has indexed a folder."""
        async with asyncio.timeout(TIMEOUT_S):
            while (await self.status())["index"].get(str(root)) != "ready":
                await asyncio.sleep(0.01)


def inline(uri: str, line: int, column: int, *, invoked: bool) -> lsp.InlineCompletionParams:
    kind = lsp.InlineCompletionTriggerKind
    context = lsp.InlineCompletionContext(kind.Invoked if invoked else kind.Automatic)
    return lsp.InlineCompletionParams(
        context, lsp.TextDocumentIdentifier(uri), lsp.Position(line, column)
    )


@contextlib.asynccontextmanager
async def editor(
    *options: str,
    environment: dict[str, str],
    folder: Path,
    encodings: Sequence[str] = ("utf-16",),
    asks: bool = False,
) -> AsyncGenerator[Editor]:
    """`hansa lsp`, initialised for a folder; ended in order."""
    client = Editor()
    await client.start_io(HANSA, "lsp", *options, env={**os.environ, **environment})
    started = await asyncio.wait_for(
        client.initialize_async(
            lsp.InitializeParams(
                lsp.ClientCapabilities(
                    general=lsp.GeneralClientCapabilities(position_encodings=list(encodings)),
                    window=lsp.WindowClientCapabilities(work_done_progress=True),
                    workspace=lsp.WorkspaceClientCapabilities(
                        did_change_watched_files=lsp.DidChangeWatchedFilesClientCapabilities(
                            dynamic_registration=True
                        )
                    ),
                ),
                workspace_folders=[lsp.WorkspaceFolder(folder.as_uri(), folder.name)],
                initialization_options={"asks": asks},
            )
        ),
        TIMEOUT_S,
    )
    client.capabilities = started.capabilities
    client.initialized(lsp.InitializedParams())
    try:
        yield client
    finally:
        await asyncio.wait_for(client.shutdown_async(None), TIMEOUT_S)
        client.exit(None)
        await client.stop()
