"""Documents are read, split and embedded, and found by words and by meaning, by their own tenant alone."""

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from django.db.models.functions import Now

from khronos.agents.citing import cite
from khronos.agents.context import build
from khronos.agents.language import language_heard
from khronos.agents.providers.offline import OfflineProvider
from khronos.knowledge import example, intake, readers, versions, work
from khronos.knowledge.passage import Passage
from khronos.knowledge.reading.guarded import read
from khronos.knowledge.scope import Scope
from khronos.knowledge.search import search
from khronos.knowledge.splitting import split
from khronos.management.commands.knowledge import read_through
from khronos.models import Chunk, Document, Pause, Tenant, Word
from tests.factories import make_channel, make_conversation, make_message, make_tenant, make_turn

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bus")]

SHOP = """# Devoluções

Você pode devolver qualquer produto em até trinta dias.

# Entrega

Entregamos em cinco dias úteis. O frete é grátis acima de R$ 200.

# Horário

Abrimos de segunda a sábado, das nove às seis.
"""


@pytest.fixture
def tenant() -> Tenant:
    return make_tenant()


def added(tenant: Tenant, text: str = SHOP, name: str = "shop.md") -> Document:
    document = intake.add(tenant, name, text.encode())
    work.take(document.pk)
    document.refresh_from_db()
    return document


def first(tenant: Tenant, question: str) -> Passage:
    return search(tenant.pk, question)[0]


def vectors() -> dict[int, bytes]:
    return {pk: bytes(vector) for pk, vector in Chunk.objects.values_list("pk", "vector") if vector}


def counted() -> dict[str, int]:
    return dict(Word.objects.filter(chunks__gt=0).values_list("text", "chunks"))


@pytest.mark.parametrize(
    ("question", "heading"),
    [
        ("Posso devolver uma bota?", "Devoluções"),
        ("devolucao", "Devoluções"),
        ("DEVOLUÇÕES", "Devoluções"),
        ("devloução", "Devoluções"),
        ("enterga", "Entrega"),
        ("frete gratis", "Entrega"),
        ("At what time do you open on Saturday?", "Horário"),
        ("What does shipping cost?", "Entrega"),
    ],
)
def test_a_question_finds_its_passage(tenant: Tenant, question: str, heading: str) -> None:
    added(tenant)
    assert first(tenant, question).heading == heading


def test_a_passage_says_where_it_stands(tenant: Tenant) -> None:
    document = added(tenant)
    found = first(tenant, "frete")
    assert (found.document, found.source, found.cited) == (document.pk, "shop.md", "shop.md › Entrega")
    assert found.covers


@pytest.mark.parametrize(
    "question", ["Quem ganhou a copa?", "How do I bake bread?", "", "?!", "' OR 1=1 --", '"*" AND NEAR(']
)
def test_what_the_documents_do_not_say_is_not_covered(tenant: Tenant, question: str) -> None:
    added(tenant)
    assert not any(passage.covers for passage in search(tenant.pk, question))


def test_a_misspelt_question_is_understood_where_its_words_say_too_little(tenant: Tenant) -> None:
    added(tenant, (Path(example.__file__).parent / "aurora.pt.md").read_text("utf-8"))
    found = first(tenant, "qual o prazo de entega?")
    assert (found.heading, found.covers) == ("Entrega e frete", True)


def test_of_two_questions_in_one_each_has_its_passage(tenant: Tenant) -> None:
    added(tenant)
    found = search(tenant.pk, "Posso devolver uma bota? A que horas vocês abrem no sábado?")
    assert {each.heading for each in found if each.leads} == {"Devoluções", "Horário"}


def test_nothing_of_another_tenant_is_found(tenant: Tenant) -> None:
    added(tenant)
    other = make_tenant()
    assert search(other.pk, "Posso devolver uma bota?") == []
    added(other, "# Nada\n\nAqui não há nada.")
    assert [passage.heading for passage in search(other.pk, "Posso devolver uma bota?")] == ["Nada"]


def test_of_a_new_version_what_is_unchanged_keeps_its_vector(tenant: Tenant) -> None:
    document = added(tenant)
    before = vectors()
    again = added(tenant, SHOP.replace("cinco dias", "nove dias"))
    assert again.pk == document.pk
    after = vectors()
    assert len(after) == len(before) == 3
    assert len(before.keys() & after.keys()) == 2
    assert all(after[pk] == before[pk] for pk in before.keys() & after.keys())
    assert "nove dias" in first(tenant, "entrega").text
    assert not any("cinco dias" in passage.text for passage in search(tenant.pk, "entrega em cinco dias"))


def test_the_same_bytes_again_are_no_work(tenant: Tenant) -> None:
    added(tenant)
    again = intake.add(tenant, "shop.md", SHOP.encode())
    assert (again.state, again.due_at, again.attempts) == (Document.State.READY, None, 1)


def test_a_removed_document_takes_all_of_it_away(tenant: Tenant) -> None:
    kept = added(tenant, "# Botas\n\nTemos botas.", "boots.md")
    intake.remove(added(tenant))
    assert set(Chunk.objects.values_list("document", flat=True)) == {kept.pk}
    assert counted() == {"bota": 1, "temo": 1, "boot": 1, "md": 1}
    assert [passage.heading for passage in search(tenant.pk, "devolver frete horário")] == ["Botas"]


def test_words_are_counted_once_a_chunk(tenant: Tenant) -> None:
    added(tenant)
    scope = Scope(tenant.pk)
    words = Counter(
        each for words in Chunk.objects.values_list("words", flat=True) for each in set(scope.bare(words))
    )
    assert counted() == words
    added(tenant, SHOP.replace("trinta", "sessenta"))
    assert "trinta" not in counted()
    assert counted()["sessen"] == 1


def test_a_newer_version_is_not_overwritten_by_whoever_reads_the_older(tenant: Tenant) -> None:
    intake.add(tenant, "shop.md", SHOP.encode())
    late = Document.objects.claim(Document.objects.get().pk, timedelta(seconds=60))
    assert late is not None
    added(tenant, "# Novo\n\nTudo mudou.")
    work.work_on(late)
    assert [chunk.heading for chunk in Chunk.objects.all()] == ["Novo"]


def test_a_document_without_text_fails_and_says_so(tenant: Tenant) -> None:
    document = added(tenant, "<script>1</script>", "a.html")
    assert (document.state, document.reason, document.due_at) == (
        Document.State.FAILED,
        "There is no text in it. What was scanned has none.",
        None,
    )


def test_what_is_due_is_read_the_most_urgent_first_and_nothing_while_paused(tenant: Tenant) -> None:
    slow = intake.add(tenant, "a.md", SHOP.encode())
    urgent = intake.add(tenant, "b.md", SHOP.encode(), kind=Document.Kind.MESSAGE)
    pause = Pause.objects.create(queue=Pause.Queue.EMBEDDINGS, by="somebody")
    assert readers.read_all() == 0
    pause.delete()
    assert readers.read_all() == 2
    urgent.refresh_from_db()
    slow.refresh_from_db()
    assert urgent.read_at is not None
    assert slow.read_at is not None
    assert urgent.read_at < slow.read_at


def test_the_offline_assistant_cites_the_shop_and_says_what_it_does_not_know() -> None:
    channel = make_channel(kind="web")
    example.put_in(channel.tenant)

    def asked(question: str) -> str:
        turn = make_turn(conversation=make_conversation(channel=channel))
        prompt = build(turn, [make_message(conversation=turn.conversation, text=question)], [])
        said = OfflineProvider().complete(prompt).text
        return cite(said, prompt.found or (), language_heard(question), names=True)[0]

    assert "Ainda estou lendo meus documentos" in asked("Vocês consertam barracas de outras marcas?")
    readers.read_all()
    said = asked("Vocês consertam barracas de outras marcas?")
    assert "Nossa oficina conserta barracas" in said
    assert "*Fonte: Exemplo: Aurora Outdoors › Consertos*" in said
    assert "assistente de demonstração" in said
    assert "Source: Example: Aurora Outdoors › Opening hours" in asked(
        "When does the shop open on Saturdays?"
    )
    unknown = asked("How do I bake a loaf of bread?")
    assert "I do not know" in unknown
    assert "Shall I fetch a person? Send /human" in unknown
    assert "Source" not in unknown
    assert example.take_out(channel.tenant) == 2
    assert "I do not know" not in asked("How do I bake a loaf of bread?")


def test_command_waits_for_a_worker_that_was_quicker(tenant: Tenant) -> None:
    document = intake.add(tenant, "shop.md", SHOP.encode())
    assert Document.objects.claim(document.pk, timedelta(seconds=0.5)) is not None
    read_through(document)
    assert document.state == Document.State.READY
    document.refresh_from_db()
    assert document.fence == 2


def test_a_reader_that_died_is_followed_by_another(tenant: Tenant) -> None:
    document = intake.add(tenant, "shop.md", SHOP.encode())
    lost = Document.objects.claim(document.pk, versions.LEASE)
    assert lost is not None
    versions.renew(lost, list(split(read("markdown", SHOP.encode()))))
    assert readers.read_all() == 0
    Document.objects.update(due_at=Now())
    assert readers.read_all() == 1
    document.refresh_from_db()
    assert document.state == Document.State.READY
    assert len(vectors()) == 3


def large(version: int) -> str:
    """Three transactions of it."""
    return "\n\n".join(
        f"# Part {number}\n\nEdition{version} says bicycle{number}."
        for number in range(versions.TOGETHER * 2 + 1)
    )


def editions(tenant: Tenant) -> Counter[str]:
    found = search(tenant.pk, "edition1 edition2 bicycle", 200)
    return Counter(passage.text.split()[0] for passage in found)


@pytest.fixture
def unfinished(tenant: Tenant) -> Document:
    """The second edition is read by somebody."""
    added(tenant, large(1), "large.md")
    document = intake.add(tenant, "large.md", large(2).encode())
    claimed = Document.objects.claim(document.pk, versions.LEASE)
    assert claimed is not None
    return claimed


def begun(document: Document, transactions: int) -> None:
    """As far as this, then somebody dies."""
    pieces = list(split(read("markdown", bytes(document.raw or b""))))
    count = versions.TOGETHER * transactions
    versions.add(
        document, [(at, each.digest(document.title), each) for at, each in enumerate(pieces)][:count]
    )


def assert_whole(tenant: Tenant) -> None:
    Document.objects.update(due_at=Now())
    assert readers.read_all() == 1
    assert editions(tenant).keys() == {"Edition2"}
    assert Chunk.objects.filter(kind="knowledge").count() == Chunk.objects.count() == len(vectors())
    assert len(vectors()) == versions.TOGETHER * 2 + 1
    scope = Scope(tenant.pk)
    words = Counter(
        each for words in Chunk.objects.values_list("words", flat=True) for each in set(scope.bare(words))
    )
    assert counted() == words


def test_the_version_before_is_found_until_the_new_one_is_whole(tenant: Tenant, unfinished: Document) -> None:
    begun(unfinished, 2)
    assert Chunk.objects.count() == versions.TOGETHER * 4 + 1
    assert editions(tenant).keys() == {"Edition1"}
    assert_whole(tenant)


def test_who_dies_before_the_old_pieces_are_gone_leaves_the_new_ones_alone_found(
    tenant: Tenant, unfinished: Document
) -> None:
    old = list(Chunk.objects.values_list("pk", flat=True))
    begun(unfinished, 3)
    versions.switch(unfinished, old)
    assert Chunk.objects.count() == len(old) * 2
    assert editions(tenant).keys() == {"Edition2"}
    assert_whole(tenant)


def test_a_document_that_gets_on_outlives_any_number_of_workers(tenant: Tenant) -> None:
    document = intake.add(tenant, "shop.md", SHOP.encode())
    Document.objects.update(attempts=2)
    claimed = Document.objects.claim(document.pk, versions.LEASE)
    assert claimed is not None
    versions.renew(claimed, list(split(read("markdown", SHOP.encode()))))
    work.embed(claimed)
    Document.objects.update(due_at=Now())  # it died before the end
    assert readers.read_all() == 1
    document.refresh_from_db()
    assert (document.state, document.attempts) == (Document.State.READY, 2)


def test_a_document_that_kills_three_workers_fails(tenant: Tenant) -> None:
    document = intake.add(tenant, "shop.md", SHOP.encode())
    Document.objects.update(attempts=3)
    assert readers.read_all() == 1
    document.refresh_from_db()
    assert (document.state, document.reason) == (Document.State.FAILED, "3 workers died over it")
    assert not Chunk.objects.exists()
