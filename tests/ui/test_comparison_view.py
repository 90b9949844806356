from tagifai.ui.comparison_view import show_version_notes


def test_notes_of_versions_are_shown_once_each():
    notes = {"v1": "9 left out.", "v2": "9 left out.", "v3": "8 <b>left</b> out."}
    assert show_version_notes(notes) == (
        '<p class="minor">v1, v2: 9 left out. v3: 8 &lt;b&gt;left&lt;/b&gt; out.</p>'
    )
    assert show_version_notes({}) == ""


def test_of_many_versions_the_latest_are_named():
    shown = show_version_notes({f"v{number}": "9 left out." for number in range(13)})
    assert shown == (
        '<p class="minor">3 earlier versions, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12: '
        "9 left out.</p>"
    )
