"""The endpoints: what is asked, checked, loaded and answered (server/routes.go of ollama@fb30760996)."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any

import anyio

from tests import ollama_bodies as bodies
from tests.ollama_answers import Answering, parts_of
from tests.ollama_http import Wire
from tests.ollama_memory import Wish, is_out_of_memory, keep_alive_seconds
from tests.ollama_prompt import count_tokens, fit, render
from tests.ollama_values import ApiError, Exchange, Pull, Refusal, Reply, Served

if TYPE_CHECKING:
    from tests.ollama_server import OllamaServer

THINK_LEVELS = ("high", "medium", "low", "max")
BLIND = "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj"
PIECES = 4
"""In how many steps the download of a layer is told."""


async def answer(server: OllamaServer, exchange: Exchange, wire: Wire) -> None:
    """Answer one request."""
    try:
        match exchange.method, exchange.path:
            case "GET", "/api/version":
                await wire.send(exchange, {"version": server.version})
            case "GET", "/api/tags":
                rows = [bodies.summary(name, served) for name, served in server.served().items()]
                await wire.send(exchange, {"models": rows})
            case "GET", "/api/ps":
                await wire.send(exchange, {"models": [bodies.running(each) for each in server.memory.running()]})
            case "POST", "/api/show":
                await wire.send(exchange, bodies.shown(find(server, exchange.request)[1]))
            case "POST", "/api/chat" | "/api/generate":
                await _generate(server, exchange, wire)
            case "POST", "/api/embed":
                await _embed(server, exchange, wire)
            case "POST", "/api/pull":
                await _pull(server, exchange, wire)
            case _:
                await wire.send(exchange, {"error": "404 page not found"}, 404)
    except ApiError as error:
        await wire.send(exchange, {"error": error.error}, error.status)


def find(server: OllamaServer, request: dict[str, Any]) -> tuple[str, Served]:
    """The full tag and the model; `:latest` may be left out. Raises ApiError."""
    asked = request.get("model", "")
    name = server.full_name(asked)
    if (served := server.served().get(name)) is not None:
        return name, served
    raise ApiError(404, f"model '{asked}' not found") if asked else ApiError(400, "model is required")


def _wish(request: dict[str, Any], name: str, served: Served) -> Wish:
    keep_alive = keep_alive_seconds(request.get("keep_alive"))
    return Wish(name, served, request.get("options") or {}, request.get("shift") is not False, keep_alive)


# ── chat and generate ───────────────────────────────────────────────────────────────────────────


async def _generate(server: OllamaServer, exchange: Exchange, wire: Wire) -> None:
    request = exchange.request
    is_chat = exchange.path == "/api/chat"
    server.asked.set()
    name, served = find(server, request)
    wish = _wish(request, name, served)
    messages = _messages(request, is_chat)
    frame = bodies.chat_frame if is_chat else bodies.generate_frame
    if not messages and wish.keep_alive == 0:
        server.memory.expire(name)
        await wire.send(exchange, bodies.ended(frame(request["model"], {}), "unload"))
        return
    _check(request, name, served, is_chat)
    async with server.memory.use(wish) as runner:
        if not messages:
            await wire.send(exchange, bodies.ended(frame(request["model"], {}), "load"))
            return
        async with runner.slots:
            if "vision" not in served.capabilities and any(message.get("images") for message in messages):
                raise ApiError(500, BLIND)  # of llama-server, when the model is loaded
            exchange.prompt, exchange.prompt_tokens = fit(request, messages, runner.context_tokens)
            if is_chat and request.get("_debug_render_only") and server.renders != "unknown":
                await wire.send(exchange, bodies.rendered(request["model"], render(request, server.renders)))
                return
            await _say(server, exchange, wire, name, served)


async def _say(server: OllamaServer, exchange: Exchange, wire: Wire, name: str, served: Served) -> None:
    reply = server.next_reply(name, exchange.request)
    if isinstance(reply, Refusal):
        if is_out_of_memory(reply.error):
            server.memory.expire_all()
        raise ApiError(reply.status, reply.error)
    if reply is None and server.live is not None and exchange.path == "/api/chat":
        parts = server.live.parts(exchange)
        reply = Reply()
    else:
        reply = reply or _unscripted(exchange.request, served)
        parts = parts_of(reply)

    def forget_all() -> None:
        if is_out_of_memory(reply.error):
            server.memory.expire_all()

    await Answering(exchange, wire, reply, parts, forget_all).run()


def _unscripted(request: dict[str, Any], served: Served) -> Reply:
    """What a model says that was told nothing: it thinks unless it is told not to, and keeps to the format."""
    if form := request.get("format"):
        return Reply((json.dumps({} if form == "json" else _instance(form)),))
    thinks = "thinking" in served.capabilities and (served.is_gpt_oss or request.get("think") is not False)
    return Reply(thinking=("They greet me.",) if thinks else ())


def _instance(schema: dict[str, Any]) -> Any:
    """The simplest value of a JSON schema."""
    if "enum" in schema:
        return schema["enum"][0]
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        return _instance(choices[0])
    match schema.get("type"):
        case "object":
            known = schema.get("properties", {})
            return {name: _instance(known.get(name, {})) for name in schema.get("required", known)}
        case "array":
            return []
        case kind:
            return {"integer": 0, "number": 0, "boolean": False, "null": None}.get(kind or "string", "")


def _messages(request: dict[str, Any], is_chat: bool) -> list[dict[str, Any]]:
    if is_chat:
        return request.get("messages") or []
    if not request.get("prompt"):
        return []
    system = [{"role": "system", "content": request["system"]}] if request.get("system") else []
    return [*system, {"role": "user", "content": request["prompt"], "images": request.get("images", [])}]


def _check(request: dict[str, Any], name: str, served: Served, is_chat: bool) -> None:
    """Can this model do what is asked? Raises ApiError."""
    asked, able = request["model"], served.capabilities
    think = request.get("think")
    if isinstance(think, str) and think not in THINK_LEVELS:
        raise ApiError(400, f'invalid think value: "{think}" (must be "high", "medium", "low", "max", true, or false)')
    if think and "thinking" not in able:
        raise ApiError(400, f'"{asked}" does not support thinking')
    if "completion" not in able:
        raise ApiError(400, f'"{asked}" does not support {"chat" if is_chat else "generate"}')
    if request.get("tools") and "tools" not in able:
        raise ApiError(400, f"registry.ollama.ai/library/{name} does not support tools")
    for message in _messages(request, is_chat):
        for image in message.get("images", ()):
            try:
                base64.b64decode(image, validate=True)
            except binascii.Error as error:
                raise ApiError(400, "illegal base64 data at input byte 0") from error


# ── embed ───────────────────────────────────────────────────────────────────────────────────────


async def _embed(server: OllamaServer, exchange: Exchange, wire: Wire) -> None:
    """With no text at all it only loads: the one way to load a model that cannot chat."""
    request = exchange.request
    name, served = find(server, request)
    given = request.get("input") or []
    texts = [given] if isinstance(given, str) else given
    async with server.memory.use(_wish(request, name, served)) as runner, runner.slots:
        if not texts:
            await wire.send(exchange, {"model": request["model"], "embeddings": []})
            return
        if isinstance(refusal := server.next_reply(name, request, shared=False), Refusal):
            if is_out_of_memory(refusal.error):
                server.memory.expire_all()
            raise ApiError(refusal.status, refusal.error)
        tokens = [count_tokens([{"content": text}]) for text in texts]
        if request.get("truncate") is False and max(tokens) > runner.context_tokens:
            raise ApiError(400, "the input length exceeds the context length")
        vectors = [bodies.embedding(text, served.embedding_length) for text in texts]
        if size := request.get("dimensions"):
            vectors = [bodies.normalized(vector[:size]) for vector in vectors]
        used = sum(min(each, runner.context_tokens) for each in tokens)
        figures = {"total_duration": 14_143_917, "load_duration": 1_019_500, "prompt_eval_count": used}
        await wire.send(exchange, {"model": request["model"], "embeddings": vectors, **figures})


# ── pull ────────────────────────────────────────────────────────────────────────────────────────


class _CutOffError(Exception):
    """The connection breaks here."""


async def _pull(server: OllamaServer, exchange: Exchange, wire: Wire) -> None:
    """Every line may be an error, under HTTP 200; what has come is kept for the next time."""
    asked = exchange.request.get("model", "")
    name = server.full_name(asked)
    streaming = exchange.request.get("stream", True)

    async def say(**event: Any) -> None:
        if streaming:
            await wire.line(exchange, {key: value for key, value in event.items() if value or key == "status"})

    await say(status="pulling manifest")
    pull = server.pulls.get(name) or server.pulls.get(asked)
    if pull is None and (there := server.served().get(name)) is not None:
        pull = Pull((there.weights_bytes,), served=there, done_bytes=there.weights_bytes)
    try:
        if pull is None:
            raise ApiError(500, "pull model manifest: file does not exist")
        if pull.error is not None:
            raise ApiError(500, pull.error)
        await _download(name, pull, say)
    except _CutOffError:
        await wire.reset()
        return
    except ApiError as error:
        if not streaming:
            raise
        await wire.line(exchange, {"error": error.error})
        await wire.end(exchange)
        return
    for status in ("verifying sha256 digest", "writing manifest"):
        await say(status=status)
    server.models[name] = pull.served
    if streaming:
        await say(status="success")
        await wire.end(exchange)
    else:
        await wire.send(exchange, {"status": "success"})


async def _download(name: str, pull: Pull, say: Any) -> None:
    """Tell every layer in steps, from where the last try ended; a layer that is there is told once."""
    before = 0
    for number, size in enumerate(pull.layers):
        digest = bodies.digest_of(f"{name}/{number}")
        have = min(max(pull.done_bytes - before, 0), size)
        step = max(-(-size // PIECES), 1)
        for completed in [have, *range(have + step, size, step), size] if have < size else [size]:
            if pull.cut_after is not None and before + completed >= pull.cut_after:
                pull.done_bytes, pull.cut_after = pull.cut_after, None
                raise _CutOffError
            pull.done_bytes = max(pull.done_bytes, before + completed)
            label = {"status": f"pulling {digest[:12]}", "digest": f"sha256:{digest}"}
            await say(**label, total=size, completed=completed)
            if pull.hold is not None and completed > have:
                await pull.hold.wait()
            await anyio.lowlevel.checkpoint()
        before += size
