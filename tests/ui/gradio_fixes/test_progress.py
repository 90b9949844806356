import gradio as gr

SMALL = (gr.HTML, gr.Textbox, gr.File, gr.DownloadButton, gr.Button)


def test_an_event_shows_progress_on_one_component_that_holds_little(laid_out):
    _, page = laid_out
    line = next(one for one in page.blocks.values() if one.elem_id == "waiting")
    events = [event for event in page.fns.values() if event.fn and event.api_visibility != "public"]
    assert len(events) > 60
    for event in events:
        shown_on = event.show_progress_on or event.outputs
        # An answer that is waited for is waited for in sight.
        assert event.queue or event.show_progress != "hidden", event.fn
        assert shown_on == [line] or event.show_progress != "hidden", event.fn
        assert len(shown_on) == 1 or event.show_progress_on is None, event.fn
        assert all(isinstance(one, SMALL) for one in shown_on), (event.fn, shown_on)


def test_gradio_still_shows_progress_on_all_outputs():
    with gr.Blocks() as plain:
        outputs = [gr.HTML(), gr.HTML()]
        gr.Button().click(lambda: None, None, outputs, show_progress="hidden")
    (event,) = plain.config["dependencies"]
    assert event["show_progress_on"] is None
    assert event["outputs"] == [one._id for one in outputs]


def test_no_control_of_an_address_is_asked_for_when_another_changes(laid_out):
    _, page = laid_out
    tells = [event for event in page.fns.values() if "tagifaiAddress.take" in str(event.js)]
    assert len(tells) > 30
    for event in tells:
        assert [(one._id, "change") for one in event.inputs] == event.targets
