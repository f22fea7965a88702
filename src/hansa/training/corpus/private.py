"""Takes secrets and personal data out of a document, and leaves the rest as it was."""

from collections import Counter

from hansa.training.corpus.addresses import replace_addresses
from hansa.training.corpus.keys import replace_keys
from hansa.training.corpus.lines import Page
from hansa.training.corpus.people import replace_people
from hansa.training.corpus.placeholders import Placeholders


def without_private(text: str) -> tuple[str, Counter[str]]:
    """`text` with private things replaced, and how many of which kind.

    The same value gets the same placeholder throughout. Doing it again changes nothing.
    """
    stands, page = Placeholders(), Page(text)
    replace_keys(page, stands)
    replace_people(page, stands)
    replace_addresses(page, stands)
    return page.text, stands.replaced
