"""Queries that come over UDP: what the table knows is answered with bytes that are at hand."""

import socket
from collections.abc import Callable
from functools import partial
from typing import Any

from meshd.dns.answers import Answers
from meshd.dns.counts import Counts
from meshd.dns.message import Question, read_question

MAX_QUERY = 4096  # bytes; a question, and what EDNS may say beside it
MAX_PREPARED = 8 * 1024 * 1024  # bytes of queries and answers that are at hand
MAX_ORDERS = 8  # of an answer's records that are at hand; where there are more, each is made when it is asked for

Send = Callable[[bytes], None]
Respond = Callable[[bytes, Question | None, Send, int], None]
"""Answers a query that came as such bytes, with its question if it is well-formed, in at most so many bytes (0: what the client takes)."""


class Prepared:
    """Answers to one query but for its id, which are given in turn."""

    __slots__ = ("answers", "turn")

    def __init__(self, answers: list[bytes]) -> None:
        """Begin with the first."""
        self.answers = answers
        self.turn = 0


class Queries:
    """
    Takes the queries that come to one socket.

    What the table answers depends on the query alone, so it is kept, to be found by the bytes of the query that stand behind its id.
    """

    __slots__ = ("_answers", "_counts", "_prepared", "_respond", "_size", "_socket")

    def __init__(self, held: socket.socket, answers: Answers, respond: Respond, counts: Counts) -> None:
        """
        Begin with nothing at hand.

        Args:
            held: Answers are sent from here.
            answers: The table.
            respond: Answers all other queries, and counts them.
            counts: Where queries are counted.
        """
        self._socket = held
        self._answers = answers
        self._prepared: dict[bytes, Prepared] = {}
        self._size = 0
        self._respond = respond
        self._counts = counts

    def use(self, answers: Answers) -> None:
        """Answer by another table."""
        self._answers = answers
        self._prepared, self._size = {}, 0

    def take(self, message: bytes, client: Any) -> None:
        """Answer a query."""
        found = self._prepared.get(message[2:])
        if found is None:
            question = read_question(message)
            found = self._prepare(message, question) if question is not None else None
            if found is None:
                self._respond(message, question, partial(self.send, client), 0)
                return
        answers, turn = found.answers, found.turn
        found.turn = turn + 1 if turn + 1 < len(answers) else 0
        self._counts.table += 1
        try:
            self._socket.sendto(message[:2] + answers[turn], client)
        except OSError:  # the client is gone, or its queue full: it will ask again
            return

    def send(self, client: Any, answer: bytes) -> None:
        """Send an answer."""
        try:
            self._socket.sendto(answer, client)
        except OSError:  # as above
            return

    def _prepare(self, message: bytes, question: Question) -> Prepared | None:
        """Keep what the table answers in all orders, unless there are too many."""
        orders = self._answers.orders(question)
        if not 0 < orders <= MAX_ORDERS:
            return None
        answers: list[bytes] = []
        for _ in range(orders):
            answer = self._answers.find(message, question, question.limit)
            if answer is not None:
                answers.append(answer[2:])
        size = len(message) + sum(map(len, answers))
        if self._size + size > MAX_PREPARED:
            self._prepared, self._size = {}, 0
        self._size += size
        found = self._prepared[message[2:]] = Prepared(answers)
        return found
