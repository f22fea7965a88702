"""Questions as people ask them, over a small made-up codebase, find the right definition."""

import pytest

FILES: dict[str, str | bytes] = {
    "src/cart/basket.py": '''
"""What a customer is about to buy."""

class Basket:
    """Lines of products and how many of each."""

    def __init__(self):
        self.lines = {}

    def add_product(self, product, count=1):
        self.lines[product] = self.lines.get(product, 0) + count

    def remove_product(self, product):
        del self.lines[product]

    def total_price(self, prices):
        return sum(prices[product] * count for product, count in self.lines.items())
''',
    "src/cart/discount.py": '''
def apply_voucher(total, voucher):
    """Take a voucher's percentage off the total; never below zero."""
    if voucher.expired():
        raise VoucherExpired(voucher.code)
    return max(0, total - total * voucher.percent // 100)


class VoucherExpired(Exception):
    pass
''',
    "src/net/retry.py": '''
import time

def with_retries(call, attempts=3, first_delay_s=0.1):
    """Call again after a failure, each time waiting twice as long."""
    for attempt in range(attempts):
        try:
            return call()
        except ConnectionError:
            if attempt == attempts - 1:
                raise
            time.sleep(first_delay_s * 2**attempt)
''',
    "src/net/client.py": """
class HttpClient:
    def __init__(self, base_url, timeout_s):
        self.base_url = base_url
        self.timeout_s = timeout_s

    def fetch_json(self, path):
        with self.connect() as connection:
            return decode_body(connection.get(self.base_url + path))

    def upload_file(self, path, data):
        with self.connect() as connection:
            return connection.put(self.base_url + path, data)


def decode_body(response):
    return response.json()
""",
    "src/store/database.py": '''
SCHEMA_VERSION = 7

def open_database(path):
    """Connect and bring the tables up to the newest version."""
    connection = connect(path)
    migrate_schema(connection)
    return connection


def migrate_schema(connection):
    for step in MIGRATIONS[connection.version:SCHEMA_VERSION]:
        connection.execute(step)


class OrderRepository:
    def save_order(self, order):
        self.connection.execute("INSERT INTO orders VALUES (?, ?)", (order.id, order.total))

    def find_orders_by_customer(self, customer_id):
        return self.connection.execute("SELECT * FROM orders WHERE customer = ?", (customer_id,))
''',
    "src/auth/passwords.py": '''
def hash_password(password, salt):
    """Derive a slow digest, so that a stolen table helps nobody."""
    return scrypt(password, salt, cost=2**14)


def verify_password(password, stored):
    return compare_digest(hash_password(password, stored.salt), stored.digest)
''',
    "src/auth/session.py": '''
class SessionStore:
    def create_session(self, user):
        token = random_token()
        self.sessions[token] = (user, now() + LIFETIME_S)
        return token

    def expire_sessions(self):
        """Forget those whose time is over."""
        self.sessions = {t: s for t, s in self.sessions.items() if s[1] > now()}
''',
    "src/report/Invoice.java": """
public class Invoice {
    private final Order order;

    public Invoice(Order order) { this.order = order; }

    public byte[] renderPdf() {
        Page page = new Page();
        page.write(order.lines());
        return page.bytes();
    }

    public String invoiceNumber() { return "R-" + order.id(); }
}
""",
    "web/chart.ts": """
export interface Series { name: string; values: number[] }

export function drawBarChart(canvas: Canvas, series: Series[]): void {
  for (const each of series) canvas.fill(each.values);
}

export function formatAxisLabel(value: number): string {
  return value.toLocaleString();
}
""",
    "engine/queue.rs": """
pub struct JobQueue { jobs: Vec<Job>, capacity: usize }

impl JobQueue {
    pub fn push_job(&mut self, job: Job) -> Result<(), Full> {
        if self.jobs.len() >= self.capacity { return Err(Full); }
        self.jobs.push(job);
        Ok(())
    }
}
""",
    "tools/walk.go": """
package tools

// CountLines counts the lines of every file under root.
func CountLines(root string) (int, error) {
	return visit(root, func(b byte) bool { return b == 10 })
}
""",
    "tests/test_basket.py": """
def test_total_price_of_a_basket():
    basket = Basket()
    basket.add_product("apple", 3)
    assert basket.total_price({"apple": 2}) == 6


def test_voucher_expired():
    with raises(VoucherExpired):
        apply_voucher(10, old_voucher)
""",
    "docs/guide.md": """
# Guide

The basket adds products; a voucher takes a percentage off the total price.
Orders are saved in a database. Passwords are hashed. Sessions expire.
Charts are drawn in the browser, invoices are rendered as PDF.
""",
}

QUESTIONS = {
    "where is the bar chart drawn?": "drawBarChart",
    "how are failed calls retried": "with_retries",
    "which function hashes passwords": "hash_password",
    "how do I check a password": "verify_password",
    "where do sessions expire": "SessionStore",
    "how is the total price of the basket computed": "Basket",
    "apply a voucher to the total": "apply_voucher",
    "rendering the invoice to pdf": "Invoice",
    "find the orders of a customer": "OrderRepository",
    "where are schema migrations run": "migrate_schema",
    "upload a file over http": "HttpClient",
    "what happens when the job queue is full": "JobQueue",
    "count lines of files": "CountLines",
    "formatAxisLabel": "formatAxisLabel",
    "migrate_schema": "migrate_schema",
}


@pytest.fixture
def index(lay, open_index):
    lay(FILES)
    opened = open_index()
    opened.update()
    return opened


def test_the_right_definition_is_among_the_first_three(index) -> None:
    missed = {
        question: [hit.symbol or hit.snippet.path for hit in index.search(question, 3)]
        for question, symbol in QUESTIONS.items()
        if symbol not in [hit.symbol.partition(".")[0] for hit in index.search(question, 3)]
    }
    assert missed == {}


def test_the_right_definition_is_mostly_the_first(index) -> None:
    first = [index.search(question, 1)[0].symbol.partition(".")[0] for question in QUESTIONS]
    right = sum(map(str.__eq__, first, QUESTIONS.values()))
    assert right >= 13, list(zip(QUESTIONS, first, strict=True))
