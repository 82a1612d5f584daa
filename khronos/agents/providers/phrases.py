"""What the offline assistant can say. First match wins; `{said}` is the person's own words."""

import re
from dataclasses import dataclass

from khronos.agents.language import heard


@dataclass(frozen=True, slots=True)
class Phrase:
    topic: str
    heard: re.Pattern[str]
    english: str
    portuguese: str


PHRASES = (
    Phrase(
        "who",
        heard(
            r"who are you|what are you|your name"
            r"|are you (?:an? )?(?:real |actual )?(?:bot|robot|real|human|person|ai)"
            r"|you use (?:an )?ai|chat ?gpt|quem e (?:voce|vc)|qual (?:e )?o? ?seu nome"
            r"|(?:voce|vc) e (?:uma? )?(?:robo|bot|ia|human[oa]|pessoa)|(?:voces?|vcs?) usam? ia"
        ),
        'You asked "{said}". I am the demonstration assistant of Khronos: I run without any AI model.',
        "Você perguntou “{said}”. Sou o assistente de demonstração do Khronos: funciono sem modelo de IA.",
    ),
    Phrase(
        "human",
        heard(
            r"human(?:o|a)?|atendente|pessoa de verdade|real person|operator|operador(?:a)?"
            r"|gerente|supervisora?|falar com (?:alguem|uma pessoa)"
            r"|(?:speak|talk) (?:to|with) (?:an? |some|your |the )(?:person|one|body|team|agent|manager)"
        ),
        'You wrote "{said}". To speak with a person, send /human and somebody of the team takes over.',
        "Você escreveu “{said}”. Para falar com uma pessoa, envie /human e alguém da equipe assume.",
    ),
    Phrase(
        "privacy",
        heard(r"my data|privacy|gdpr|lgpd|meus dados|privacidade"),
        'You wrote "{said}". What is kept of you, and how to have it erased: send /privacy. '
        "(This is the demonstration assistant of Khronos.)",
        "Você escreveu “{said}”. O que guardamos de você e como apagar: envie /privacy. "
        "(Aqui fala o assistente de demonstração do Khronos.)",
    ),
    Phrase(
        "upset",
        heard(
            r"fuck\w*|shit|bullshit|crap|useless|stupid|idiot|dumb|you suck|terrible|awful|worst"
            r"|droga|merda|porra|caralho|idiota|burr[oa]|inutil|lixo|pessim[oa]|horrivel|ridicul[oa]"
        ),
        'You wrote "{said}". I am sorry that this is going badly. A person can do more for you: send /human. '
        "(This is the demonstration assistant of Khronos.)",
        "Você escreveu “{said}”. Sinto muito que isto não esteja indo bem. Uma pessoa pode ajudar mais: "
        "envie /human. (Aqui fala o assistente de demonstração do Khronos.)",
    ),
    Phrase(
        "help",
        heard(
            r"help|what can you do|how does (?:this|it) work|ajuda|ajudar|me ajude"
            r"|o que (?:voce|vc) (?:faz|pode fazer|sabe fazer)|como (?:isso )?funciona"
        ),
        'You wrote "{said}". Ask me something: I quote the documents that I was given, and bring in a person '
        "(/human). This is a demonstration, without an AI model. {connect}",
        "Você escreveu “{said}”. Pergunte: cito os documentos que recebi e chamo uma pessoa (/human). "
        "Isto é uma demonstração, sem modelo de IA. {connect}",
    ),
    Phrase(
        "thanks",
        heard(r"thanks?|thank you|thx|obrigad[oa]|valeu|brigad[oa]|agradeco|agradecido"),
        'You wrote "{said}". You are welcome! This was the demonstration assistant of Khronos.',
        "Você escreveu “{said}”. De nada! Aqui falou o assistente de demonstração do Khronos.",
    ),
    Phrase(
        "bye",
        heard(r"bye|goodbye|see you|tchau|ate (?:logo|mais|amanha)|adeus"),
        'You wrote "{said}". Goodbye from the demonstration assistant of Khronos!',
        "Você escreveu “{said}”. Até logo! Aqui falou o assistente de demonstração do Khronos.",
    ),
    Phrase(
        "greeting",
        heard(
            r"hi|hello|hey|good (?:morning|afternoon|evening)|how are you|/start"
            r"|oi+|ola|bom dia|boa (?:tarde|noite)|e ai|tudo (?:bem|bom)|opa"
        ),
        'Hello! You wrote "{said}". I am the demonstration assistant of Khronos, '
        "and your message arrived safely. What would you like to know? {connect}",
        "Olá! Você escreveu “{said}”. Sou o assistente de demonstração do Khronos, "
        "e sua mensagem chegou bem. O que você quer saber? {connect}",
    ),
    Phrase(
        "noise",
        heard(r"k{3,}|(?:ha){2,}h?|(?:he){2,}|(?:rs){2,}|lol|^\W+$"),
        'You wrote "{said}". If there is anything that you want to know, ask me in a few words. '
        "(This is the demonstration assistant of Khronos.)",
        "Você escreveu “{said}”. Se quiser saber alguma coisa, pergunte em poucas palavras. "
        "(Aqui fala o assistente de demonstração do Khronos.)",
    ),
)
OTHERWISE = Phrase(
    "otherwise",
    heard("$^"),
    'Your message arrived: "{said}". I am the demonstration assistant of Khronos '
    "and have no AI model to think about it with. {connect}",
    "Sua mensagem chegou: “{said}”. Sou o assistente de demonstração do Khronos "
    "e não tenho um modelo de IA para pensar nela. {connect}",
)
FOUND = Phrase(
    "found",
    heard("$^"),
    "{passages}\n\nI am the demonstration assistant of Khronos: I quote what the documents say. {connect}",
    "{passages}\n\nSou o assistente de demonstração do Khronos: cito o que os documentos dizem. {connect}",
)
UNKNOWN = Phrase(
    "unknown",
    heard("$^"),
    'You wrote "{said}". I do not know: my documents say nothing of it. Shall I fetch a person? Send /human. '
    "(This is the demonstration assistant of Khronos. {connect})",
    "Você escreveu “{said}”. Não sei: meus documentos não falam disso. Quer que eu chame uma pessoa? "
    "Envie /human. (Aqui fala o assistente de demonstração do Khronos. {connect})",
)
PICTURE = Phrase(
    "picture",
    heard("$^"),
    "Your picture arrived safely: {said} I am the demonstration assistant of Khronos and cannot look at "
    "pictures without an AI model. {connect}",
    "Sua imagem chegou bem: {said} Sou o assistente de demonstração do Khronos e não consigo ver imagens sem "
    "um modelo de IA. {connect}",
)
PAPER = Phrase(
    "paper",
    heard("$^"),
    "I have read what you sent. It begins so:\n\n{beginnings}\n\nI am the demonstration assistant of "
    "Khronos: without an AI model I cannot think about it. {connect}",
    "Li o que você enviou. Começa assim:\n\n{beginnings}\n\nSou o assistente de demonstração do Khronos: sem "
    "um modelo de IA, não consigo pensar sobre isso. {connect}",
)
CONNECT_ENGLISH = "For real answers, put ANTHROPIC_API_KEY into .env and start Khronos again."
CONNECT_PORTUGUESE = "Para respostas de verdade, coloque ANTHROPIC_API_KEY no .env e reinicie o Khronos."

READING = Phrase(
    "reading",
    heard("$^"),
    'You wrote "{said}". I am still reading my documents and found nothing yet: ask me again in a moment. '
    "(This is the demonstration assistant of Khronos. {connect})",
    "Você escreveu “{said}”. Ainda estou lendo meus documentos e nada encontrei por ora: pergunte de novo em "
    "instantes. (Aqui fala o assistente de demonstração do Khronos. {connect})",
)


SMALL_TALK_MAX = 80  # characters: a longer text that begins with "hello" wants more than a greeting
SMALL_TALK_WORDS = 3  # with more of them it may be a question, which documents answer better


def small_talk(words: str) -> Phrase:
    """Of folded words on one line."""
    is_short = len(words) <= SMALL_TALK_MAX
    return next((each for each in PHRASES if is_short and each.heard.search(words)), OTHERWISE)


def may_be_documented(words: str) -> bool:
    """Whoever greets, or asks for a person, gets no document."""
    phrase = small_talk(words)
    return phrase is OTHERWISE or (phrase.topic != "human" and len(words.split()) > SMALL_TALK_WORDS)
