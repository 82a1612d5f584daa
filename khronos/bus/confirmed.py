"""Rings over AMQP: a whole batch goes out at once and counts as rung when the broker has confirmed all of it.

A broker that hesitates is given up after two seconds and left alone for a while; nobody waits for it then.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import amqp
from amqp.exceptions import MessageNacked, NotFound
from kombu import Connection, Queue

from khronos.resilience.rest import Away, Rest

log = logging.getLogger(__name__)

CONNECT_S = 1.0  # to reach the broker, and for each of its first three answers
CALL_S = 2.0  # for everything after that
REST_S = 5.0  # as long as the sweeper takes to ring again

WAITING_MOST = 8  # messages in a queue, where one is in doubt: as many as the sweeper takes for a backlog
NOWHERE = "khronos.nowhere"  # no queue has this name

BROKEN = (amqp.AMQPError, OSError)


class Line:
    """A connection with one channel, on which the broker confirms what it has taken."""

    def __init__(self, connection: Connection, call_s: float = CALL_S) -> None:
        self._call_s = call_s
        self._declared: set[str] = set()
        self._sent = 0
        self._unconfirmed: set[int] = set()
        self.wire: Any = connection.transport.establish_connection()  # once; kombu would sleep and try again
        try:
            self._open()
        except BaseException:
            self.drop()
            raise

    def publish(self, queue: Queue, messages: Sequence[amqp.Message]) -> None:
        """What cannot be routed or stored raises, and so does silence."""
        until = self._begin()
        if queue.name not in self._declared:
            queue(self.channel).declare()
            self._declared.add(queue.name)
        for message in messages:
            self._publish(message, queue.name)
        self._await_confirmation(until)

    def insist_on_room(self, queue: str) -> None:
        """One short of memory keeps all that comes, and takes it when nobody waits for it any more."""
        until = self._begin()
        self._publish(amqp.Message(""), NOWHERE)
        self._await_confirmation(until)
        if self.waiting_in(queue) > WAITING_MOST:
            raise Away(f"it was slow, and enough waits in {queue}")

    def waiting_in(self, queue: str) -> int:
        self._begin()
        return int(self.channel.queue_declare(queue, passive=True).message_count)

    def drop(self) -> None:
        """Without a word: a broker that hangs would not answer it."""
        self.wire.collect()

    def _open(self) -> None:
        self._begin()
        self.channel: Any = self.wire.channel()
        self.channel.confirm_select()
        self.channel.events["basic_ack"].add(self._confirm)
        self.channel.events["basic_nack"].add(self._refuse)

    def _begin(self) -> float:
        """Nothing that follows waits for longer, nor all of it together for much longer."""
        self.wire.sock.settimeout(self._call_s)
        return time.monotonic() + self._call_s

    def _publish(self, message: amqp.Message, queue: str) -> None:
        self.channel.basic_publish(message, "", queue, mandatory=queue != NOWHERE)
        self._sent += 1
        self._unconfirmed.add(self._sent)

    def _await_confirmation(self, until: float) -> None:
        while self._unconfirmed:
            self.wire.drain_events(timeout=max(0.001, until - time.monotonic()))

    def _confirm(self, tag: int, multiple: bool) -> None:
        self._unconfirmed -= {number for number in self._unconfirmed if number <= tag} if multiple else {tag}

    def _refuse(self, tag: int, multiple: bool) -> None:
        raise MessageNacked(f"up to {tag}" if multiple else str(tag))


class Bell:
    """One line for all threads of a process, made when it is needed and made anew when it was cut."""

    def __init__(self, connection: Connection, queues: Mapping[str, Queue], rest: Rest | None = None) -> None:
        self._connection, self._queues = connection, queues
        self._rest = rest or Rest(REST_S)
        self._lock = threading.Lock()
        self._line: Line | None = None
        self._doubtful: set[str] = set()  # queues that may hold rings which nobody has confirmed

    def ring(self, queue: str, messages: Sequence[amqp.Message]) -> None:
        """Raises Away unless all of it was confirmed."""

        def publish(line: Line) -> None:
            if queue in self._doubtful:
                line.insist_on_room(queue)
            self._doubtful.add(queue)
            line.publish(self._queues[queue], messages)
            self._doubtful.remove(queue)

        self._ask(publish)

    def waiting_in(self, queue: str) -> int:
        def count(line: Line) -> int:
            try:
                return line.waiting_in(queue)
            except NotFound:
                self._hang_up()  # the broker has closed the channel
                return 0

        return self._ask(count)

    def close(self) -> None:
        with self._lock:
            self._hang_up()

    def _ask[R](self, question: Callable[[Line], R]) -> R:
        if not self._lock.acquire(timeout=CALL_S):
            raise Away("others wait for the broker")
        try:
            return self._rest.ask(lambda: self._try(question))
        finally:
            self._lock.release()

    def _try[R](self, question: Callable[[Line], R]) -> R:
        """A line that was cut since its last use is made anew; one that is silent is not."""
        if self._line is not None:
            try:
                return self._put(question, self._line)
            except TimeoutError:
                raise
            except BROKEN:
                log.info("line to the broker was cut, made anew")
        try:
            self._line = Line(self._connection)
        except BROKEN:
            self._connection.maybe_switch_next()  # to another server, where the URL names several
            raise
        return self._put(question, self._line)

    def _put[R](self, question: Callable[[Line], R], line: Line) -> R:
        try:
            return question(line)
        except BaseException:
            self._hang_up()
            raise

    def _hang_up(self) -> None:
        if self._line is not None:
            self._line.drop()
            self._line = None
