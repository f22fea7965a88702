"""The page Now: what it shows, and to whom."""

import hashlib
import re
from html.parser import HTMLParser

import msgspec
import pytest

from hansa.console.pages import FOLDER, ROWS_MAX

from .conftest import Console, Get, a_request, basic, full_view

HTMX_SHA256 = "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130"

VOID = {"meta", "link", "rect", "line", "br", "input"}


class Outline(HTMLParser):
    """Open tags must be closed in order; keeps what tests ask about."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


async def test_a_fresh_node_s_page_says_what_to_do(get: Get):
    reply = await get()
    assert reply.status == 200
    assert Outline(reply.text).open == []
    assert "No completion yet. Try <code>hansa complete" in reply.text
    assert "No request yet." in reply.text
    assert "No replica is known yet." in reply.text


async def test_a_busy_node_s_page_shows_members_replicas_and_requests(get: Get, console: Console):
    console.view = full_view()
    reply = await get()
    assert reply.status == 200
    assert Outline(reply.text).open == []
    assert "1 of the last 2 were answered within their budget." in reply.text
    assert "no answer" in reply.text
    assert "acme/r1" in reply.text
    assert "attempt 2" in reply.text
    assert re.search(r"450 ms\s+<small>over 200", reply.text)


async def test_a_request_nobody_served_is_shown(get: Get, console: Console):
    failed = a_request(server="", replica="", first_token_ms=None, outcome="refused", task="chat")
    console.view = full_view(recent=(failed,))
    assert "nobody" in (await get()).text


async def test_the_live_part_is_the_same_without_the_frame(get: Get, console: Console):
    console.view = full_view()
    page, live = await get(), await get("/console/now")
    assert live.status == 200
    assert live.text.strip() in page.text
    assert "<html" not in live.text


async def test_what_others_wrote_is_escaped(get: Get, console: Console):
    evil = '"><script>alert(1)</script>'
    view = full_view(
        recent=(a_request(reason=evil, origin=evil, replica=evil, outcome=evil),), league=evil
    )
    view = msgspec.structs.replace(
        view, members=(msgspec.structs.replace(view.members[1], name=evil, url=evil, problem=evil),)
    )
    console.view = view
    reply = await get()
    assert "<script>alert" not in reply.text
    assert reply.text.count("&lt;script&gt;") >= 7
    assert Outline(reply.text).open == []


async def test_rows_are_bounded(get: Get, console: Console):
    console.view = full_view(recent=tuple(a_request() for _ in range(256)))
    assert (await get()).text.count("<td>complete</td>") == ROWS_MAX


async def test_nothing_inline_so_that_the_policy_can_be_strict(get: Get, console: Console):
    console.view = full_view()
    reply = await get()
    policy = reply.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    names = {name for name, _ in Outline(reply.text).attributes}
    assert not {name for name in names if name.startswith("on") or name == "style"}
    assert re.findall(r"<script[^>]*>", reply.text) == [
        '<script src="/console/static/htmx-4.0.1.min.js" defer>'
    ]
    assert "<style" not in reply.text
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["cache-control"] == "no-store"


async def test_the_playground_is_as_strict(get: Get):
    now, reply = await get(), await get("/console/playground")
    assert (reply.status, Outline(reply.text).open) == (200, [])
    policies = [each.headers["content-security-policy"] for each in (now, reply)]
    assert policies[0] == policies[1]
    assert re.findall(r"<script[^>]*>", reply.text) == [
        '<script type="module" src="/console/static/playground.js">'
    ]
    attributes = Outline(reply.text).attributes
    assert not {name for name, _ in attributes if name.startswith("on") or name == "style"}
    assert "<form" not in reply.text, "nothing typed here goes into an address"
    assert ("data-budget-ms", "200") in attributes


@pytest.mark.parametrize(("path", "names"), [("/console", 5), ("/console/playground", 5)])
async def test_every_file_the_page_names_is_served(get: Get, path: str, names: int):
    page = await get(path)
    paths = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
    assert len(paths) == names
    for path in paths:
        assert (await get(path)).status == 200


def test_the_vendored_script_is_the_one_that_was_looked_at():
    data = (FOLDER / "static" / "htmx-4.0.1.min.js").read_bytes()
    assert hashlib.sha256(data).hexdigest() == HTMX_SHA256


async def test_static_files_do_not_lead_out_of_their_folder(get: Get):
    for path in ("/console/static/../pages.py", "/console/static/%2e%2e/pages.py"):
        assert (await get(path)).status == 404


async def test_the_front_leads_to_the_console(get: Get):
    reply = await get("/")
    assert (reply.status, reply.headers["location"]) == (307, "/console")


@pytest.mark.parametrize("client", ["127.0.0.1", "127.8.8.8", "::1"])
@pytest.mark.parametrize("host", ["localhost", "localhost:8420", "127.0.0.1:1", "[::1]:8420"])
async def test_whoever_sits_at_this_machine_may_look(get: Get, client: str, host: str):
    assert (await get(client=client, host=host)).status == 200


@pytest.mark.parametrize(
    ("client", "host"),
    [
        ("192.0.2.7", "localhost"),
        ("127.0.0.1", "evil.example"),
        ("127.0.0.1", "localhost.evil.example"),
        ("127.0.0.1", "evil.example@127.0.0.1.example"),
        ("127.0.0.1", ""),
        ("127.0.0.1", "["),
        ("::ffff:192.0.2.7", "localhost"),
        ("unix", "localhost"),
        (None, "localhost"),
    ],
)
async def test_others_are_asked_for_a_key(get: Get, client: str | None, host: str):
    for path in ("/console", "/console/now", "/console/playground"):
        reply = await get(path, client=client, host=host)
        assert reply.status == 401
        assert reply.headers["www-authenticate"].startswith("Basic ")
        assert "content-security-policy" in reply.headers
        assert "north" not in reply.text


async def test_a_key_as_the_password_opens_the_page(get: Get, console: Console):
    made, secret = console.keys.create("ada")

    async def status(authorization: str) -> int:
        reply = await get(client="192.0.2.7", host="node.example", authorization=authorization)
        return reply.status

    assert await status(basic(secret)) == 200
    assert await status(basic(secret, "anybody").replace("Basic", "BASIC")) == 200
    assert await status(basic("hansa-wrong")) == 401
    assert await status(basic("")) == 401
    assert await status(f"Bearer {secret}") == 401
    for broken in ("Basic", "Basic ?", "Basic /w==", f"Basic {secret}", "Basic é"):
        assert await status(broken) == 401
    console.keys.revoke(made.id)
    assert await status(basic(secret)) == 401


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_pages_are_only_read(get: Get, method: str):
    assert (await get(method=method)).status == 405
