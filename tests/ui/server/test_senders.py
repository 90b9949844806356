from tagifai.ui.server.senders import Sender, sender_of, with_sender


def test_a_scope_says_who_sent_it():
    sender = Sender("10.0.0.7", "ann", size=3)
    scope = {"type": "http"}
    assert sender_of(with_sender(scope, sender)) == sender
    assert sender_of(scope) == sender_of(None) == Sender()
    # No header can say so.
    assert sender_of({"tagifai.sender": "ann"}) == Sender()


def test_nobody_takes_anothers_name():
    names = [
        Sender("10.0.0.7", session="a"),
        Sender("10.0.0.7", "10.0.0.7", session="a"),
        Sender("10.0.0.7", "owner", session="a"),
        Sender("10.0.0.7", owner=True, session="a"),
    ]
    assert len({one.name for one in names}) == len({one.house for one in names}) == 4
