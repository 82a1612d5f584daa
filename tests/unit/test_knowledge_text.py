"""From a text to pieces, and from a piece to words."""

from itertools import pairwise

import pytest

from khronos.knowledge.asking import BACK, asked, wordings
from khronos.knowledge.passage import COVERS, Passage
from khronos.knowledge.reading.plain import decoded, read_markdown, read_text
from khronos.knowledge.splitting import OVERLAP, PIECE, Block, split
from khronos.knowledge.typos import likeliest, slips_of
from khronos.knowledge.words import stem, stems_of, words_of

LONG = " ".join(f"This is sentence number {number} of a long text." for number in range(100))


@pytest.mark.parametrize(
    ("asked", "written"),
    [
        ("DEVOLUÇÃO", "devolucoes"),
        ("devolver", "devolvida"),
        ("preços", "preco"),
        ("entregas", "Entrega"),
        ("tents", "tent"),
        ("batteries", "battery"),
        ("opções", "opcao"),
        ("R$24", "r 24"),
    ],
)
def test_words_that_mean_one_thing_come_down_to_one(asked: str, written: str) -> None:
    assert stems_of(asked)[-1] == stems_of(written)[-1]


@pytest.mark.parametrize(
    ("one", "other"), [("bota", "boto"), ("gas", "ga"), ("glass", "glas"), ("24", "2400000001")]
)
def test_other_words_stay_apart(one: str, other: str) -> None:
    assert stem(one) != stem(other)


def test_filling_words_of_both_languages_are_left_out() -> None:
    assert words_of("Você pode me dizer qual é o PRAZO de entrega?") == ["dizer", "prazo", "entrega"]
    assert words_of("Could you tell me when the shop is open?") == ["tell", "shop", "open"]


def test_a_slip_of_the_finger_is_one_of_four() -> None:
    slips = set(slips_of("barraca"))
    assert {"baraca", "barrraca", "barrace", "bararca"} <= slips
    assert "baca" not in slips


def test_a_piece_knows_the_headings_above_it() -> None:
    pieces = list(
        split(read_markdown(b"# Shop\n\n## Returns\n\n### Boots\n\nThirty days.\n\n## Hours\n\nNine to six."))
    )
    assert [(piece.heading, piece.text) for piece in pieces] == [
        ("Returns › Boots", "Thirty days."),
        ("Hours", "Nine to six."),
    ]


def test_the_only_heading_of_a_document_is_a_heading() -> None:
    assert [piece.heading for piece in split([Block("Returns", 1), Block("Thirty days.")])] == ["Returns"]


def test_a_long_text_is_cut_between_sentences_and_neighbours_overlap() -> None:
    pieces = [piece.text for piece in split(read_text(LONG.encode()))]
    assert len(pieces) > 5
    assert all(len(piece) <= PIECE for piece in pieces)
    assert all(piece.startswith("This is") and piece.endswith("text.") for piece in pieces)
    for before, after in pairwise(pieces):
        shared = next(length for length in range(len(before), 0, -1) if after.startswith(before[-length:]))
        assert 20 < shared <= OVERLAP


def test_nothing_is_lost_by_splitting() -> None:
    text = " ".join(piece.text for piece in split(read_text(LONG.encode())))
    assert all(f"number {number} of" in text for number in range(100))


def test_a_word_without_end_is_cut() -> None:
    assert [len(piece.text) for piece in split([Block("x" * 1200)])] == [500, 500, 200]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_whatever_wrote_the_accents_they_are_read(encoding: str) -> None:
    assert decoded("Devolução até 30 dias – grátis".encode(encoding)) == "Devolução até 30 dias – grátis"


def test_a_sign_in_a_block_of_code_is_no_heading() -> None:
    blocks = list(read_markdown(b"Before\n\n```\n# not a heading\n\nmore\n```\n\n# A heading\n\nAfter"))
    assert [block.level for block in blocks] == [0, 0, 1, 0]


def test_the_same_piece_has_the_same_digest_and_a_changed_one_another() -> None:
    one, same, other = (next(split([Block("H", 1), Block(text)])) for text in ("a", "a", "b"))
    assert one.digest("t") == same.digest("t")
    assert len({one.digest("t"), one.digest("u"), other.digest("t")}) == 3


@pytest.mark.parametrize(
    ("word", "there", "meant"),
    [
        ("slower", {"shower": 1, "slowed": 1}, "slowed"),
        ("quarto", {"quatro": 2, "quarta": 2}, "quarta"),
        ("hose", {"house": 1, "dose": 2}, "dose"),
        ("zzzz", {"house": 1}, ""),
    ],
)
def test_of_words_that_are_one_slip_away_the_likeliest_is_always_the_same(
    word: str, there: dict[str, int], meant: str
) -> None:
    near = set(slips_of(word))
    assert likeliest(word, there, near) == meant
    assert likeliest(word, dict(reversed(there.items())), near) == meant


@pytest.mark.parametrize(
    ("question", "least"),
    [
        ("and in blue?", 1.0),
        ("e o prazo?", 1.0),
        ("quanto custa?", 1.0),
        ("what about the wheels of it?", 1.0),
        ("How long does the repair take?", 0.1),
    ],
)
def test_the_fewer_words_a_question_has_of_its_own_the_more_it_leans_on_the_one_before(
    question: str, least: float
) -> None:
    alone, together = wordings(question, ["Do you mend tents?"])
    assert (alone.text, alone.weight) == (question, 1.0)
    assert together.text == f"Do you mend tents? {question}"
    assert together.weight >= least


def test_a_question_that_stands_by_itself_is_looked_for_alone() -> None:
    question = "How much is a repair of the zip of my winter tent?"
    assert [each.text for each in wordings(question, ["Do you deliver?"])] == [question]
    assert [each.text for each in wordings("and in blue?")] == ["and in blue?"]


def test_what_a_question_leans_on_begins_where_somebody_named_the_subject() -> None:
    talk = ["When are the shop and the workshop open?", "Do you mend old leather hiking boots?", "how long?"]
    assert wordings("and the price?", talk)[1].text == f"{talk[1]} how long? and the price?"
    short = wordings("ok?", ["how?"] * (BACK + 2))[1].text
    assert short == "how? " * BACK + "ok?"


@pytest.mark.parametrize(
    ("message", "parts"),
    [
        (
            "How much is shipping and can I pay with a card?",
            ["How much is shipping", "can I pay with a card?"],
        ),
        ("Do you mend tents? How long?", ["Do you mend tents?", "How long?"]),
        ("Qual a garantia e como troco o tamanho?", ["Qual a garantia", "como troco o tamanho?"]),
    ],
)
def test_of_several_questions_in_one_each_is_looked_for(message: str, parts: list[str]) -> None:
    whole, *ways = asked(message)
    assert [each.text for each in whole] == [message]
    assert [way[0].text for way in ways] == parts


def test_a_later_part_leans_on_the_earlier_one() -> None:
    assert asked("Do you mend tents? How long?")[-1][1].text == "Do you mend tents? How long?"


@pytest.mark.parametrize(
    "message", ["Salt and pepper for two?", "Thanks! When?", "Tents? Boots? Stoves? Maps?"]
)
def test_what_is_one_question_or_a_story_stays_whole(message: str) -> None:
    assert len(asked(message)) == 1


@pytest.mark.parametrize(
    ("together", "own", "covers"), [(0.1, 0.4, True), (0.4, 0.1, True), (0.1, 0.1, False)]
)
def test_who_changes_the_subject_is_answered_all_the_same(together: float, own: float, covers: bool) -> None:
    assert 0.1 < COVERS < 0.4
    assert Passage(1, 1, "Shop", "shop.md", "", "", together, 0.0, own).covers is covers
