"""The nouns of Khronos, one a file."""

from khronos.models.agent import Agent
from khronos.models.alert import Alert
from khronos.models.attachment import Attachment, Piece
from khronos.models.backup import BackupCheck, BackupState
from khronos.models.canned_answer import CannedAnswer
from khronos.models.channel import Channel
from khronos.models.check import HealthCheck
from khronos.models.chunk import Chunk, Word
from khronos.models.contact import Contact, contact_id
from khronos.models.contact_fact import ContactFact
from khronos.models.conversation import Conversation, conversation_id
from khronos.models.deadletter import DeadLetter
from khronos.models.delivery import Delivery
from khronos.models.document import Document
from khronos.models.event import Event, Note
from khronos.models.lease import Lease
from khronos.models.message import Message
from khronos.models.pause import Pause
from khronos.models.quarantine import Quarantined
from khronos.models.queue import Queue
from khronos.models.remark import Remark
from khronos.models.shop import Customer, Order, OrderLine, Product
from khronos.models.summary import Summary
from khronos.models.tenant import Tenant
from khronos.models.tool import Confirmation, HttpTool, ToolGrant
from khronos.models.tool_call import ToolCall, ToolRound
from khronos.models.triage import Triage
from khronos.models.turn import Turn
from khronos.models.update import Update
from khronos.models.upload import Upload
from khronos.models.usage import Usage, UsageDay

__all__ = [
    "Agent",
    "Alert",
    "Attachment",
    "BackupCheck",
    "BackupState",
    "CannedAnswer",
    "Channel",
    "Chunk",
    "Confirmation",
    "Contact",
    "ContactFact",
    "Conversation",
    "Customer",
    "DeadLetter",
    "Delivery",
    "Document",
    "Event",
    "HealthCheck",
    "HttpTool",
    "Lease",
    "Message",
    "Note",
    "Order",
    "OrderLine",
    "Pause",
    "Piece",
    "Product",
    "Quarantined",
    "Queue",
    "Remark",
    "Summary",
    "Tenant",
    "ToolCall",
    "ToolGrant",
    "ToolRound",
    "Triage",
    "Turn",
    "Update",
    "Upload",
    "Usage",
    "UsageDay",
    "Word",
    "contact_id",
    "conversation_id",
]
