"""Which types of the `anthropic` package become which files under `schemas/anthropic/`, betas included."""

from __future__ import annotations

import anthropic.types as t
import anthropic.types.beta as b
from anthropic.types import (
    citations_delta,
    content_block,
    content_block_param,
    message_count_tokens_params,
    message_count_tokens_tool_param,
    message_create_params,
    raw_message_stream_event,
    shared,
    tool_union_param,
)
from anthropic.types.beta import (
    beta_citations_delta,
    beta_content_block,
    beta_content_block_param,
    beta_raw_message_stream_event,
    beta_tool_union_param,
)
from anthropic.types.beta import message_count_tokens_params as beta_count
from anthropic.types.beta import message_create_params as beta_create

from tests.derive.files import Events, File, Files, json_data

__all__ = ["ANTHROPIC"]

ANTHROPIC = Files(
    folder="anthropic",
    files=[
        File(
            "message-request.json",
            "Message: request",
            message_create_params.MessageCreateParamsNonStreaming,
            message_create_params.MessageCreateParamsStreaming,
            beta_create.MessageCreateParamsNonStreaming,
            beta_create.MessageCreateParamsStreaming,
        ),
        File("message-param.json", "", t.MessageParam, b.BetaMessageParam),
        File("message.json", "Message: whole answer, and what a stream begins with", t.Message, b.BetaMessage),
        File(
            "content-block.json",
            "One block of an answer",
            content_block.ContentBlock,
            beta_content_block.BetaContentBlock,
        ),
        File(
            "content-block-param.json",
            "One block of a request",
            content_block_param.ContentBlockParam,
            beta_content_block_param.BetaContentBlockParam,
        ),
        File(
            "citation.json",
            "A citation",
            t.TextCitation,
            b.BetaTextCitation,
            citations_delta.Citation,
            beta_citations_delta.Citation,
        ),
        File("citation-param.json", "A citation in a request", t.TextCitationParam, b.BetaTextCitationParam),
        File(
            "cache-control.json",
            "Until where a prompt is cached",
            t.CacheControlEphemeralParam,
            b.BetaCacheControlEphemeralParam,
        ),
        File(
            "tool.json",
            "A tool",
            tool_union_param.ToolUnionParam,
            beta_tool_union_param.BetaToolUnionParam,
            message_count_tokens_tool_param.MessageCountTokensToolParam,
            beta_count.Tool,
        ),
        File("usage.json", "Token usage", t.Usage, b.BetaUsage),
        File(
            "count-tokens-request.json",
            "Count of tokens: request",
            message_count_tokens_params.MessageCountTokensParams,
            beta_count.MessageCountTokensParams,
        ),
        File("count-tokens.json", "Count of tokens", t.MessageTokensCount, b.BetaMessageTokensCount),
        File("model.json", "A model", t.ModelInfo, b.BetaModelInfo),
        File("error.json", "An error", shared.ErrorResponse),
    ],
    events=[
        Events(
            "events",
            raw_message_stream_event.RawMessageStreamEvent,
            beta_raw_message_stream_event.BetaRawMessageStreamEvent,
            order={
                "first": ["message_start"],
                "last": ["message_stop"],
                "abort": ["error"],
                "anytime": ["ping"],
                "spans": [
                    {
                        "opened": "content_block_start",
                        "holds": ["content_block_delta"],
                        "closed": "content_block_stop",
                        "by": ["index"],
                    }
                ],
            },
            more=[
                {"x-when-type": "ping", **json_data("events/ping.json")},
                {"x-when-type": "error", **json_data("error.json")},
            ],
        ),
    ],
    opaque="(Beta)?((Browser|Computer).*(Input|InputParam|ConfigParam|ConfigsParam)|ToolChange.*|BrowserState.*)",
    left_out=["betas", "user_profile_id", "workspace_id", "parsed_output"],
    patches={
        # Newer than what older recordings have.
        "model.json": {
            "/required/lifecycle": None,
            "/properties/capabilities/required": None,
            "/properties/capabilities/properties/thinking/properties/types/required": None,
        },
        "usage.json": {"/properties/server_tool_use/required": None},
        "events/message_delta.json": {"/properties/usage/properties/server_tool_use/required": None},
    },
)
