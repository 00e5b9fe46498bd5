"""Benches write into one file, each only what is its own."""

import results


def test_a_bench_replaces_what_it_wrote_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path / "RESULTS.md")
    results.write("make one", "One", "first")
    results.write("make two", "Two", "second")
    by_hand = results.RESULTS.read_text().replace("## Two", "Said by people.\n\n## Two")
    results.RESULTS.write_text(by_hand)
    results.write("make one", "One", "again, with \\1")
    assert results.RESULTS.read_text() == by_hand.replace("first", "again, with \\1")
    results.write("make three", "Three", results.table(["a", "b"], [["1", "2"]]))
    section = "\n## Three\n\n<!-- make three -->\n| a | b |\n| --- | --- |\n| 1 | 2 |\n<!-- end -->\n"
    assert results.RESULTS.read_text().endswith(section)
