"""Which types of the `google-genai` package become which files under `schemas/gemini/`.

Its types require nothing: what an answer cannot be without is said here, by hand.
"""

from __future__ import annotations

from google.genai import types as t

from tests.derive.files import File, Files

__all__ = ["GEMINI"]

_TYPES = [str(member.value) for member in t.Type]

GEMINI = Files(
    folder="gemini",
    files=[
        File(
            "generate-content.json",
            "Generated content: whole answer, and one event of a stream",
            t.GenerateContentResponse,
        ),
        File("candidate.json", "One candidate", t.Candidate),
        File("content.json", "A turn: a role and its parts", t.Content),
        File("part.json", "One part of a turn", t.Part),
        File("schema.json", "A schema, as function declarations and structured output have it", t.Schema),
        File("tool.json", "A tool", t.Tool),
        File("generation-config.json", "How to generate", t.GenerationConfig),
        File("tool-config.json", "How to use tools", t.ToolConfig),
        File("safety-setting.json", "A safety setting", t.SafetySetting),
        File("grounding-metadata.json", "Where an answer comes from", t.GroundingMetadata),
        File("usage.json", "Token usage", t.GenerateContentResponseUsageMetadata),
        File("model.json", "A model", t.Model),
        File("file.json", "A file", t.File),
        File("embedding.json", "A vector", t.ContentEmbedding),
        File("count-tokens.json", "Count of tokens", t.CountTokensResponse),
        File("live/client.json", "Live: what a client sends", t.LiveClientMessage),
        File("live/server.json", "Live: what the server sends", t.LiveServerMessage),
    ],
    numbered=True,  # `enum-encoding=int`, as the Vertex AI client asks for
    left_out=["sdkHttpResponse", "automaticFunctionCallingHistory", "parsed"],
    patches={
        "file.json": {"/required": ["name"], "/properties/sizeBytes/type": ["string", "integer", "null"]},
        "part.json": {
            "/properties/functionCall/required": ["name"],
            "/properties/functionResponse/required": ["response"],
            "/properties/fileData/required": ["fileUri"],
            "/properties/inlineData/required": ["data", "mimeType"],
            "/properties/executableCode/required": ["code"],
            "/properties/codeExecutionResult/required": ["outcome"],
        },
        "schema.json": {"/properties/type/x-known-values": [*_TYPES, *(name.lower() for name in _TYPES)]},
        "count-tokens.json": {"/required": ["totalTokens"]},
        "embedding.json": {"/required": ["values"]},
        "model.json": {
            "/required": ["name"],
            "/properties/supportedGenerationMethods": {"type": "array", "items": {"type": "string"}},
        },
        "live/client.json": {
            # What the client takes in many forms travels as a turn.
            "/properties/setup/properties/systemInstruction": {"$ref": "../content.json"},
            "/properties/contextUpdate/properties/systemInstruction": {"$ref": "../content.json"},
            "/propertyNames": {"x-known-values": list(t.LiveClientMessage().model_dump(by_alias=True))},
            "/minProperties": 1,
        },
        "live/server.json": {
            "/propertyNames": {"x-known-values": list(t.LiveServerMessage().model_dump(by_alias=True))},
            "/minProperties": 1,
        },
    },
)
