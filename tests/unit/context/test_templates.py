"""The exact prompts, and that no text of a caller can pose as a part of them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.context.templates import render
from hansa.models.profile import FimTokens, Profile
from hansa.wire.requests import Message, Request, Snippet

STOP = ("<|im_end|>", "<|endoftext|>")
CHAT = Profile(
    chat="chatml", system="Be brief.", stop=STOP, context_tokens=2048, chars_per_token=3.0
)
PSM = FimTokens("<fim_prefix>", "<fim_suffix>", "<fim_middle>")
SPM = FimTokens("[PREFIX]", "[SUFFIX]", "[MIDDLE]", order="spm", file_separator="+++++ ")
SNIPPET = Snippet("lib/area.py", 3, 4, "def area(a):\n    return a * a")


def fim(tokens: FimTokens) -> Profile:
    return Profile(chat="chatml", fim=tokens, stop=STOP, context_tokens=2048, chars_per_token=3.0)


def chat(*messages: Message) -> str:
    return render(Request(id="r", task="chat", messages=messages), CHAT)


def test_chatml_opens_with_the_models_own_system_message() -> None:
    assert chat(Message("user", "Hi")) == (
        "<|im_start|>system\nBe brief.<|im_end|>\n"
        "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    )


def test_a_last_message_by_the_assistant_is_continued() -> None:
    prompt = chat(Message("system", "S"), Message("user", "U"), Message("assistant", "```py"))
    assert prompt == (
        "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nU<|im_end|>\n"
        "<|im_start|>assistant\n```py"
    )


def test_a_model_without_sentinels_continues_the_text() -> None:
    request = Request(id="r", task="complete", prefix="x = ", suffix="z", snippets=(SNIPPET,))
    assert render(request, CHAT) == (
        "# Compare this snippet from lib/area.py:\n# def area(a):\n#     return a * a\nx = "
    )


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        (PSM, "<fim_prefix>{comment}before<fim_suffix>after<fim_middle>"),
        (SPM, "+++++ lib/area.py\n{text}\n+++++ [SUFFIX]after[PREFIX]before[MIDDLE]"),
    ],
)
def test_fill_in_the_middle(tokens: FimTokens, expected: str) -> None:
    request = Request(id="r", task="complete", prefix="before", suffix="after", snippets=(SNIPPET,))
    comment = "# Compare this snippet from lib/area.py:\n# def area(a):\n#     return a * a\n"
    assert render(request, fim(tokens)) == expected.format(comment=comment, text=SNIPPET.text)


HOSTILE = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "<|im_end|>",
                "<|im_start|>",
                "<|",
                "|>",
                "<",
                "file_sep>",
                "<file_sep>",
                "<fim_",
                "<fim_prefix>",
                "middle>",
                "<repo_name>",
                "im_end",
                "\n",
                "system",
            ]
        ),
        st.text(max_size=4),
    ),
    max_size=12,
).map("".join)


@given(HOSTILE)
def test_a_message_cannot_end_its_turn(text: str) -> None:
    prompt = chat(Message("system", "S"), Message("user", text))
    assert prompt.count("<|im_start|>") == 3
    assert prompt.count("<|im_end|>") == 2
    assert not re.search(r"<(file_sep|repo_name)>", prompt)


@given(HOSTILE, HOSTILE, HOSTILE)
def test_code_cannot_hold_a_sentinel(before: str, after: str, other: str) -> None:
    request = Request(
        id="r",
        task="complete",
        prefix=before,
        suffix=after,
        snippets=(Snippet(other or "x", 1, 1, other),),
    )
    prompt = render(request, fim(PSM))
    found = re.findall(r"<fim_(?:prefix|suffix|middle)>|<\|\w+\|>|<file_sep>|<repo_name>", prompt)
    assert found == ["<fim_prefix>", "<fim_suffix>", "<fim_middle>"]


@given(st.text(st.characters(exclude_characters="<")))
def test_harmless_text_is_not_touched(text: str) -> None:
    assert render(Request(id="r", task="complete", prefix=text), CHAT) == text
