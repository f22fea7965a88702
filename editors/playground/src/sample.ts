/** What the page opens with: enough to try everything on. */

export const SAMPLE = `def subtotal(prices):
    """What all of them cost together."""
    return sum(prices)


def with_tax(prices, rate):
    return subtotal(prices) * (1 + rate)


def report(prices):
    print("net", subtotal(prices))
    print("gross", with_tax(prices, 0.19))
`;
