"""`make bench NAME=draft ARGS="--student run/model.gguf"`: does a draft model pay?

The embedded model completes real code, 24 and 128 tokens at once, on a warm prefix: plainly, with
today's n-gram speculation, and with a student (docs/train.md) that drafts for it. One run
alternates between them, prompt by prompt; what was drafted and taken is what llama.cpp counted. The
student is kept only if it is faster than today's default.
"""

import contextlib
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from report import Claim, option_parser, report

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from completion import prompts
from hansa.core.files import user_state_dir
from hansa.engines.llamacpp_child import DraftModel, LlamaCppConfig
from hansa.models.catalog import DEFAULT_MODEL, card_of
from hansa.models.store import ModelStore
from support.llamacpp import asked, serving

LENGTHS = (24, 128)
ROUNDS = 4
PLAIN, NGRAM = "no speculation", "n-grams"


@dataclass(slots=True)
class Sum:
    """Over all answers of one length in one way."""

    tokens: int = 0
    seconds: float = field(default=0.0)
    drafted: int = 0
    accepted: int = 0

    @property
    def rate(self) -> float:
        return self.tokens / self.seconds


def main() -> None:
    parser = option_parser(__doc__ or "")
    parser.add_argument("--student", type=Path, required=True, metavar="GGUF")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tokens", type=int, nargs="+", default=[3], help="drafted at once")
    parser.add_argument("--likely-min", type=float, default=0.0, help="see DraftModel")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    model = str(ModelStore(user_state_dir()).require(card_of(DEFAULT_MODEL)))
    ways = {
        PLAIN: LlamaCppConfig(model, options.threads, 1, 2048, speculates=False),
        NGRAM: LlamaCppConfig(model, options.threads, 1, 2048, speculates=True),
    }
    for tokens in options.tokens:
        draft = DraftModel(str(options.student), tokens, options.likely_min)
        ways[f"student, {tokens} at once"] = LlamaCppConfig(
            model, options.threads, 1, 2048, draft=draft
        )
    report(claims(measure(ways, options.rounds)), options.json)


def measure(ways: dict[str, LlamaCppConfig], rounds: int) -> dict[tuple[int, str], Sum]:
    found: dict[tuple[int, str], Sum] = defaultdict(Sum)
    with contextlib.ExitStack() as stack:
        urls = {name: stack.enter_context(serving(config)) for name, config in ways.items()}
        for prompt in prompts():
            for url in urls.values():
                asked(url, prompt, n_predict=1)
            for _ in range(rounds):
                for length in LENGTHS:
                    for name, url in urls.items():
                        add(found[length, name], url, prompt, length)
    return found


def add(into: Sum, url: str, prompt: str, length: int) -> None:
    began = time.perf_counter()
    answer = asked(url, prompt, n_predict=length)
    into.seconds += time.perf_counter() - began
    into.tokens += answer["tokens_predicted"]
    into.drafted += answer["timings"].get("draft_n", 0)
    into.accepted += answer["timings"].get("draft_n_accepted", 0)


def claims(found: dict[tuple[int, str], Sum]) -> list[Claim]:
    made: list[Claim] = []
    for (length, name), each in found.items():
        today = found[length, NGRAM]
        made.append(Claim(f"{length} tokens, {name}", each.rate, "tokens/s"))
        if each.drafted:
            taken = 100 * each.accepted / each.drafted
            made.append(Claim("  of what was drafted, taken", taken, f"% of {each.drafted}"))
        if name == NGRAM:
            ratio = today.rate / found[length, PLAIN].rate
            made.append(Claim(f"  {NGRAM} / {PLAIN}", ratio, "x"))
        elif name != PLAIN:
            ratio = each.rate / today.rate
            made.append(Claim(f"  student / {NGRAM}", ratio, "x", 1, at_least=True))
    return made


if __name__ == "__main__":
    main()
