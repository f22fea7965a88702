"""`make bench NAME=private_data`: how much of what is planted is found, and how much else is taken.

Over the planted set of `hansa.training.corpus.planted`: code with secrets and personal data, and
code that looks like it. Found is what is no longer in the text; recall is the share of what was
planted that is found, precision the share of changed texts that had something planted.
"""

from collections import Counter

from hansa.training.corpus.planted import Snippet, negatives, positives
from hansa.training.corpus.private import without_private
from report import Claim, option_parser, report

RECALL_MIN = 0.9
PRECISION_MIN = 0.9


def main() -> None:
    parser = option_parser(__doc__ or "")
    parser.add_argument("--show", action="store_true", help="print what was missed and mistaken")
    options = parser.parse_args()
    planted, alike = positives(), negatives()
    missed = [each for each in planted if each.private in without_private(each.text)[0]]
    mistaken = [each for each in alike if without_private(each.text)[0] != each.text]
    if options.show:
        for said, snippets in (("missed", missed), ("mistaken", mistaken)):
            for each in snippets:
                print(f"{said} {each.kind}: {each.text!r}\n    {without_private(each.text)[0]!r}")
    report(_claims(planted, alike, missed, mistaken), options.json)


def _claims(
    planted: list[Snippet], alike: list[Snippet], missed: list[Snippet], mistaken: list[Snippet]
) -> list[Claim]:
    all_of, lost, wrong = _count(planted), _count(missed), _count(mistaken)
    claims: list[Claim] = []
    for kind in all_of:
        found = all_of[kind] - lost[kind]
        claims.append(Claim(f"{kind}: recall of {all_of[kind]}", found / all_of[kind], ""))
        claims.append(Claim(f"{kind}: precision", found / max(1, found + wrong[kind]), ""))
    found = len(planted) - len(missed)
    return [
        *claims,
        Claim("planted", len(planted), "texts", 60, at_least=True),
        Claim("look-alikes", len(alike), "texts", 60, at_least=True),
        Claim("recall", found / len(planted), "", RECALL_MIN, at_least=True),
        Claim("precision", found / (found + len(mistaken)), "", PRECISION_MIN, at_least=True),
        Claim("look-alikes left as they were", 1 - len(mistaken) / len(alike), ""),
    ]


def _count(snippets: list[Snippet]) -> Counter[str]:
    return Counter(each.kind for each in snippets)


if __name__ == "__main__":
    main()
