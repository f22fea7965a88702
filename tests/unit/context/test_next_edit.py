"""What a next-edit model is asked, and how its answer is read."""

from hansa.context.next_edit import CURSOR, REGION_END, REGION_START, Event, ask, read

TEXT = "\n".join(f"line {number}" for number in range(1, 101))


def test_the_region_is_around_the_cursor_and_the_edits_come_first() -> None:
    cursor = TEXT.index("line 50") + 4
    asked = ask("a.py", TEXT, cursor, [Event("b.py", "x = 1\n", "x = 2\n")])
    assert asked.first_line == 34
    assert asked.region.split("\n")[0] == "line 34"
    assert f"line{CURSOR} 50" in asked.prompt
    assert "-x = 1\n+x = 2" in asked.prompt
    assert asked.prompt.index("### User Edits") < asked.prompt.index(REGION_START)
    assert "line 100" not in asked.prompt


def test_an_answer_is_the_region_alone() -> None:
    asked = ask("a.py", "a\nb\nc", 2, [])
    assert read(f"```a.py\n{REGION_START}\na\nB{CURSOR}\nc\n{REGION_END}\n```", asked) == "a\nB\nc"
    assert read("a\nB\nc", asked) == "a\nB\nc"
    assert read(f"{REGION_START}\na\nb\nc\n{REGION_END}", asked) is None
    assert read("", asked) is None


def test_a_secret_is_neither_sent_nor_written_over() -> None:
    asked = ask("a.py", 'password = "hunter2-hunter2"\nx = 1', 0, [])
    assert "hunter2" not in asked.prompt
    assert read('password = "REDACTED"\nx = 2', asked) is None


def test_each_file_is_cleaned_as_what_it_is() -> None:
    edits = [
        Event(".env", "", "DB_PASSWORD=hunter2secret\n"),
        Event("a.py", "", "token = tokens_1\n"),
    ]
    asked = ask("a.yml", "password: hunter2secret\nx: 1", len("password: hunt"), edits)
    assert "hunter2" not in asked.prompt
    assert "+DB_PASSWORD=REDACTED" in asked.prompt
    assert "+token = tokens_1" in asked.prompt
    assert f"password: REDACTED{CURSOR}\nx: 1" in asked.prompt
    assert asked.redacted == 2
