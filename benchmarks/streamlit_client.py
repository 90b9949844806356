"""Speak to a Streamlit server as its page does, without a browser."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any


class Session:
    """One visitor of the tuned page."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._cached: dict[str, Any] = {}
        self._slider = self._fragment = ""

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str) -> AsyncIterator["Session"]:
        """Connect, and receive the first page."""
        from websockets import Subprotocol
        from websockets.asyncio.client import connect

        async with connect(
            url,
            subprotocols=[Subprotocol("streamlit")],
            max_size=None,
            proxy=None,
            open_timeout=120,
            ping_interval=None,
        ) as socket:
            session = cls(socket)
            await session._rerun(None)
            yield session

    async def move_slider(self, frequency: int) -> list[str]:
        """Set the slider as a hand does; give the captions of the plots that came of it."""
        return await self._rerun(frequency)

    async def _rerun(self, frequency: int | None) -> list[str]:
        from streamlit.proto.BackMsg_pb2 import BackMsg

        asked = BackMsg()
        state = asked.rerun_script
        state.query_string = ""
        if frequency is not None:
            state.fragment_id = self._fragment
            widget = state.widget_states.widgets.add()
            widget.id = self._slider
            widget.double_array_value.data.append(float(frequency))
        await self._socket.send(asked.SerializeToString())
        captions: list[str] = []
        while True:
            message = await self._receive()
            kind = message.WhichOneof("type")
            if kind == "script_finished":
                if message.script_finished in (0, 3):
                    return captions
            elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
                element = message.delta.new_element
                if element.WhichOneof("type") == "slider":
                    self._slider, self._fragment = element.slider.id, message.delta.fragment_id
                elif element.WhichOneof("type") == "imgs":
                    captions += [image.caption for image in element.imgs.imgs]
                elif element.WhichOneof("type") == "exception":
                    raise RuntimeError(element.exception.message)

    async def _receive(self) -> Any:
        from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

        message = ForwardMsg()
        message.ParseFromString(await self._socket.recv())
        if message.WhichOneof("type") == "ref_hash":
            return self._cached[message.ref_hash]
        if message.hash:
            self._cached[message.hash] = message
        return message
