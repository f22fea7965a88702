"""Consented texts into training pairs, at the member: what settled is what should have been said.

Too easy pairs teach nothing and too far ones are noise; what is kept lies between, by the edit
distance of several attempts to what settled. The suggestion that was shown is always one of them.
Only what the anonymiser passes is in a pair.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import msgspec

from hansa.context.healing import cut as cut_back
from hansa.context.templates import Neutral, render
from hansa.core.errors import UserError
from hansa.core.files import write_atomic
from hansa.editor.distance import edit_distance
from hansa.editor.texts import SettledText
from hansa.models.profile import FimTokens, Profile
from hansa.training.anonymise import Scene, anonymise
from hansa.training.examples import END, Example
from hansa.training.pseudonyms import Pseudonyms
from hansa.wire.requests import Request

PAIRS_BYTES_MAX = 64 * 2**20
WINDOW_CHARS = 1_500
"""Shown on each side of the target."""


class Pair(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Anonymous: nothing in it says whose code it was."""

    language: str
    prefix: str
    suffix: str
    target: str
    """What settled."""
    suggestion: str = ""
    """What was suggested, in the same names; empty if that could not be made anonymous."""


@dataclass(frozen=True, slots=True)
class Band:
    """Which pairs are worth training on. Distances are shares of the longer text, 0 to 1."""

    easy: float = 0.1
    """Too easy: the middle one of the attempts is this near, or nearer."""
    far: float = 0.75
    """Too far: not one attempt is nearer than this."""
    samples: int = 4
    """Asked of the model, if there is one to ask."""
    target_chars_min: int = 4
    target_chars_max: int = 600
    prefix_chars_min: int = 16


Sampler = Callable[[Pair, int], list[str]]
"""So many attempts of a model at the target of a pair, at a temperature."""


@dataclass(slots=True)
class Made:
    pairs: list[Pair] = field(default_factory=list[Pair])
    dropped: Counter[str] = field(default_factory=Counter[str])
    """How many texts for which reason."""


def make_pairs(
    texts: Iterable[SettledText],
    kept: frozenset[str],
    band: Band | None = None,
    sample: Sampler | None = None,
) -> Made:
    """Pairs in the order of `texts`, in one set of pseudonyms; names in `kept` stay."""
    band, names, made, seen = band or Band(), Pseudonyms(kept), Made(), set[tuple[str, str]]()
    for text in texts:
        pair = _anonymous(text, names)
        if pair is None:
            made.dropped["not anonymous"] += 1
            continue
        reason = _length(pair, band)
        if not reason and (pair.prefix, pair.target) in seen:
            reason = "seen before"
        reason = reason or _distance(text, pair, band, sample)
        if reason:
            made.dropped[reason] += 1
            continue
        seen.add((pair.prefix, pair.target))
        made.pairs.append(pair)
    return made


def in_band(target: str, attempts: Iterable[str], band: Band) -> str:
    """Why a target is not worth training on, by what was attempted; empty if it is."""
    distances = [_apart(each, target) for each in attempts]
    if not distances:
        return ""
    if median(distances) <= band.easy:
        return "too easy"
    return "too far" if min(distances) > band.far else ""


def example_of(pair: Pair, tokens: FimTokens) -> Example:
    """The prompt as the model is asked when it is served, and the answer."""
    profile = Profile(
        chat="none", fim=tokens, stop=(END,), context_tokens=8192, chars_per_token=3.0
    )
    shown, typed = cut_back(pair.prefix)
    request = Request(id="", task="complete", prefix=shown, suffix=pair.suffix)
    return Example(render(request, profile), typed + Neutral(profile)(pair.target) + END)


def write_pairs(path: Path, pairs: Iterable[Pair]) -> None:
    """One JSON object a line; readable by its owner only."""
    lines = b"".join(msgspec.json.encode(each) + b"\n" for each in pairs)
    write_atomic(path, lines, mode=0o600)


def read_pairs(path: Path) -> Iterator[Pair]:
    """Raises UserError for a file that holds no pairs."""
    try:
        if path.stat().st_size > PAIRS_BYTES_MAX:
            raise UserError(f"{path} is over {PAIRS_BYTES_MAX} bytes", hint="make fewer pairs")
        for line in path.read_bytes().splitlines():
            yield msgspec.json.decode(line, type=Pair)
    except OSError as error:
        raise UserError(f"cannot read the pairs {path}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise UserError(
            f"{path} holds no pairs: {error}", hint="`hansa events pairs --out FILE` writes them"
        ) from error


def _anonymous(text: SettledText, names: Pseudonyms) -> Pair | None:
    done = anonymise(Scene(text.before, text.settled, text.after), names)
    if done is None:
        return None
    other = anonymise(Scene(text.before, text.suggested, text.after), names)
    return Pair(
        language=text.language,
        prefix=_last_lines(done.before),
        suffix=_first_lines(done.after),
        target=done.middle,
        suggestion=other.middle if other else "",
    )


def _length(pair: Pair, band: Band) -> str:
    target = pair.target.strip()
    if len(target) < band.target_chars_min or len(pair.prefix.strip()) < band.prefix_chars_min:
        return "too short"
    return "too long" if len(pair.target) > band.target_chars_max else ""


def _distance(text: SettledText, pair: Pair, band: Band, sample: Sampler | None) -> str:
    if not sample:
        return in_band(text.settled, [text.suggested], band)
    attempts = [*sample(pair, band.samples), *([pair.suggestion] if pair.suggestion else [])]
    return in_band(pair.target, attempts, band)


def _apart(one: str, other: str) -> float:
    return edit_distance(one, other) / max(len(one), len(other), 1)


def _last_lines(text: str) -> str:
    """Whole lines, at most a window of them."""
    if len(text) <= WINDOW_CHARS:
        return text
    return text[-WINDOW_CHARS:].partition("\n")[2] or text[-WINDOW_CHARS:]


def _first_lines(text: str) -> str:
    if len(text) <= WINDOW_CHARS:
        return text
    return text[: text.rfind("\n", 0, WINDOW_CHARS) + 1] or text[:WINDOW_CHARS]
