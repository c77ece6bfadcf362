"""The original server's own tests, as conversations over real sockets."""

from __future__ import annotations

from typing import Any


async def test_chat_completion_roundtrip(open_place: Any) -> None:
    place = await open_place()
    worker = await place.worker()
    asked = place.chat("hello")
    job = await worker.job()
    assert job["mode"] == "transient"
    assert job["payload"] == {
        "task": "openai/chat-completion",
        "model": "test",
        "messages": [{"role": "user", "content": "hello"}],
    }
    echo = {"role": "assistant", "content": "Echo: hello"}
    completion = {"id": "x", "choices": [{"index": 0, "message": echo, "finish_reason": "stop"}]}
    await worker.finish(job, {"completion": completion})
    assert await asked == (200, completion)


async def test_no_worker_returns_503(open_place: Any) -> None:
    place = await open_place()
    assert await place.chat() == (503, {"detail": "No worker available"})


async def test_worker_error_returns_502(open_place: Any) -> None:
    place = await open_place()
    worker = await place.worker()
    asked = place.chat()
    job = await worker.job()
    await worker.say("job_error", job_id=job["job_id"], error="Simulated GPU OOM", fence_token=0)
    assert await asked == (502, {"detail": "Simulated GPU OOM"})


async def test_embeddings_roundtrip(open_place: Any) -> None:
    place = await open_place()
    worker = await place.worker()
    asked = place.post("/v1/embeddings", {"model": "test", "input": "hello world"})
    vector = {"embedding": [0.1, 0.2, 0.3]}
    await worker.serve({"embeddings": [vector], "usage": {"prompt_tokens": 2, "total_tokens": 2}})
    assert await asked == (
        200,
        {
            "object": "list",
            "data": [{"object": "embedding", "index": 0, "embedding": [0.1, 0.2, 0.3]}],
            "model": "test",
            "usage": {"prompt_tokens": 2, "total_tokens": 2},
        },
    )


async def test_persisted_job_lifecycle(open_place: Any) -> None:
    place = await open_place()
    status, job = await place.post("/jobs", {"payload": {"question": 6}})
    assert (status, job["status"], job["result"], job["error"]) == (200, "pending", None, None)
    assert await place.get(f"/jobs/{job['id']}") == (200, job)
    worker = await place.dial()
    await worker.register()
    offered = await worker.job()
    assert (offered["job_id"], offered["mode"], offered["payload"]) == (job["id"], "persisted", {"question": 6})
    running = (await place.get(f"/jobs/{job['id']}"))[1]
    assert running["status"] == "running"
    await worker.finish(offered, {"answer": 42})
    done = await place.until(f"/jobs/{job['id']}", lambda body: body["status"] == "completed")
    assert done == {**job, "status": "completed", "result": {"answer": 42}}
    keys = ["id", "config_id", "status", "payload", "result", "error", "fence_token", "created_at"]
    assert list(done) == keys


async def test_job_not_found(open_place: Any) -> None:
    place = await open_place()
    assert await place.get("/jobs/nope") == (404, {"detail": "Job not found"})


async def test_health_endpoint(open_place: Any) -> None:
    place = await open_place()
    assert await place.get("/health") == (200, {"status": "ok", "worker_connected": False, "pending_jobs": 0})
    await place.post("/jobs", {})
    await place.worker(capacity=0)
    assert await place.get("/health") == (200, {"status": "ok", "worker_connected": True, "pending_jobs": 1})


async def test_models_empty(open_place: Any) -> None:
    place = await open_place()
    assert await place.get("/v1/models") == (200, {"object": "list", "data": []})


async def test_models_with_worker(open_place: Any) -> None:
    place = await open_place()
    await place.worker()
    model = {"id": "default", "object": "model", "owned_by": "replayer"}
    assert await place.get("/v1/models") == (200, {"object": "list", "data": [model]})
