"""Asks three providers with their official clients, configured by the environment alone; prints what they answered."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

UPLOAD = b"line of a file\n" * 10_000


def openai() -> dict[str, Any]:
    from openai import OpenAI

    client = OpenAI(max_retries=0)
    question: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    plain = client.chat.completions.create(**question)
    stream = client.chat.completions.create(**question, stream=True)
    return {
        "plain": plain.model_dump(mode="json"),
        "stream": [chunk.model_dump(mode="json") for chunk in stream],
        "upload": client.files.create(file=("a.txt", UPLOAD), purpose="assistants").model_dump(mode="json"),
    }


def openai_realtime() -> list[Any]:
    from openai import OpenAI

    with OpenAI(max_retries=0).realtime.connect(model="m") as connection:
        heard = [connection.recv().model_dump(mode="json")]
        for text in ("one", "two"):
            connection.send({"type": "response.create", "event_id": text})
            heard.append(connection.recv().model_dump(mode="json"))
    return heard


def anthropic() -> dict[str, Any]:
    from anthropic import Anthropic

    client = Anthropic(max_retries=0)
    question: dict[str, Any] = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    with client.messages.stream(**question) as stream:
        events = [event.type for event in stream]
        final = stream.get_final_message().model_dump(mode="json")
    return {
        "plain": client.messages.create(**question).model_dump(mode="json"),
        "stream": [events, final],
        "upload": client.beta.files.upload(file=("a.txt", UPLOAD, "text/plain")).model_dump(mode="json"),
    }


def gemini() -> dict[str, Any]:
    from google import genai

    client = genai.Client()
    return {
        "plain": client.models.generate_content(model="m", contents="hi").text,
        "stream": [part.text for part in client.models.generate_content_stream(model="m", contents="hi")],
    }


def gemini_upload() -> list[Any]:
    import io

    from google import genai

    client = genai.Client()
    files = (b"line of a file\n", b"x" * (8 << 20) + b"line of a file\n")  # the second goes in two pieces
    uploaded = [client.files.upload(file=io.BytesIO(data), config={"mime_type": "text/plain"}) for data in files]
    return [{"name": one.name, "size": one.size_bytes, "state": one.state} for one in uploaded]


def gemini_live() -> list[Any]:
    from google import genai

    async def talk() -> list[Any]:
        heard = []
        async with genai.Client().aio.live.connect(model="m", config=None) as session:
            for text in ("one", "two"):
                await session.send_client_content(turns={"role": "user", "parts": [{"text": text}]})
                heard.append([message.text async for message in session.receive()])
        return heard

    return asyncio.run(talk())


ASKED = (openai, openai_realtime, anthropic, gemini, gemini_upload, gemini_live)

if __name__ == "__main__":
    json.dump({ask.__name__: ask() for ask in ASKED if ask.__name__ in sys.argv[1:]}, sys.stdout)
