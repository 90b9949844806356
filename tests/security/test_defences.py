from security import remove_defences


def test_each_defence_stands_where_it_would_be_taken_away():
    assert remove_defences.misplaced() == []
