# pyright: basic, reportMissingImports=false
"""Whether an adapter gives planted secrets away: their exposure, and attempts to draw them out.

An attacker is taken to hold the adapter and the base, and to know each canary's prefix and form.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch.nn import functional

from hansa.core.errors import NotFound
from hansa.core.files import write_atomic
from hansa.models.fetching import digest_of
from hansa.models.profile import FimTokens
from hansa.training import lora
from hansa.training.base_model import BaseModel, load_base
from hansa.training.canaries import (
    DIGITS,
    Canary,
    Finding,
    Report,
    alternatives,
    as_text,
    finding,
    report,
)
from hansa.training.pairs import example_of
from hansa.training.planting import Planting
from hansa.training.recipe import PLAIN_CHAT

AT_ONCE = 64
REPORT_JSON, REPORT_TEXT = "privacy.json", "privacy.txt"

Progress = Callable[[int, int], None]


def attack(
    base: BaseModel, model: Any, tokens: FimTokens, canaries: Sequence[Canary],
    progress: Progress | None = None,
) -> Report:  # fmt: skip
    """Measure every canary on `model`, which is `base` with the adapter on it."""
    model.eval()
    findings: list[Finding] = []
    for number, canary in enumerate(canaries, start=1):
        prompt = base.tokenize(example_of(canary.pair, tokens).prompt)
        own, *others = _losses(base, model, prompt, [canary.secret, *alternatives(canary)])
        findings.append(finding(canary, own, others, _greedy(base, model, prompt)))
        if progress:
            progress(number, len(canaries))
    return report(findings)


def attack_run(
    folder: Path, planting: Planting, tokens: FimTokens, weights: Path,
    progress: Progress | None = None,
) -> Report:  # fmt: skip
    """Measure every canary on the adapter that lies in a run's folder.

    Raises:
        NotFound: it holds no adapter.
        UserError: the base's weights cannot be read.
    """
    adapter = folder / "adapter"
    if not (adapter / lora.WEIGHTS).is_file():
        raise NotFound(f"{folder} holds no adapter", hint="only adapters are attacked")
    base = load_base(weights, "fp32", PLAIN_CHAT)
    model = lora.load(base.model, adapter)
    return msgspec.structs.replace(
        attack(base, model, tokens, planting.canaries, progress),
        adapter_sha256=digest_of(adapter / lora.WEIGHTS),
        pairs_sha256=planting.pairs_sha256,
    )


def write_report(folder: Path, found: Report) -> None:
    """`privacy.json` and `privacy.txt`."""
    write_atomic(folder / REPORT_JSON, msgspec.json.format(msgspec.json.encode(found)) + b"\n")
    write_atomic(folder / REPORT_TEXT, ("\n".join(as_text(found)) + "\n").encode())


def _losses(base: BaseModel, model: Any, prompt: list[int], secrets: list[str]) -> list[float]:
    """Of each secret after the prompt, in nats over all of it."""
    found: list[float] = []
    for start in range(0, len(secrets), AT_ONCE):
        answers = [base.tokenize(each) for each in secrets[start : start + AT_ONCE]]
        longest = max(map(len, answers))
        filled = [prompt + each + [0] * (longest - len(each)) for each in answers]
        with torch.no_grad():
            logits = model(input_ids=torch.tensor(filled)).logits[:, len(prompt) - 1 : -1].float()
        wanted = torch.tensor(filled)[:, len(prompt) :]
        losses = functional.cross_entropy(logits.transpose(1, 2), wanted, reduction="none")
        for row, answer in zip(losses, answers, strict=True):
            found.append(float(row[: len(answer)].sum()))
    return found


def _greedy(base: BaseModel, model: Any, prompt: list[int]) -> str:
    """The likeliest continuation, at least as long as a secret."""
    written = list(prompt)
    with torch.no_grad():
        for _ in range(DIGITS):
            logits = model(input_ids=torch.tensor([written])).logits[0, -1]
            written.append(int(logits.argmax()))
    return base.tokenizer.decode(written[len(prompt) :])
