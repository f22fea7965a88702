"""Weights from a Hub that refuses, breaks off, lies and stays silent: a real server on loopback."""

import email.utils
import errno
import hashlib
import json
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from hansa.core.errors import (
    ConfigError,
    HansaError,
    IntegrityError,
    NotFound,
    StorageError,
    UserError,
)
from hansa.models import part as parting
from hansa.models import snapshot as snapshots
from hansa.models.catalog import Card, card_of
from hansa.models.fetching import FetchFailed
from hansa.models.hub import HubClient, find_token
from hansa.models.hub_errors import TRIES_MAX, retry_after_s
from hansa.models.part import Remote
from hansa.models.store import ModelStore
from hansa.models.weights import Hub, HubFile
from support.hub import COMMIT, LATER_COMMIT, serve_hub
from support.hub import Hub as StandIn

DATA = b"GGUF" + bytes(range(256)) * 8192  # 2 MiB: more than one block
SHA256 = hashlib.sha256(DATA).hexdigest()
FILE = "model-q8_0.gguf"


class World:
    """A Hub, a store that asks it, and the pauses that were asked for instead of waited."""

    def __init__(self, hub: StandIn, folder: Path) -> None:
        self.hub = hub
        self.folder = folder
        self.pauses: list[float] = []
        self.store = self.with_token("")

    def with_token(self, token: str) -> ModelStore:
        client = HubClient(self.hub.url, token, wait=self.pauses.append, timeout_s=5)
        return ModelStore(self.folder, client)

    def resumable(self) -> list[Path]:
        return sorted(self.store.folder.glob(".resume-*/*"))


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    files = {FILE: DATA, "config.json": b'{"layers": 2}', "README.md": b"read me"}
    with serve_hub(StandIn(files)) as hub:
        yield World(hub, tmp_path / "state")


def one_file(sha256: str = "", size: int = 0, **changed: object) -> Card:
    weights = Hub(repository="maker/model", files=(HubFile(FILE, sha256, size),))
    return with_weights(msgspec.structs.replace(weights, **changed))


def several(*include: str) -> Card:
    return with_weights(Hub(repository="maker/model", include=include))


def with_weights(weights: Hub) -> Card:
    return msgspec.structs.replace(card_of("qwen2.5-coder-0.5b"), id="tiny", weights=weights)


def test_a_file_is_fetched_by_commit_and_pinned(world: World):
    card = one_file()
    seen: list[tuple[int, int]] = []
    path = world.store.pull(card, lambda done, total: seen.append((done, total)))
    assert path.read_bytes() == DATA
    assert seen[-1] == (len(DATA), len(DATA))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    pin = world.store.pin(card)
    assert pin
    assert (pin.revision, pin.commit, pin.sha256) == ("main", COMMIT, SHA256)
    assert f"/resolve/{COMMIT}/" in world.hub.asked[1].path
    assert world.store.verify(card) == path
    assert world.store.sha256(card) == SHA256
    assert world.resumable() == []


def test_what_is_here_is_not_asked_for_again(world: World):
    card = one_file(SHA256, len(DATA))
    world.store.pull(card)
    world.hub.asked.clear()
    world.store.pull(card)
    assert world.hub.asked == []


def test_several_files_appear_together_small_ones_checked_by_their_git_id(world: World):
    world.hub.files |= {"parts/a.safetensors": b"aaa", "parts/b.safetensors": b"aaa"}
    card = several("*.safetensors", "config.json")
    folder = world.store.pull(card)
    assert (folder / "config.json").read_bytes() == b'{"layers": 2}'
    assert (folder / "parts/a.safetensors").read_bytes() == b"aaa"
    assert (folder / "parts/b.safetensors").read_bytes() == b"aaa", "the same bytes, twice"
    assert not (folder / "README.md").exists()
    assert len(world.hub.transfers()) == 1
    listing = "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder)}\n"
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != snapshots.PIN
    )
    assert world.store.sha256(card) == hashlib.sha256(listing.encode()).hexdigest()


def test_a_connection_that_breaks_goes_on_where_it_was(world: World):
    world.hub.cut_after = [1_000_000]
    assert world.store.pull(one_file(SHA256)).read_bytes() == DATA
    assert [each.headers.get("Range") for each in world.hub.transfers()] == [None, "bytes=1000000-"]
    assert world.pauses == [1.0]


def test_a_pull_that_gave_up_goes_on_at_the_next(world: World):
    world.hub.cut_after = [700_000] + [0] * TRIES_MAX
    with pytest.raises(FetchFailed, match="broke off after 700,000") as caught:
        world.store.pull(one_file())
    assert "goes on where this one ended" in caught.value.hint
    assert len(world.pauses) == TRIES_MAX - 1
    assert not world.store.path(one_file()).exists()
    assert world.resumable()[0].name == SHA256
    world.hub.cut_after.clear()
    world.hub.asked.clear()
    assert world.store.pull(one_file()).read_bytes() == DATA
    assert world.hub.transfers()[0].headers["Range"] == "bytes=700000-"


def test_a_part_of_other_content_is_not_gone_on_with(world: World):
    world.hub.cut_after = [700_000] + [0] * TRIES_MAX
    with pytest.raises(FetchFailed):
        world.store.pull(one_file())
    world.hub.cut_after.clear()
    world.hub.asked.clear()
    world.hub.files[FILE] = DATA[::-1]
    assert world.store.pull(one_file()).read_bytes() == DATA[::-1]
    assert "Range" not in world.hub.transfers()[0].headers


def test_a_part_that_went_bad_is_fetched_again(world: World):
    folder = world.store.folder / ".resume-tiny"
    folder.mkdir(parents=True)
    (folder / SHA256).write_bytes(b"X" * 1000)
    assert world.store.pull(one_file()).read_bytes() == DATA
    assert [each.headers.get("Range") for each in world.hub.transfers()] == ["bytes=1000-", None]


@pytest.mark.parametrize("size", [len(DATA), len(DATA) + 7])
def test_a_part_that_is_long_enough_or_too_long(world: World, size: int):
    folder = world.store.folder / ".resume-tiny"
    folder.mkdir(parents=True)
    (folder / SHA256).write_bytes((DATA + b"1234567")[:size])
    assert world.store.pull(one_file()).read_bytes() == DATA
    assert len(world.hub.transfers()) == (0 if size == len(DATA) else 1)


def test_storage_without_ranges_starts_anew(world: World):
    world.hub.cut_after = [500_000]
    world.hub.ranges = False
    assert world.store.pull(one_file()).read_bytes() == DATA


def test_a_wrong_digest_is_refused_and_nothing_stays(world: World):
    world.hub.lies[FILE] = DATA[:-1] + b"X"
    with pytest.raises(IntegrityError, match="another digest than the Hub lists"):
        world.store.pull(one_file())
    assert not world.store.path(one_file()).exists()
    assert not (world.store.folder / ".resume-tiny" / SHA256).exists()
    assert len(world.hub.transfers()) == 1


def test_a_wrong_small_file_is_refused(world: World):
    world.hub.lies["config.json"] = b'{"layers": 3}'
    with pytest.raises(IntegrityError, match=r"config\.json"):
        world.store.pull(several("config.json"))


def test_a_file_that_does_not_end_is_refused(world: World):
    world.hub.lies[FILE] = DATA + b"more"
    with pytest.raises(IntegrityError, match="longer than the Hub lists it"):
        world.store.pull(one_file())


@pytest.mark.parametrize("known", [("0" * 64, 0), (SHA256, 1)])
def test_other_weights_than_the_catalogs_are_not_even_fetched(world: World, known: tuple[str, int]):
    with pytest.raises(IntegrityError, match=r"another model-q8_0\.gguf than the catalog names"):
        world.store.pull(one_file(*known))
    assert world.hub.transfers() == []


def test_a_gated_repository_says_what_to_do_and_opens_with_a_token(world: World):
    world.hub.token = "hf_secret"
    with pytest.raises(FetchFailed, match="is gated") as caught:
        world.store.pull(one_file())
    assert caught.value.hint == f"accept them at {world.hub.url}/maker/model, then set HF_TOKEN"
    with pytest.raises(FetchFailed, match="is gated") as caught:
        world.with_token("hf_other").pull(one_file())
    assert "the account of your token" in caught.value.hint
    assert world.pauses == [], "no other try changes it"
    assert world.with_token("hf_secret").pull(one_file()).read_bytes() == DATA


def test_the_token_is_not_shown_to_storage(world: World):
    world.hub.token = "hf_secret"
    world.with_token("hf_secret").pull(one_file())
    assert [bool(each.headers.get("Authorization")) for each in world.hub.asked] == [
        not each.storage for each in world.hub.asked
    ]


def test_what_is_not_there_is_named(world: World):
    with pytest.raises(NotFound, match="no repository other/model"):
        world.store.pull(one_file(repository="other/model"))
    with pytest.raises(NotFound, match="no such revision"):
        world.store.pull(one_file(), revision="v9")
    with pytest.raises(NotFound, match=r"at 0123456789ab has no file else\.gguf"):
        world.store.pull(one_file(files=(HubFile("else.gguf"),)))
    with pytest.raises(NotFound, match=r"no file like \*\.bin"):
        world.store.pull(several("*.bin"))
    assert world.hub.transfers() == []


def test_a_busy_hub_is_waited_for_as_long_as_it_asks(world: World):
    world.hub.refusals = [(429, {"Retry-After": "7"}), (503, {})]
    assert world.store.pull(one_file()).read_bytes() == DATA
    assert world.pauses == [7.0, 2.0]


def test_a_hub_that_stays_busy_is_left_alone(world: World):
    world.hub.refusals = [(503, {})] * 100
    with pytest.raises(FetchFailed, match="the Hub answered 503"):
        world.store.pull(one_file())
    assert len(world.hub.asked) == TRIES_MAX
    assert world.pauses == [1.0, 2.0, 4.0, 8.0]


def test_a_hub_that_asks_for_an_hour_is_not_waited_for(world: World):
    world.hub.refusals = [(429, {"Retry-After": "3600"})]
    with pytest.raises(FetchFailed, match="asks to wait 3600 s"):
        world.store.pull(one_file())
    assert world.pauses == []


def test_other_refusals_are_told(world: World):
    world.hub.refusals = [(400, {})]
    with pytest.raises(FetchFailed, match="refused maker/model: 400"):
        world.store.pull(one_file())


def test_a_hub_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    client = HubClient(f"http://127.0.0.1:{port}", wait=lambda _s: None)
    with pytest.raises(FetchFailed, match="cannot be reached"):
        ModelStore(tmp_path, client).pull(one_file())


def test_a_hub_that_stays_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        client = HubClient(address, wait=lambda _s: None, timeout_s=0.05)
        with pytest.raises(FetchFailed, match="it stayed silent"):
            ModelStore(tmp_path, client).pull(one_file())


@pytest.mark.parametrize(
    "listing",
    [
        b"<html>",
        b'{"siblings": []}',
        b'{"sha": "../../etc", "siblings": []}',
        json.dumps({"sha": COMMIT, "siblings": [{"rfilename": "a.gguf", "size": 3}]}).encode(),
        *(
            json.dumps(
                {"sha": COMMIT, "siblings": [{"rfilename": name, "size": 1, "blobId": "a" * 40}]}
            ).encode()
            for name in ("../x", "/etc/passwd", "a/../../x", "", "a\\b")
        ),
    ],
)
def test_a_listing_that_is_none_or_leads_out_of_its_folder(world: World, listing: bytes):
    world.hub.listing = listing
    with pytest.raises(IntegrityError, match="listing of maker/model"):
        world.store.pull(several("*"))
    assert list(world.store.folder.rglob("*.gguf")) == []


def test_a_disk_too_small_is_said_before_anything_is_fetched(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    usage = shutil.disk_usage("/")._replace(free=1000)
    monkeypatch.setattr(snapshots.shutil, "disk_usage", lambda _path: usage)
    with pytest.raises(StorageError, match=r"2,097,156 bytes are still to come .* for 1,000"):
        world.store.pull(one_file())
    assert world.hub.transfers() == []


def test_a_disk_that_fills_up_keeps_what_came(world: World, monkeypatch: pytest.MonkeyPatch):
    room = [600_000]

    class Disk:
        """A file on a disk with little room: writes less than asked, then refuses."""

        def __init__(self, path: Path) -> None:
            self.file = path.open("ab", buffering=0)

        def write(self, data: memoryview) -> int:
            if not room[0]:
                raise OSError(errno.ENOSPC, "No space left on device")
            written = self.file.write(data[: room[0]])
            room[0] -= written
            return written

        def truncate(self, size: int) -> int:
            return self.file.truncate(size)

        def __enter__(self) -> "Disk":
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

    real = Path.open
    monkeypatch.setattr(
        parting, "open_to_append", lambda path: Disk(path) if path.name == SHA256 else real(path)
    )
    with pytest.raises(StorageError, match="no space left"):
        world.store.pull(one_file())
    assert not world.store.path(one_file()).exists()
    monkeypatch.undo()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert world.store.pull(one_file()).read_bytes() == DATA


def test_a_new_revision_replaces_what_was_here_the_same_does_not(world: World):
    world.store.pull(one_file())
    world.hub.asked.clear()
    world.store.pull(one_file(), revision="main")
    assert world.hub.transfers() == []
    world.hub.commit, world.hub.files[FILE] = LATER_COMMIT, DATA[::-1]
    assert world.store.pull(one_file()).read_bytes() == DATA, "nobody asked for another"
    assert world.store.pull(one_file(), revision="main").read_bytes() == DATA[::-1]
    pin = world.store.pin(one_file())
    assert pin
    assert pin.commit == LATER_COMMIT


def test_damaged_weights_are_found_and_come_back_from_the_pinned_commit(world: World):
    card = one_file()
    path = world.store.pull(card)
    path.write_bytes(DATA[:-1] + b"X")
    with pytest.raises(IntegrityError, match="is damaged"):
        world.store.verify(card)
    world.hub.branches = ()
    assert world.store.pull(card).read_bytes() == DATA


def test_a_catalog_that_came_to_name_other_weights_refuses_what_is_here(world: World):
    world.store.pull(one_file())
    with pytest.raises(IntegrityError, match="is damaged"):
        world.store.require(one_file("0" * 64))


@pytest.mark.parametrize("pin", [b"", b"{}", None])
def test_weights_without_their_pin_are_not_trusted(world: World, pin: bytes | None):
    path = world.store.pull(one_file())
    place = path.with_name(snapshots.PIN)
    place.unlink()
    if pin is not None:
        place.write_bytes(pin)
    with pytest.raises(IntegrityError):
        world.store.require(one_file())
    assert world.store.pull(one_file()).read_bytes() == DATA


def test_hosted_models_have_nothing_to_fetch(world: World):
    with pytest.raises(UserError, match="hosted by OpenAI"):
        world.store.pull(card_of("gpt-4o"))


def test_a_package_has_no_revisions(world: World):
    with pytest.raises(UserError, match="no revisions"):
        world.store.pull(card_of("smollm2-135m-instruct"), revision="main")


def test_the_environment_is_read_as_huggingface_hub_does(tmp_path: Path):
    (tmp_path / "token").write_text("hf_file\n")
    home = {"HF_HOME": str(tmp_path)}
    assert find_token(home) == "hf_file"
    assert find_token({"XDG_CACHE_HOME": str(tmp_path)}) == ""
    assert find_token({"HF_TOKEN_PATH": str(tmp_path / "token")}) == "hf_file"
    assert find_token(home | {"HF_TOKEN": " hf_here\n"}) == "hf_here"
    client = HubClient.from_environment(home | {"HF_ENDPOINT": "https://mirror.example/hf/"})
    assert client.endpoint == "https://mirror.example/hf"
    assert HubClient.from_environment(home).endpoint == "https://huggingface.co"
    with pytest.raises(FetchFailed, match="HF_HUB_OFFLINE"):
        HubClient.from_environment({"HF_HUB_OFFLINE": "1"})
    with pytest.raises(ConfigError, match="HF_ENDPOINT"):
        HubClient.from_environment(home | {"HF_ENDPOINT": "file:///etc"})


def test_a_token_is_not_sent_in_the_clear():
    assert HubClient("http://mirror.example", "hf_secret")._token == ""
    assert HubClient("https://mirror.example", "hf_secret")._token == "hf_secret"


def test_a_redirect_to_a_file_is_refused(world: World):
    world.hub.refusals = [(302, {"Location": "file:///etc/passwd"})]
    with pytest.raises(HansaError):
        world.store.pull(one_file())


def test_retry_after_is_seconds_or_a_date():
    assert retry_after_s({"Retry-After": "12"}) == 12
    soon = email.utils.formatdate(time.time() + 60, usegmt=True)
    assert 50 < (retry_after_s({"Retry-After": soon}) or 0) <= 60
    assert retry_after_s({"Retry-After": "soon"}) is None
    assert retry_after_s({}) is None


def test_a_remote_file_needs_a_digest():
    with pytest.raises(ValueError, match="no digest"):
        Remote("a.gguf", 3, sha256="abc")
    with pytest.raises(ValueError, match="bytes"):
        Remote("a.gguf", -3, sha256=SHA256)
