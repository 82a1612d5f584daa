"""What Khronos itself says to people, in their language."""

# Of the commands that are shown to people.
MENU = {
    "en": {
        "human": "talk to a person",
        "assistant": "go back to the assistant",
        "reset": "forget what we said",
        "privacy": "what is kept and remembered about you",
        "help": "what I can do",
    },
    "pt": {
        "human": "falar com uma pessoa",
        "assistant": "voltar ao assistente",
        "reset": "esquecer o que conversamos",
        "privacy": "o que guardamos e lembramos sobre você",
        "help": "o que eu sei fazer",
    },
}


def menu(language: str) -> str:
    shown = ((name, text) for name, text in MENU[language].items() if name not in ("help", "assistant"))
    return "\n".join(f"/{name} – {text}" for name, text in shown)


PHRASES = {
    "start": {
        "en": "Hello! Write to me and I will answer. /help shows what I can do.",
        "pt": "Olá! Escreva para mim e eu respondo. /help mostra o que eu sei fazer.",
    },
    "help": {
        "en": f"Ask me anything in your own words.\n\n{menu('en')}",
        "pt": f"Pergunte o que quiser, com suas palavras.\n\n{menu('pt')}",
    },
    "human": {
        "en": "I am calling a person. They will answer you here.",
        "pt": "Estou chamando uma pessoa. Ela vai responder por aqui.",
    },
    "nobody": {
        "en": "There is no person here whom I could call. I go on helping as well as I can.",
        "pt": "Não há uma pessoa aqui que eu possa chamar. Continuo ajudando como puder.",
    },
    "back": {"en": "Back to the assistant", "pt": "Voltar ao assistente"},
    "in_line": {
        "en": "You are in line for a person of our team, who will answer you here. What you write is kept.",
        "pt": "Você está na fila para falar com uma pessoa da nossa equipe, que vai responder por aqui. "
        "O que você escreve fica guardado.",
    },
    "with_person": {
        "en": "A person of our team has this conversation now, and answers you here.",
        "pt": "Uma pessoa da nossa equipe está com esta conversa agora e responde por aqui.",
    },
    "waits": {
        "en": "Your message has arrived and is kept. Nobody of our team has been free yet; a person will "
        "answer you here.",
        "pt": "Sua mensagem chegou e está guardada. Ninguém da nossa equipe ficou livre ainda; uma pessoa "
        "vai responder por aqui.",
    },
    "waits_or": {
        "en": "If you would rather have the assistant: /assistant",
        "pt": "Se preferir o assistente: /assistente",
    },
    "assistant": {
        "en": "The assistant answers you again. If something is still open, you will have its answer here.",
        "pt": "O assistente volta a responder. Se algo ficou em aberto, a resposta dele vem por aqui.",
    },
    "assistant_here": {
        "en": "You are talking to the assistant. /human calls a person.",
        "pt": "Você está falando com o assistente. /human chama uma pessoa.",
    },
    "people_only": {
        "en": "People answer here, without an assistant. What you write is kept for them.",
        "pt": "Aqui quem responde são pessoas, sem assistente. O que você escreve fica guardado para elas.",
    },
    "not_put_aside": {
        "en": "So nothing was put aside.",
        "pt": "Por isso nada foi deixado de lado.",
    },
    "reset": {
        "en": "Done. I have put aside what we said; we start anew.",
        "pt": "Pronto. Deixei de lado o que conversamos; começamos de novo.",
    },
    "privacy": {
        "en": "We keep your name as this chat shows it and the messages of this conversation, with a short "
        "summary of older ones, to answer you. "
        "Ask for a copy or for erasure with /human and a person will see to it.",
        "pt": "Guardamos seu nome, como este chat o mostra, e as mensagens desta conversa, com um breve "
        "resumo das mais antigas, para responder. "
        "Peça uma cópia ou a exclusão com /human e uma pessoa cuidará disso.",
    },
    "remembered": {
        "en": "I remember this of what you told me:\n{facts}\n\n"
        "To erase one, write “/forget 1”; to erase all, “/forget all”.",
        "pt": "Lembro disto, do que você me contou:\n{facts}\n\n"
        "Para apagar um item, escreva “/esquecer 1”; para apagar tudo, “/esquecer tudo”.",
    },
    "nothing_remembered": {
        "en": "Beyond that I remember nothing about you.",
        "pt": "Além disso, não lembro de nada sobre você.",
    },
    "forgotten": {
        "en": "Done. I have forgotten:\n{facts}",
        "pt": "Pronto. Esqueci:\n{facts}",
    },
    "not_remembered": {
        "en": "I do not remember anything like that. /privacy shows what I remember.",
        "pt": "Não lembro de nada assim. /privacy mostra o que lembro.",
    },
    "unknown": {
        "en": "I do not know this command. /help shows those that I know.",
        "pt": "Não conheço esse comando. /help mostra os que conheço.",
    },
    "voice": {
        "en": "I cannot listen to voice messages or sound here. Could you write it, please? "
        "Or send /human to talk to a person.",
        "pt": "Não consigo ouvir mensagens de voz nem áudio por aqui. Você pode escrever, por favor? "
        "Ou envie /human para falar com uma pessoa.",
    },
    "video": {
        "en": "I cannot watch videos. Could you say in words what it is about, please? "
        "Or send /human to talk to a person.",
        "pt": "Não consigo assistir a vídeos. Você pode dizer em palavras do que se trata, por favor? "
        "Ou envie /human para falar com uma pessoa.",
    },
    "too_large": {
        "en": "This file is too large for me: I can take up to {most} MB. Could you send a smaller one, "
        "or the part that matters?",
        "pt": "Este arquivo é grande demais para mim: aceito até {most} MB. Você pode enviar um menor, "
        "ou só a parte que importa?",
    },
    "unread": {
        "en": "I could not make anything of your file{what}. {reason}",
        "pt": "Não consegui aproveitar o seu arquivo{what}. {reason}",
    },
    "fetching": {
        "en": "I cannot get your file right now, but your message is safe. I will answer when I have it.",
        "pt": "Não consigo baixar seu arquivo agora, mas sua mensagem está segura. Respondo quando der.",
    },
    "wait": {
        "en": "I cannot think right now, but your message is safe. I will answer as soon as I can.",
        "pt": "Não consigo pensar agora, mas sua mensagem está segura. Respondo assim que puder.",
    },
    "later": {
        "en": "I have to leave your question for later. It is safe, and I will answer it as soon as I may. "
        "/human calls a person.",
        "pt": "Preciso deixar sua pergunta para mais tarde. Ela está guardada, e respondo assim que puder. "
        "/human chama uma pessoa.",
    },
    "lapsed": {
        "en": "Nobody said yes in time, so it was not done: {wish}",
        "pt": "Ninguém disse sim a tempo, então não foi feito: {wish}",
    },
    "settled": {
        "en": "This question is settled already. Nothing more was done.",
        "pt": "Esta pergunta já foi resolvida. Nada mais foi feito.",
    },
    "slowly": {
        "en": "You are faster than I am! Give me a minute, I will answer everything.",
        "pt": "Você é mais rápido do que eu! Me dê um minuto, vou responder a tudo.",
    },
    "buried": {
        "en": "I am sorry, I could not answer this. A person has been told.",
        "pt": "Desculpe, não consegui responder a isto. Uma pessoa já foi avisada.",
    },
}


def phrase(name: str, language: str) -> str:
    texts = PHRASES[name]
    return texts.get(language, texts["en"])
