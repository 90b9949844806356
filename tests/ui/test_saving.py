import json

from tagifai.errors import TagifaiError
from tagifai.ui.saving import alert, pack


def test_a_file_s_name_and_text_reach_the_page_as_they_are():
    text = 'a "b"\n</script>\u2028'
    assert json.loads(pack("v1-v2.md", text)) == {"name": "v1-v2.md", "text": text}


def test_an_error_over_the_page_is_text():
    assert alert(TagifaiError("<b>no</b>")).message == "&lt;b&gt;no&lt;/b&gt;"
