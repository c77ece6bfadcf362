"""Which types of the `openai` package become which files under `schemas/openai/`, and where traffic knows better."""

from __future__ import annotations

import openai.types as t
from openai.types import (
    audio,
    completion_create_params,
    image_edit_stream_event,
    image_gen_stream_event,
    image_generate_params,
    realtime,
    responses,
)
from openai.types.audio import transcription_stream_event
from openai.types.realtime import (
    conversation_item,
    conversation_item_param,
    realtime_client_event,
    realtime_client_event_param,
    realtime_server_event,
)
from openai.types.responses import (
    response_create_params,
    response_input_item,
    response_input_item_param,
    response_input_param,
    response_item,
    response_output_item,
    response_stream_event,
    tool,
    tool_param,
)

from tests.derive.files import Events, File, Files, json_data

__all__ = ["OPENAI"]

_TEXT = [
    "response.output_text.delta",
    "response.output_text.done",
    "response.output_text.annotation.added",
    "response.refusal.delta",
    "response.refusal.done",
    "response.reasoning_text.delta",
    "response.reasoning_text.done",
]
RESPONSES = {
    "first": ["response.created"],
    "last": ["response.completed", "response.failed", "response.incomplete"],
    "abort": ["error"],
    "rising": "sequence_number",
    "spans": [
        {
            "opened": "response.output_item.added",
            "closed": "response.output_item.done",
            "by": ["output_index"],
            "holds": ["response.function_call_arguments.delta", "response.function_call_arguments.done"],
        },
        {
            "opened": "response.content_part.added",
            "holds": _TEXT,
            "closed": "response.content_part.done",
            "by": ["output_index", "content_index"],
        },
        {
            "opened": "response.reasoning_summary_part.added",
            "closed": "response.reasoning_summary_part.done",
            "holds": ["response.reasoning_summary_text.delta", "response.reasoning_summary_text.done"],
            "by": ["output_index", "summary_index"],
        },
    ],
}

OPENAI = Files(
    folder="openai",
    files=[
        File(
            "responses/request.json",
            "Responses: request",
            response_create_params.ResponseCreateParamsNonStreaming,
            response_create_params.ResponseCreateParamsStreaming,
        ),
        File("responses/response.json", "Responses: whole answer, and what its events carry", responses.Response),
        File(
            "responses/input-item.json",
            "Responses: one item of the input",
            response_input_item.ResponseInputItem,
            response_input_item_param.ResponseInputItemParam,
            response_input_param.ResponseInputItemParam,
            response_item.ResponseItem,
        ),
        File(
            "responses/output-item.json", "Responses: one item of the output", response_output_item.ResponseOutputItem
        ),
        File("responses/tool.json", "Responses: a tool", tool.Tool, tool_param.ToolParam),
        File("responses/usage.json", "Responses: token usage", responses.ResponseUsage),
        File(
            "completion-request.json",
            "Text completion: request",
            completion_create_params.CompletionCreateParamsNonStreaming,
            completion_create_params.CompletionCreateParamsStreaming,
        ),
        File("completion.json", "Text completion: whole answer, and one chunk of a stream", t.Completion),
        File("files/file.json", "A file", t.FileObject),
        File("files/deleted.json", "A file that was deleted", t.FileDeleted),
        File("audio/speech-request.json", "Speech: request", audio.SpeechCreateParams),
        File(
            "audio/transcription.json",
            "Transcription: plain, verbose or diarized",
            audio.Transcription,
            audio.TranscriptionVerbose,
            audio.TranscriptionDiarized,
        ),
        File(
            "images/request.json",
            "Images: request",
            image_generate_params.ImageGenerateParamsNonStreaming,
            image_generate_params.ImageGenerateParamsStreaming,
        ),
        File("images/images.json", "Images: answer", t.ImagesResponse),
        File(
            "realtime/item.json",
            "Realtime: an item of the conversation",
            conversation_item.ConversationItem,
            conversation_item_param.ConversationItemParam,
        ),
        File("realtime/response.json", "Realtime: a response", realtime.RealtimeResponse),
        File(
            "realtime/session.json",
            "Realtime: a session that speaks",
            realtime.RealtimeSessionCreateRequest,
            realtime.RealtimeSessionCreateRequestParam,
        ),
        File(
            "realtime/transcription-session.json",
            "Realtime: a session that transcribes",
            realtime.RealtimeTranscriptionSessionCreateRequest,
            realtime.RealtimeTranscriptionSessionCreateRequestParam,
        ),
    ],
    events=[
        Events("responses/events", response_stream_event.ResponseStreamEvent, order=RESPONSES),
        Events(
            "audio/events",
            transcription_stream_event.TranscriptionStreamEvent,
            order={"last": ["transcript.text.done", "speech.audio.done"], "abort": ["error"]},
            more=[
                {"x-when-type": "speech.audio.delta", **json_data("events/speech.audio.delta.json")},
                {"x-when-type": "speech.audio.done", **json_data("events/speech.audio.done.json")},
                {"x-when-key": "error", **json_data("../error.json")},
            ],
        ),
        Events(
            "images/events",
            image_gen_stream_event.ImageGenStreamEvent,
            image_edit_stream_event.ImageEditStreamEvent,
            order={"last": ["image_generation.completed", "image_edit.completed"], "abort": ["error"]},
            more=[{"x-when-key": "error", **json_data("../error.json")}],
        ),
        Events(
            "realtime/client",
            realtime_client_event.RealtimeClientEvent,
            realtime_client_event_param.RealtimeClientEventParam,
        ),
        Events("realtime/server", realtime_server_event.RealtimeServerEvent),
    ],
    patches={
        # Newer than what many servers, and older recordings, answer.
        "responses/output-item.json": {
            "/allOf/@mcp_call/then/properties/error/type": ["object", "string", "null"],
        },
        "responses/input-item.json": {
            "/allOf/@mcp_call/then/properties/error/type": ["object", "string", "null"],
        },
        "responses/usage.json": {"/properties/input_tokens_details/required": ["cached_tokens"]},
    },
)
