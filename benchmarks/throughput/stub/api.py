"""The actions of SQS's JSON API: a request's words in, an answer's bytes out."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from benchmarks.throughput.stub.queue import InvalidHandleError, Message, Queue

ACCOUNT = "000000000000"
BATCH = 10
Words = dict[str, Any]


class RefusedError(Exception):
    """An error as SQS answers it."""

    def __init__(self, kind: str, code: str, text: str) -> None:
        """`kind` is the JSON API's name, `code` the older one, which clients show."""
        super().__init__(text)
        self.kind = kind
        self.code = code


class Api:
    """Queues by name, and a count of requests by action."""

    def __init__(self, endpoint_url: str) -> None:
        self._endpoint_url = endpoint_url
        self.queues: dict[str, Queue] = {}
        self.requests: Counter[str] = Counter()
        self.delivered = 0
        """Receives that brought something."""
        self.waiting = 0
        """Long polls that wait at this moment."""
        self._arrivals = asyncio.Event()
        self._actions: dict[str, Callable[[Words], Words]] = {
            "CreateQueue": self._create_queue,
            "GetQueueUrl": self._get_queue_url,
            "ListQueues": self._list_queues,
            "GetQueueAttributes": self._get_queue_attributes,
            "SendMessage": self._send_message,
            "SendMessageBatch": self._send_message_batch,
            "DeleteMessage": self._delete_message,
            "DeleteMessageBatch": self._delete_message_batch,
            "ChangeMessageVisibility": self._change_message_visibility,
            "ChangeMessageVisibilityBatch": self._change_message_visibility_batch,
        }

    def answer(self, action: str, words: Words) -> bytes:
        """The answer to anything but a receive. Raises RefusedError."""
        self.requests[action] += 1
        perform = self._actions.get(action)
        if perform is None:
            raise RefusedError("InvalidAction", "InvalidAction", f"The stub does not know {action}.")
        return json.dumps(perform(words)).encode()

    async def receive(self, words: Words) -> bytes:
        """Wait for messages, at most `WaitTimeSeconds`. Raises RefusedError."""
        self.requests["ReceiveMessage"] += 1
        queue = self._queue(words)
        limit = min(BATCH, int(words.get("MaxNumberOfMessages", 1)))
        deadline = time.monotonic() + float(words.get("WaitTimeSeconds", 0))
        while True:
            now = time.monotonic()
            messages = queue.receive(limit, now, words.get("VisibilityTimeout"))
            if messages or now >= deadline or queue.is_closed:
                self.delivered += bool(messages)
                wanted = words.get("MessageSystemAttributeNames") or words.get("AttributeNames") or ()
                return b'{"Messages":[' + b",".join(_said(m, wanted) for m in messages) + b"]}"
            await self._arrival(min(deadline, queue.next_return or deadline) - now)

    async def _arrival(self, seconds: float) -> None:
        self.waiting += 1
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._arrivals.wait()
        except TimeoutError:
            pass
        finally:
            self.waiting -= 1

    def wake(self) -> None:
        """Let every long poll look again."""
        self._arrivals.set()
        self._arrivals = asyncio.Event()

    def queue(self, name: str) -> Queue:
        """The queue of that name, made where there is none."""
        return self.queues.setdefault(name, Queue(name))

    def _queue(self, words: Words) -> Queue:
        name = str(words.get("QueueName") or words.get("QueueUrl", "")).rpartition("/")[2]
        try:
            return self.queues[name]
        except KeyError:
            raise RefusedError(
                "QueueDoesNotExist",
                "AWS.SimpleQueueService.NonExistentQueue",
                "The specified queue does not exist.",
            ) from None

    def _url(self, queue: Queue) -> str:
        return f"{self._endpoint_url}/{ACCOUNT}/{queue.name}"

    def _create_queue(self, words: Words) -> Words:
        queue = self.queue(words["QueueName"])
        seconds = words.get("Attributes", {}).get("VisibilityTimeout", queue.visibility_seconds)
        queue.visibility_seconds = float(seconds)
        return {"QueueUrl": self._url(queue)}

    def _get_queue_url(self, words: Words) -> Words:
        return {"QueueUrl": self._url(self._queue(words))}

    def _list_queues(self, words: Words) -> Words:
        prefix = words.get("QueueNamePrefix", "")
        return {"QueueUrls": [self._url(q) for name, q in self.queues.items() if name.startswith(prefix)]}

    def _get_queue_attributes(self, words: Words) -> Words:
        queue = self._queue(words)
        every = {
            "ApproximateNumberOfMessages": str(queue.visible),
            "ApproximateNumberOfMessagesNotVisible": str(queue.in_flight),
            "ApproximateNumberOfMessagesDelayed": "0",
            "VisibilityTimeout": f"{queue.visibility_seconds:.0f}",
            "QueueArn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:{queue.name}",
        }
        wanted = words.get("AttributeNames", ())
        return {"Attributes": {k: v for k, v in every.items() if "All" in wanted or k in wanted}}

    def _send_message(self, words: Words) -> Words:
        message = self._queue(words).send(words["MessageBody"], words.get("MessageAttributes"))
        self.wake()
        return _sent(message)

    def _send_message_batch(self, words: Words) -> Words:
        queue = self._queue(words)
        sent = [
            {"Id": entry["Id"], **_sent(queue.send(entry["MessageBody"], entry.get("MessageAttributes")))}
            for entry in words["Entries"]
        ]
        self.wake()
        return {"Successful": sent, "Failed": []}

    def _delete_message(self, words: Words) -> Words:
        _by_handle(self._queue(words).delete, words["ReceiptHandle"])
        return {}

    def _delete_message_batch(self, words: Words) -> Words:
        queue = self._queue(words)
        return _each(words["Entries"], lambda entry: _by_handle(queue.delete, entry["ReceiptHandle"]))

    def _change_message_visibility(self, words: Words) -> Words:
        self._change(self._queue(words), words)
        return {}

    def _change_message_visibility_batch(self, words: Words) -> Words:
        queue = self._queue(words)
        return _each(words["Entries"], lambda entry: self._change(queue, entry))

    def _change(self, queue: Queue, words: Words) -> None:
        seconds = float(words["VisibilityTimeout"])
        _by_handle(lambda h: queue.change_visibility(h, seconds, time.monotonic()), words["ReceiptHandle"])
        self.wake()


def _by_handle(perform: Callable[[str], None], handle: str) -> None:
    try:
        perform(handle)
    except InvalidHandleError:
        raise RefusedError(
            "ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", "The receipt handle is not valid."
        ) from None


def _each(entries: Iterable[Words], perform: Callable[[Words], None]) -> Words:
    """One answer for each entry of a batch; one that is refused does not stop the others."""
    answers: Words = {"Successful": [], "Failed": []}
    for entry in entries:
        try:
            perform(entry)
        except RefusedError as error:
            failed = {"Id": entry["Id"], "SenderFault": True, "Code": error.code, "Message": str(error)}
            answers["Failed"].append(failed)
        else:
            answers["Successful"].append({"Id": entry["Id"]})
    return answers


def _sent(message: Message) -> Words:
    said = json.loads(b"{" + message.said + b"}")
    return {"MessageId": said["MessageId"], "MD5OfMessageBody": said["MD5OfBody"]}


def _said(message: Message, wanted: Iterable[str]) -> bytes:
    every = {
        "SenderId": ACCOUNT,
        "SentTimestamp": str(message.sent_ms),
        "ApproximateReceiveCount": str(message.receives),
        "ApproximateFirstReceiveTimestamp": str(message.first_received_ms),
    }
    attributes = {k: v for k, v in every.items() if "All" in wanted or k in wanted}
    more = {"ReceiptHandle": message.handle, **({"Attributes": attributes} if attributes else {})}
    return b"{" + message.said + b"," + json.dumps(more).encode()[1:]
